// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/plan.h"

namespace fluxtile {

/// How much memory tiles take and how many fit into run.memory at once. Estimates are upper bounds
/// from headers alone.
class TileMemory {
 public:
  TileMemory(const Plan& plan, const Config& config);

  /// Cells of a tile that are worked on as one unit: enough to keep all threads busy, and few
  /// enough that what is in flight does not grow with the tiles.
  static constexpr int64_t unit_cells = 11264;
  /// Rows of each unit of a tile, from the cells that each of its rows has inside the region:
  /// strips of unit_cells or little less, so that large tiles and small ones take the same memory,
  /// and one with what is left; none of more than `fits` rows. A strip of 32 rows may have more
  /// cells. The whole tile where networks run on a device, which wants many cells at once.
  [[nodiscard]] std::vector<int64_t> unit_rows(const std::vector<int64_t>& cells_of_rows,
                                               int64_t fits) const;

  /// Bytes that a tile-year of a region holds in flight: states, compact inputs of one year with
  /// margins and of the next one, which is read ahead, results.
  [[nodiscard]] uint64_t tile_bytes(int64_t cells, const PlanRegion& region) const;
  /// Rows of a full-width tile that fit; a multiple of 32 (or the tile's side). Throws Error(data)
  /// with the smallest memory that works when not even 32 rows fit.
  [[nodiscard]] int64_t largest_side(const PlanRegion& region) const;
  /// Program, caches and the scratch of all threads.
  [[nodiscard]] uint64_t fixed_bytes() const;
  /// What is left for tiles in flight.
  [[nodiscard]] uint64_t budget() const;
  /// What tiles in flight shall hold together: as much as keeps the threads busy while tiles are
  /// read and written, within the budget.
  [[nodiscard]] uint64_t wanted() const;
  /// What is kept of decoded blocks of rasters for tiles to come: as much as one block of each
  /// composite that a year reads.
  [[nodiscard]] uint64_t source_block_bytes() const { return block_bytes_; }
  [[nodiscard]] PlanEstimate estimate() const;

 private:
  const Plan& plan_;
  const Config& config_;
  int64_t composites_ = 0;  // that one year reads, at most
  uint64_t block_bytes_ = 0;
  int64_t climate_cells_ = 0;  // of a full tile's window
};

}  // namespace fluxtile
