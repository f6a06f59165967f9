// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "pipeline/ledger.h"
#include "pipeline/progress.h"
#include "pipeline/run_stages.h"
#include "pipeline/run_tally.h"
#include "pipeline/tile_memory.h"

namespace fluxtile {

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
/// in `stages.timeline` when it is there, tiles by their position in `units`; the tally so far is
/// told to `stages.watch`.
RunTally run_tiles(const RunStages& stages, Ledger& ledger, const TileMemory& memory,
                   const std::vector<TileUnit>& units, Progress& progress);

}  // namespace fluxtile
