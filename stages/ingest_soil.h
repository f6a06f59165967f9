// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "geo/region.h"
#include "stages/layer_reader.h"
#include "stages/tile.h"

namespace fluxtile {

/// The outline of the region a tile belongs to, ready for point tests.
struct RegionShape {
  std::shared_ptr<const RegionIndex> index;
  Transform to_region;  ///< lattice CRS -> CRS of the boundaries
};

/// Opens a tile: which cells lie inside the region, their soil and their crops of every year. It
/// comes before the other ingest stages because it decides which cells are modelled at all; a tile
/// without any costs nothing more.
class IngestSoil {
 public:
  IngestSoil(Lattice lattice, std::shared_ptr<const Sources> sources,
             std::vector<RegionShape> regions, std::shared_ptr<LayerReader> reader);

  /// Throws Error (data | io) naming the file.
  TileStatics operator()(const TileUnit& unit) const;

 private:
  void read_crops(std::vector<CellIndex>& cells, std::vector<TileCrop>& crops) const;

  Lattice lattice_;
  std::shared_ptr<const Sources> sources_;
  std::vector<RegionShape> regions_;
  std::shared_ptr<LayerReader> reader_;
};

}  // namespace fluxtile
