// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/world/world_config.h"

namespace fluxtile::world {

/// Places for `per_region` towers in each of the three states: spread evenly over the points that
/// another seed draws there, so that they are not the sites of the same world.
std::vector<SitePoint> tower_points(size_t per_region, uint64_t seed);

/// `per_region` places in each state, none in a block of `towers`. Throws Error(data) when there
/// are too few such blocks.
std::vector<SitePoint> reference_points(size_t per_region, const std::vector<SitePoint>& towers,
                                        uint64_t seed);

/// Writes the site-year tables of a world (docs/training-data.md) into `folder`: sites.nc
/// (`sites:`, with a copy of its file of points as points.csv) and towers.nc (`towers:`), each
/// where the description asks for it. A site's values depend on seed, heterogeneity and place
/// alone.
void write_training_tables(const WorldConfig& config, const std::string& folder);

}  // namespace fluxtile::world
