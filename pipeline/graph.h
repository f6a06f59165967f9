// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/ledger.h"
#include "pipeline/progress.h"
#include "pipeline/run_stages.h"
#include "pipeline/tile_memory.h"

namespace fluxtile {

/// What became of the tiles that a graph worked on.
struct RunTally {
  uint64_t tile_years_done = 0;  ///< computed in this run
  uint64_t tile_years_kept = 0;  ///< found valid from before
  uint64_t tiles_failed = 0;
  uint64_t pixel_years = 0;  ///< cells x years that ran through the networks, spin-up included
  uint64_t pixel_days = 0;   ///< cells x days; fewer where a year was taken up in its middle
  uint64_t empty_tiles = 0;  ///< no modelled cell
  int64_t cells_inside = 0, cells_modelled = 0, without_crop = 0, without_static = 0;
  int64_t too_long_gaps = 0, without_climate = 0,
          negative_gpp = 0;                     ///< cell-years, cell-years, composite values
  std::map<std::string, double> stage_seconds;  ///< summed over threads
  double wall_seconds = 0;
};

/// Runs tiles through the stages as a oneTBB flow graph:
///
///   tiles of the plan -> memory token -> open (soil, crops) -> the tile's first year
///   year -> ingest_gpp, ingest_climate -> assemble -> the tile's turn -> infer -> write -> ledger
///   infer -> the tile's next year is read meanwhile
///   ledger -> the tile's next turn | token back -> next tile (after its last year)
///
/// Ingest hides behind the networks: of the same tile, one year ahead, and of other tiles. Tokens
/// limit tiles in flight by bytes. A tile that fails is data: recorded in the ledger, the others go
/// on. A signal or a write error ends the run: what is in flight is dropped, its tile-years are
/// computed again next time. Throws that Error after the graph has come to rest. Stages are noted
/// in `stages.timeline` when it is there, tiles by their position in `units`.
RunTally run_tiles(const RunStages& stages, Ledger& ledger, const TileMemory& memory,
                   const std::vector<TileUnit>& units, Progress& progress);

}  // namespace fluxtile
