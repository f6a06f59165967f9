// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/world.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {

const char* const kModisSinusoidal =
    "PROJCS[\"MODIS Sinusoidal\",GEOGCS[\"Unknown datum based upon the custom spheroid\","
    "DATUM[\"Not_specified_based_on_custom_spheroid\",SPHEROID[\"Custom spheroid\",6371007.181,0]],"
    "PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433]],PROJECTION[\"Sinusoidal\"],"
    "PARAMETER[\"longitude_of_center\",0],PARAMETER[\"false_easting\",0],"
    "PARAMETER[\"false_northing\",0],UNIT[\"metre\",1]]";

namespace {

constexpr double kMargin = 1500;
constexpr double kRadians = 3.14159265358979323846 / 180;

Box box_of(const std::vector<NamedRegion>& regions, const Transform& to_grid) {
  Box box{1e30, 1e30, -1e30, -1e30};
  for (const NamedRegion& region : regions) {
    for (const RingSet& rings : region.polygons) {
      for (Point p : rings.front()) {
        to_grid.forward(&p.x, &p.y, 1);
        box = {std::min(box.x0, p.x), std::min(box.y0, p.y), std::max(box.x1, p.x),
               std::max(box.y1, p.y)};
      }
    }
  }
  // A parallel bulges out of the box of its end points by w^2 / 8 R at most.
  const double bulge = (box.x1 - box.x0) * (box.x1 - box.x0) / (8 * 6.37e6);
  const double margin = kMargin + bulge;
  return {box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin};
}

// Where weather is asked for: the world's box, the weather files around it and the GPP cells on its
// edge.
GeographicBox box_around(const WorldConfig& config, const Box& box, const Transform& to_grid) {
  // A few of their cells beyond: 1/24 degree and 463 m each.
  const double cells = 3.0 / 24 * config.climate_stride + 0.04 * config.gpp_multiple;
  if (config.geography == Geography::square) {
    const double reach = config.size_km / 2 / 75 + 0.4 + cells;
    // The GPP raster is a box in the sinusoidal projection, whose meridians lean: its corners lie
    // further east and west than the world by as much as a meridian moves over its height.
    const double height = config.size_km / 100 + 0.2 + cells;
    const double steepest = (std::abs(config.latitude) + height) * kRadians;
    const double leaning = std::abs(config.longitude) * std::tan(steepest) * height * kRadians;
    return {config.longitude - reach - leaning, config.latitude - reach,
            config.longitude + reach + leaning, config.latitude + reach};
  }
  GeographicBox around{360, 90, -360, -90};
  constexpr int steps = 20;
  for (int i = 0; i <= steps; ++i) {
    for (int j = 0; j <= steps; ++j) {
      double x = box.x0 + (box.x1 - box.x0) * i / steps;
      double y = box.y0 + (box.y1 - box.y0) * j / steps;
      to_grid.inverse(&x, &y, 1);
      around = {std::min(around.west, x), std::min(around.south, y), std::max(around.east, x),
                std::max(around.north, y)};
    }
  }
  const double margin = 0.5 + cells;  // degrees
  return {around.west - margin, around.south - margin, around.east + margin, around.north + margin};
}

Landscape landscape_of(const WorldConfig& config, const Random& random, const Box& box) {
  if (config.geography == Geography::midwest) return Landscape(random, config.field_size);
  return Landscape(random, (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, (box.x1 - box.x0) / 2,
                   config.field_size);
}

}  // namespace

World::World(const WorldConfig& world_config)
    : config(world_config),
      random(config.seed),
      regions(make_regions(config)),
      geographic_to_grid(
          choose_operation(Crs::from_user_input("EPSG:4269"), Crs::from_user_input("EPSG:5070"))),
      box(box_of(regions, geographic_to_grid)),
      landscape(landscape_of(config, random, box)),
      weather(random, box_around(config, box, geographic_to_grid)),
      soil(random) {}

}  // namespace fluxtile::world
