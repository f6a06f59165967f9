// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "geo/region.h"
#include "stages/coming_reads.h"
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
             std::vector<RegionShape> regions, std::shared_ptr<LayerReader> reader,
             std::shared_ptr<ComingReads> coming = nullptr);

  /// Throws Error (data | io) naming the file.
  TileStatics operator()(const TileUnit& unit) const;

 private:
  void read_crops(const TileUnit& unit, std::vector<CellIndex>& cells,
                  std::vector<TileCrop>& crops) const;
  /// Where the layer is read by the units that come, and by this one if it does so `again`; null
  /// where nothing is known.
  [[nodiscard]] std::shared_ptr<const LaterReads> later(const TileUnit& unit,
                                                        const SourceGrid& grid, size_t operation,
                                                        Resampling method, bool again) const;

  Lattice lattice_;
  std::shared_ptr<const Sources> sources_;
  std::vector<RegionShape> regions_;
  std::shared_ptr<LayerReader> reader_;
  std::shared_ptr<ComingReads> coming_;
};

}  // namespace fluxtile
