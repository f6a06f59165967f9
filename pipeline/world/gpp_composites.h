// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/world/world.h"

namespace fluxtile::world {

/// Writes the world's GPP as 8-day composites on the MODIS sinusoidal lattice (cells of 463.3127 m,
/// or a multiple of it), one int16 GeoTIFF each, `gpp_%Y%j.tif`, scale 0.01, nodata -9999, unit gC
/// m-2 d-1. A cell is the mean of 3 x 3 points. From March to November clouds hide a share `gaps`
/// of all cells, much in some composites and little in others.
void write_gpp_composites(const World& world, const std::string& folder);

}  // namespace fluxtile::world
