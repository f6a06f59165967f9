// SPDX-License-Identifier: Apache-2.0
#include "season_inputs.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr int kYear = 2019;
constexpr size_t kDays = 365;

/// Sum of twelve even numbers: mean 0, standard deviation 1.
double normal(Uniform& random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += random(0, 1);
  return sum - 6;
}

/// kPa, at a temperature in degC.
double saturation(double temperature) {
  return 0.6108 * std::exp(17.27 * temperature / (temperature + 237.3));
}

/// The seven variables of one day, by name.
double weather(const std::string& name, double season, double spell, bool wet, double noise) {
  const double tmax = 16 + 14 * season + spell;
  if (name == "RADN") return (15 + 8 * season) * (wet ? 0.55 : 1.1);
  if (name == "TMAX_AIR") return tmax;
  if (name == "TDIF_AIR") return std::max(2.5, (wet ? 7.0 : 11.0) + 1.5 * noise);
  if (name == "HMAX_AIR") return saturation(tmax - (wet ? 3 : 6));
  if (name == "HDIF_AIR") return 0.25 * saturation(tmax - 6) * (1 + 0.3 * noise);
  if (name == "WIND") return std::max(70.0, 350 + 120 * noise);
  return wet ? std::min(180.0, -8.2 * std::log(1 - std::fmod(std::abs(noise), 1.0))) : 0;  // PRECN
}

void fill_climate(ClimateBlock& climate, Uniform& random) {
  for (size_t cell = 0; cell < climate.cells; ++cell) {
    double spell = 0;
    for (size_t day = 0; day < kDays; ++day) {
      const double season = std::cos(6.283185307179586 * (static_cast<double>(day) - 200) / 365);
      spell = 0.75 * spell + 2.6 * normal(random);
      const bool wet = random(0, 1) < 0.3;
      float* values =
          climate.values.data() + (day * climate.cells + cell) * climate.variables.size();
      for (const std::string& name : climate.variables)
        *values++ = static_cast<float>(weather(name, season, spell, wet, normal(random)));
    }
  }
}

/// A number of a static input's middle range.
float typical(const PackageInput& input, Uniform& random) {
  const double value = input.scaler.mean + random(-1.5, 1.5) * input.scaler.std;
  return static_cast<float>(
      std::clamp(value, input.min.value_or(value), input.max.value_or(value)));
}

}  // namespace

YearInputs season_inputs(const Package& package, uint32_t seed, size_t cells) {
  std::vector<int32_t> column;
  for (size_t cell = 0; cell < cells; ++cell) column.push_back(static_cast<int32_t>(cell));
  YearInputs inputs = random_inputs(seed, kYear, kDays, column);
  Uniform random(seed);
  auto climate = std::make_shared<ClimateBlock>(*inputs.climate);
  fill_climate(*climate, random);
  inputs.climate = climate;
  for (size_t composite = 0; composite < inputs.gpp.composites; ++composite) {
    const double from_peak = (8.0 * static_cast<double>(composite) + 4 - 208) / 31;
    for (size_t cell = 0; cell < cells; ++cell)
      inputs.gpp.values[composite * cells + cell] =
          static_cast<float>(random(11, 19) * std::exp(-0.5 * from_peak * from_peak));
  }
  for (size_t cell = 0; cell < cells; ++cell)
    for (size_t s = 0; s < inputs.static_names.size(); ++s)
      inputs.statics[cell * inputs.static_names.size() + s] =
          typical(package.input(inputs.static_names[s]), random);
  const PackageInput& year = package.input("Year");
  inputs.year_feature =
      static_cast<float>(std::min<double>(kYear, year.max.value_or(year.scaler.mean)));
  return inputs;
}

}  // namespace fluxtile::test
