// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/world/placement.h"

namespace fluxtile::world {

/// The crop map's lattice: edges at half a cell modulo a cell, as those of the national crop map.
Placement crop_placement(const World& world);

/// The crop map of a year: codes of the Cropland Data Layer at the cells' centres, row-major.
std::vector<uint8_t> crop_codes(const World& world, const Placement& placement, int year);

/// What grows in cells of the model grid, as a run takes it from the crop map.
class CropOfCells {
 public:
  /// `lattice`: the model grid, EPSG:5070.
  CropOfCells(const World& world, const Lattice& lattice, const std::vector<CellIndex>& cells);
  /// The site of each cell in a year: corn or soybeans, by config.crop_mode, with the vigour and
  /// the season of the crop cell of that code nearest to the middle (the first in row order of
  /// those equally near). Nothing where a run would not model the cell.
  [[nodiscard]] std::vector<std::optional<Site>> in(int year) const;

 private:
  const World& world_;
  Lattice lattice_;
  std::vector<CellIndex> cells_;
  Placement placement_;
  ResampleWeights weights_;
};

}  // namespace fluxtile::world
