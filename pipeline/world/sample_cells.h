// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "pipeline/world/gru.h"
#include "pipeline/world/world.h"

namespace fluxtile::world {

/// Daily model inputs of some corn and soybean cells over all years of a world, and what the carbon
/// balance needs besides.
struct SampleCells {
  Sequence inputs;                 ///< 19 inputs of kgml-ag-c in physical units, [day][input][cell]
  Sequence temperature;            ///< daily mean air temperature, degC, one feature
  std::vector<size_t> year_begin;  ///< first day index of each year, and one past the last day
};

/// `count` cells, rounded up to a multiple of 8, half of them corn in the first year.
SampleCells sample_cells(const World& world, size_t count);

}  // namespace fluxtile::world
