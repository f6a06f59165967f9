// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "geo/lattice.h"

namespace fluxtile {

/// In which order tiles are worked on, so that what one tile made the readers decode still is there
/// for its neighbours. `whole_rows`: the source's blocks span its whole width (strips), then tiles
/// go row by row; else along a Hilbert curve, on which tiles that follow each other touch and
/// squares of tiles are finished before the next begins. No result depends on it.
std::vector<TileIndex> ordered_tiles(std::vector<TileIndex> tiles, bool whole_rows);

}  // namespace fluxtile
