// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "pipeline/world/landscape.h"
#include "pipeline/world/soil.h"
#include "pipeline/world/weather.h"

namespace fluxtile::world {

/// What plants feel of a day.
struct GrowingDay {
  float light = 0;           ///< photosynthetically active radiation, MJ m-2 d-1
  float temperature = 0;     ///< mean of daylight hours, degC
  float minimum = 0;         ///< of the night, degC
  float vapour_deficit = 0;  ///< mean of daylight hours, kPa
  float heat = 0;            ///< degree days above 10 degC, capped at 30 degC
  float potential_et = 0;    ///< mm d-1 (Hargreaves and Samani 1982, from radiation)
  float rain = 0;            ///< mm d-1
};
GrowingDay growing_day(const DayWeather& weather);

/// How farmers of a place adapt to its climate: when they plant, and how much heat their varieties
/// need. 0-based days of the year; degree days.
struct GrowingClimate {
  double corn_planting = 120, soybean_planting = 134;
  double corn_heat = 1500, soybean_heat = 1400;
};
GrowingClimate growing_climate(const Climate& climate);

/// Water that roots can take up where the soil is wet, mm.
double available_water(const SoilProperties& soil);

/// Gross primary production of a site over a calendar year, gC m-2 d-1, one value a day of `days`
/// (from 1 January), never negative, exactly 0 below 0.05. Light-use efficiency: absorbed light x
/// efficiency of the plant (lower in bright light) x response to temperature x to vapour deficit x
/// to soil water (a bucket of `water` mm that starts at 85 %). Leaf area follows degree days from
/// planting (crops) or from 1 January (perennials). The one GPP of all synthetic worlds;
/// thread-safe; about 20 us a year.
std::vector<float> gpp_of_year(const Site& site, const GrowingClimate& climate, double water,
                               const std::vector<GrowingDay>& days);

}  // namespace fluxtile::world
