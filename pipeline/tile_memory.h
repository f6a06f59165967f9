// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "pipeline/plan.h"

namespace fluxtile {

/// How much memory tiles take and how many fit into run.memory at once. Estimates are upper bounds
/// from headers alone.
class TileMemory {
 public:
  TileMemory(const Plan& plan, const Config& config);

  /// Bytes that a tile-year in flight holds: states, one year of compact inputs with margins,
  /// results.
  [[nodiscard]] uint64_t tile_bytes(int64_t cells, size_t members) const;
  /// Rows of a full-width tile that fit; a multiple of 32 (or the tile's side). Throws Error(data)
  /// with the smallest memory that works when not even 32 rows fit.
  [[nodiscard]] int64_t largest_side(size_t members) const;
  /// Program, caches and the scratch of all threads.
  [[nodiscard]] uint64_t fixed_bytes() const;
  /// What is left for tiles in flight.
  [[nodiscard]] uint64_t budget() const;
  [[nodiscard]] PlanEstimate estimate() const;

 private:
  const Plan& plan_;
  const Config& config_;
  int64_t composites_ = 0;     // that one year reads, at most
  int64_t climate_cells_ = 0;  // of a full tile's window
};

}  // namespace fluxtile
