// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/gpp.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

constexpr double kRootDepth = 1500;    // mm
constexpr double kMaturityDay = 255;   // when the normal year's varieties are ripe
constexpr double kFrost = -2.0;        // degC that end a crop's season
constexpr int kFirstFrostDay = 240;    // earlier frosts do not kill
constexpr double kTurnOfYear = 0.85;   // share of the bucket that is full on 1 January
constexpr double kStressBelow = 0.35;  // share of the bucket below which plants close up
constexpr double kSaturation = 10;     // MJ m-2 d-1 of absorbed light that halve efficiency
constexpr double kLatentHeat = 2.45;   // MJ kg-1

// How a kind of plant turns light into carbon, and its year. Progress of crops: share of the heat
// to maturity; of perennials: degree days (rise) and day of the year (fall).
struct Plant {
  double efficiency;                    // gC per MJ of absorbed light, where light is scarce
  double coldest, cool, warm, hottest;  // degC: 0, 1, 1, 0
  double dry_from, dry_to, driest;      // kPa, kPa, share left
  double leaf;                          // absorbed share of light in full leaf
  double rise, rise_width, fall, fall_width;
};

Plant plant_of(int code) {
  switch (code) {
    case corn:
      return {3.65, 6, 21, 33, 45, 1.4, 4.5, 0.55, 0.94, 0.245, 0.045, 0.955, 0.035};
    case soybeans:
      return {2.45, 5, 19, 31, 43, 1.3, 4.2, 0.45, 0.94, 0.250, 0.045, 0.955, 0.028};
    case grass:
      return {1.8, 0, 14, 27, 40, 1.0, 3.6, 0.45, 0.75, 90, 40, 290, 12};
    case forest:
      return {1.8, 1, 15, 28, 42, 1.0, 3.6, 0.45, 0.92, 160, 40, 285, 9};
    case developed:
      return {1.3, 0, 14, 28, 42, 1.0, 3.6, 0.45, 0.35, 100, 40, 290, 13};
    default:
      return {0, 0, 15, 28, 40, 1, 4, 0.5, 0, 100, 40, 290, 12};
  }
}

bool is_crop(int code) { return code == corn || code == soybeans; }

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

double smooth_step(double t) {
  t = std::clamp(t, 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double temperature_response(const Plant& plant, double celsius) {
  if (celsius < plant.cool)
    return smooth_step((celsius - plant.coldest) / (plant.cool - plant.coldest));
  return 1 - smooth_step((celsius - plant.warm) / (plant.hottest - plant.warm));
}

double vapour_response(const Plant& plant, double deficit) {
  const double t = (deficit - plant.dry_from) / (plant.dry_to - plant.dry_from);
  return 1 - (1 - plant.driest) * std::clamp(t, 0.0, 1.0);
}

}  // namespace

GrowingDay growing_day(const DayWeather& weather) {
  const double tmax = weather.tmax - 273.15, tmin = weather.tmin - 273.15;
  const double mean = (tmax + tmin) / 2, daylight = mean + 0.22 * (tmax - tmin);
  const double energy = weather.radiation * 0.0864;
  const double vapour = (saturation_vapour_pressure(tmin) * weather.rh_max +
                         saturation_vapour_pressure(tmax) * weather.rh_min) /
                        200;
  GrowingDay day;
  day.light = static_cast<float>(0.46 * energy);
  day.temperature = static_cast<float>(daylight);
  day.minimum = static_cast<float>(tmin);
  day.vapour_deficit =
      static_cast<float>(std::max(0.0, saturation_vapour_pressure(daylight) - vapour));
  day.heat =
      static_cast<float>((std::clamp(tmax, 10.0, 30.0) + std::clamp(tmin, 10.0, 30.0)) / 2 - 10);
  day.potential_et =
      static_cast<float>(std::max(0.0, 0.0135 * (mean + 17.8) * energy / kLatentHeat));
  day.rain = static_cast<float>(weather.rain);
  return day;
}

GrowingClimate growing_climate(const Climate& climate) {
  GrowingClimate growing;
  // Corn is planted when the normal year reaches 13 degC, soybeans twelve days later.
  double day = 60;
  while (day < 170 && climate.temperature(day) < 13) ++day;
  growing.corn_planting = day;
  growing.soybean_planting = day + 12;
  // The normal year's heat, raised for days that are warmer or colder than normal and for the
  // daily cycle.
  const auto heat = [&climate](double first) {
    double sum = 0;
    for (double d = first; d < kMaturityDay; ++d) {
      const double mean = climate.temperature(d), half = 6;
      sum += (std::clamp(mean + half, 10.0, 30.0) + std::clamp(mean - half, 10.0, 30.0)) / 2 - 10;
    }
    return sum;
  };
  growing.corn_heat = heat(growing.corn_planting);
  growing.soybean_heat = heat(growing.soybean_planting);
  return growing;
}

double available_water(const SoilProperties& soil) {
  return std::max(40.0, (soil[3] - soil[4]) * kRootDepth);
}

std::vector<float> gpp_of_year(const Site& site, const GrowingClimate& climate, double water,
                               const std::vector<GrowingDay>& days) {
  std::vector<float> gpp(days.size());
  const Plant plant = plant_of(site.code);
  if (plant.efficiency == 0) return gpp;
  const bool crop = is_crop(site.code);
  const double planting =
      (site.code == corn ? climate.corn_planting : climate.soybean_planting) + site.shift;
  const double needed = site.code == corn ? climate.corn_heat : climate.soybean_heat;
  double heat = 0, filled = kTurnOfYear * water;
  bool killed = false;
  for (size_t d = 0; d < days.size(); ++d) {
    const GrowingDay& day = days[d];
    const auto doy = static_cast<double>(d);
    double leaf = 0;
    if (crop) {
      if (doy >= planting) heat += double{day.heat} * std::min(1.0, doy + 1 - planting);
      if (static_cast<int>(d) >= kFirstFrostDay && double{day.minimum} < kFrost) killed = true;
      const double progress = heat / needed;
      if (heat > 0 && !killed) {
        leaf = logistic((progress - plant.rise) / plant.rise_width) *
               logistic((plant.fall - progress) / plant.fall_width);
      }
    } else {
      heat += double{day.heat};
      leaf = logistic((heat - plant.rise) / plant.rise_width) *
             logistic((plant.fall + site.shift - doy) / plant.fall_width);
    }
    leaf *= plant.leaf;
    const double supply = std::min(1.0, filled / (kStressBelow * water));
    const double light = double{day.light} * leaf;
    const double rate = plant.efficiency * light / (1 + light / kSaturation) *
                        temperature_response(plant, double{day.temperature}) *
                        vapour_response(plant, double{day.vapour_deficit}) *
                        (0.30 + 0.70 * supply) * site.vigour;
    gpp[d] = rate < 0.05 ? 0.0F : static_cast<float>(rate);
    const double loss = double{day.potential_et} * (0.20 + 0.68 * leaf) * supply;
    filled = std::clamp(filled + double{day.rain} - loss, 0.0, water);
  }
  return gpp;
}

}  // namespace fluxtile::world
