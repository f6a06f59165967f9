// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "geo/lattice.h"
#include "pipeline/world/world_config.h"

namespace fluxtile::world {

/// A closed ring (first point repeated at the end); x = longitude, y = latitude, degrees NAD83.
using Ring = std::vector<Point>;
/// Outer ring first, then holes.
using RingSet = std::vector<Ring>;

struct NamedRegion {
  std::string name;
  std::vector<RingSet> polygons;
};

/// Geography square: three regions that fill the world's square: North and South meet along a
/// parallel (curved in EPSG:5070), East begins at a meandering line, all three meet in one point.
/// South has a notch, East a lake that belongs to nobody, and North an exclave inside East. Shared
/// borders share their vertices to the last bit. Geography midwest: the three states.
std::vector<NamedRegion> make_regions(const WorldConfig& config);

/// GeoJSON text in EPSG:4269 with the attribute `region`; the top-level member fluxtile_synthetic
/// marks it.
std::string to_geojson(const std::vector<NamedRegion>& regions);

}  // namespace fluxtile::world
