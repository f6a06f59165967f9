// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/true_parameters.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/states.h"

namespace fluxtile::world {
namespace {

// What jumps between regions, each with its own draw.
enum Group : int64_t { turnover, respiration, sensitivity, harvest, removal, groups };

constexpr double kLarge = 2.5;  // large jumps over small ones

// A parameter set under construction; positions are looked up once.
class Builder {
 public:
  Builder() {
    for (const delta_carbon::Parameter& p : delta_carbon::parameters())
      values_.push_back(p.typical);
  }
  [[nodiscard]] double get(const std::string& name) const {
    return values_[delta_carbon::parameter(name)];
  }
  void set(const std::string& name, double value) {
    const size_t i = delta_carbon::parameter(name);
    const delta_carbon::Parameter& p = delta_carbon::parameters()[i];
    values_[i] = std::clamp(value, p.low, p.high);
  }
  void scale(const std::string& name, double factor) { set(name, get(name) * factor); }
  void scale_crops(const std::string& field, double factor) {
    scale("corn." + field, factor);
    scale("soybean." + field, factor);
  }
  [[nodiscard]] std::vector<float> take() const { return {values_.begin(), values_.end()}; }

 private:
  std::vector<double> values_;
};

// Sum of degree-days of the normal year until `heat` is reached, or until day `end`.
struct Ripening {
  double heat, day;
};
Ripening ripen(const Climate& climate, double base, double planting, double heat, double end) {
  Ripening now{0, planting};
  while (now.heat < heat && now.day < end) {
    now.heat += std::max(0.0, climate.temperature(now.day) - base);
    ++now.day;
  }
  return now;
}

// Farmers choose dates and varieties for their climate. GPP fades about day 250 (0-based); harvest
// follows by day `harvest_day`.
void follow_climate(Builder& b, const std::string& crop, const Climate& climate, double planting,
                    double harvest_day) {
  const double base = b.get(crop + ".base_temperature");
  const double flowering_share = b.get(crop + ".flowering_gdd") / b.get(crop + ".maturity_gdd");
  b.set(crop + ".planting_day", planting + 1);
  b.set(crop + ".maturity_gdd", ripen(climate, base, planting, 1e9, 250).heat);
  const double maturity = b.get(crop + ".maturity_gdd");
  b.set(crop + ".flowering_gdd", flowering_share * maturity);
  b.set(crop + ".dry_down", harvest_day - ripen(climate, base, planting, maturity, 300).day);
}

double clay_of(const SoilProperties& soil) { return 1 - (soil[1] + soil[2]) / 1000; }

// Turnover of soil and litter carbon. Litter and fast carbon are in balance with what comes in, so
// Rh follows the slow pool's rate most.
void scale_turnover(Builder& b, double x) {
  b.scale("soil.slow_rate", std::exp(2.2 * x));
  b.scale("soil.fast_rate", std::exp(1.2 * x));
  b.scale("litter.structural_rate", std::exp(0.6 * x));
}

// Functions of the inputs, the same everywhere: clay protects carbon, rich and warm soils turn over
// faster, plants of warm places spend less on maintenance at a given temperature.
void follow_inputs(Builder& b, const ParameterPlace& place) {
  const double clay = std::clamp((clay_of(place.soil) - 0.25) / 0.05, -2.5, 2.5);
  const double carbon = std::clamp((std::log(place.soil[6]) - 2.8) / 0.38, -2.5, 2.5);
  const double warmth = std::clamp((place.climate.mean - 11) / 2, -2.5, 2.5);
  scale_turnover(b, 0.12 * warmth - 0.12 * clay - 0.08 * carbon);
  const double plant = std::exp(-0.10 * warmth - 0.05 * carbon);
  b.scale_crops("maintenance", plant);
  b.scale_crops("growth_respiration", std::sqrt(plant));
}

}  // namespace

// About -1, 0 and 1 for the three states in an order that the seed draws, so that every world has
// contrast; between -1.15 and 1.15 for any other region.
double TrueParameters::level(const std::string& region, int64_t group) const {
  const std::vector<State>& states = midwest_states();
  const auto hash = [](const std::string& name) {
    int64_t h = 7;
    for (const char c : name) h = h * 131 + c;
    return h;
  };
  const double jitter =
      0.3 * random_.uniform(Subject::parameter_jump, group, hash(region), 1) - 0.15;
  const auto draw = [&](const std::string& name) {
    return random_.uniform(Subject::parameter_jump, group, hash(name), 0);
  };
  const double own = draw(region);
  const bool known =
      std::any_of(states.begin(), states.end(), [&](const State& s) { return s.name == region; });
  if (!known) return 2 * own - 1 + jitter;
  double rank = 0;
  for (const State& state : states) rank += draw(state.name) < own ? 1 : 0;
  return rank - 1 + jitter;
}

std::vector<float> TrueParameters::at(const ParameterPlace& place) const {
  Builder b;
  const GrowingClimate growing = growing_climate(place.climate);
  follow_climate(b, "corn", place.climate, growing.corn_planting, 282);
  follow_climate(b, "soybean", place.climate, growing.soybean_planting, 272);
  if (kind_ == Heterogeneity::none) return b.take();
  if (kind_ == Heterogeneity::explained) {
    follow_inputs(b, place);
    return b.take();
  }
  const double size = kind_ == Heterogeneity::small_jump ? 1 : kLarge;
  std::array<double, groups> jump{};
  for (int64_t g = 0; g < groups; ++g) jump[static_cast<size_t>(g)] = size * level(place.region, g);
  scale_turnover(b, 0.16 * jump[turnover]);
  b.scale_crops("maintenance", std::exp(0.08 * jump[respiration]));
  b.scale_crops("growth_respiration", std::exp(0.06 * jump[respiration]));
  b.scale("soil.activation", std::exp(0.08 * jump[sensitivity]));
  b.scale("plant.maintenance_q10", std::exp(0.03 * jump[sensitivity]));
  b.scale_crops("harvest_index", std::exp(0.035 * jump[harvest]));
  b.set("corn.residue_removal", 0.12 + 0.05 * jump[removal]);
  b.set("soybean.residue_removal", 0.08 + 0.03 * jump[removal]);
  return b.take();
}

delta_carbon::ParameterSet parameter_set(const TrueParameters& truth,
                                         const std::vector<ParameterPlace>& places) {
  delta_carbon::ParameterSet set;
  set.pixels = places.size();
  set.values.resize(delta_carbon::parameters().size() * places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const std::vector<float> values = truth.at(places[i]);
    for (size_t p = 0; p < values.size(); ++p) set.at(p, i) = values[p];
  }
  return set;
}

delta_carbon::SoilColumn soil_column(const std::vector<SoilProperties>& soils,
                                     const std::vector<double>& latitudes) {
  delta_carbon::SoilColumn column;
  for (const SoilProperties& s : soils) {
    column.bulk_density.push_back(static_cast<float>(s[0]));
    column.sand.push_back(static_cast<float>(s[1]));
    column.silt.push_back(static_cast<float>(s[2]));
    column.field_capacity.push_back(static_cast<float>(s[3]));
    column.wilting_point.push_back(static_cast<float>(s[4]));
    column.ksat.push_back(static_cast<float>(s[5]));
    column.soc.push_back(static_cast<float>(s[6]));
  }
  for (const double latitude : latitudes) column.latitude.push_back(static_cast<float>(latitude));
  return column;
}

}  // namespace fluxtile::world
