// SPDX-License-Identifier: Apache-2.0
#include "synthetic_field.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace fluxtile::delta_carbon {
namespace {

// std::mt19937's numbers are the same everywhere; those of the standard distributions are not.
class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}
  double even() { return static_cast<double>(engine_()) / 4294967296.0; }
  double normal() {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += even();
    return sum - 6;
  }

 private:
  std::mt19937 engine_;
};

std::vector<float> column_of(const std::vector<float>& all, size_t pixels, size_t pixel) {
  std::vector<float> column;
  for (size_t i = pixel; i < all.size(); i += pixels) column.push_back(all[i]);
  return column;
}

}  // namespace

Forcing synthetic_year(size_t pixels, float crop, double annual_gpp, unsigned seed, double warmer) {
  constexpr size_t days = 365;
  constexpr double turn = 6.283185307179586;
  Forcing year;
  year.days = days;
  year.pixels = pixels;
  year.crop.assign(pixels, crop);
  std::vector<double> season(days);
  double sum = 0;
  const double peak = crop == 1.0F ? 202 : 216, width = crop == 1.0F ? 32 : 28;
  for (size_t d = 0; d < days; ++d) {
    const double x = (static_cast<double>(d) - peak) / width;
    season[d] = std::exp(-0.5 * x * x) + 0.004;
    sum += season[d];
  }
  for (std::vector<float>* series :
       {&year.tmax, &year.tmin, &year.radiation, &year.rain, &year.gpp}) {
    series->resize(days * pixels);
  }
  Draw draw(seed);
  for (size_t pixel = 0; pixel < pixels; ++pixel) {
    double spell = 0;
    for (size_t d = 0; d < days; ++d) {
      const double yearly = std::cos(turn * (static_cast<double>(d) - 200) / 365);
      spell = 0.75 * spell + 2.6 * draw.normal();
      const bool wet = draw.even() < 0.3;
      const double mean = 10 + warmer + 14 * yearly + spell;
      const double half_range = (wet ? 4.0 : 6.0) + 0.8 * draw.normal();
      const size_t at = d * pixels + pixel;
      year.tmax[at] = static_cast<float>(mean + std::max(half_range, 0.5));
      year.tmin[at] = static_cast<float>(mean - std::max(half_range, 0.5));
      year.rain[at] = static_cast<float>(wet ? -8.2 * std::log(1 - draw.even()) : 0.0);
      year.radiation[at] = static_cast<float>((14.5 + 8 * yearly) * (wet ? 0.55 : 1.1));
      year.gpp[at] = static_cast<float>(annual_gpp * season[d] / sum * (wet ? 0.9 : 1.04));
    }
  }
  return year;
}

SoilColumn silt_loam(size_t pixels) {
  const auto all = [&](float value) { return std::vector<float>(pixels, value); };
  return {all(1.32F), all(150), all(600), all(0.31F), all(0.16F), all(25), all(17), all(41)};
}

ParameterSet drawn_parameters(size_t pixels, unsigned seed) {
  Draw draw(seed);
  ParameterSet drawn = ParameterSet::typical(pixels);
  for (size_t i = 0; i < parameters().size(); ++i) {
    const Parameter& each = parameters()[i];
    for (size_t pixel = 0; pixel < pixels; ++pixel) {
      drawn.at(i, pixel) = static_cast<float>(each.low + draw.even() * (each.high - each.low));
    }
  }
  return drawn;
}

ParameterSet one_pixel(const ParameterSet& all, size_t from) {
  return {1, column_of(all.values, all.pixels, from)};
}

SoilColumn one_pixel(const SoilColumn& all, size_t from) {
  return {{all.bulk_density[from]},  {all.sand[from]}, {all.silt[from]}, {all.field_capacity[from]},
          {all.wilting_point[from]}, {all.ksat[from]}, {all.soc[from]},  {all.latitude[from]}};
}

Forcing one_pixel(const Forcing& all, size_t from) {
  const auto column = [&](const std::vector<float>& values) {
    return column_of(values, all.pixels, from);
  };
  return {all.days,
          1,
          column(all.tmax),
          column(all.tmin),
          column(all.radiation),
          column(all.rain),
          column(all.gpp),
          {all.crop[from]}};
}

State one_pixel(const State& all, size_t from) {
  State one{1, {}};
  for (size_t i = from; i < all.values.size(); i += all.pixels) one.values.push_back(all.values[i]);
  return one;
}

double annual(const std::vector<float>& series, size_t pixels, size_t pixel) {
  double sum = 0;
  for (size_t i = pixel; i < series.size(); i += pixels) sum += series[i];
  return sum;
}

double state_value(const State& state, const std::string& name, size_t pixel) {
  const std::vector<std::string>& names = state_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw std::invalid_argument("no state " + name);
  return state.values[static_cast<size_t>(found - names.begin()) * state.pixels + pixel];
}

double carbon_in(const State& state, size_t pixel) {
  double sum = 0;
  for (size_t i = 0; i < state_names().size(); ++i) {
    if (state_units()[i] == "gC m-2") sum += state.values[i * state.pixels + pixel];
  }
  return sum;
}

double water_in(const State& state, size_t pixel) {
  return state_value(state, "snow", pixel) + state_value(state, "soil_water", pixel);
}

}  // namespace fluxtile::delta_carbon
