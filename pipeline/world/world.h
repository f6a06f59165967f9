// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "geo/crs.h"
#include "pipeline/world/landscape.h"
#include "pipeline/world/regions.h"
#include "pipeline/world/soil.h"
#include "pipeline/world/weather.h"
#include "pipeline/world/world_config.h"

namespace fluxtile::world {

/// The MODIS sinusoidal projection on its authalic sphere, WKT1 as in MODIS products.
extern const char* const kModisSinusoidal;

/// A box in EPSG:5070, metres.
struct Box {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

/// Everything there is at a place and time in a synthetic world. Nothing in it is an observation.
struct World {
  explicit World(const WorldConfig& config);

  WorldConfig config;
  Random random;
  std::vector<NamedRegion> regions;
  Transform geographic_to_grid;  ///< EPSG:4269 degrees -> EPSG:5070 metres
  Box box;                       ///< around all regions, with 1.5 km to spare
  Landscape landscape;
  Weather weather;
  Soil soil;
};

/// The composites that begin in `year`: 0-based days of year 0, 8, ..., 360.
constexpr int kCompositesPerYear = 46, kCompositeDays = 8;

}  // namespace fluxtile::world
