// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "stages/tile.h"

namespace fluxtile {

/// What a machine keeps of a shared folder at most, unless it is mounted otherwise (NFS: acdirmax).
constexpr std::chrono::seconds most_late{60};

/// Looks again at tiles that seem to be missing from a folder that machines share, until all are
/// there or `most` has passed. Returns those that are still missing. Throws Error(interrupted)
/// after a signal.
std::vector<TileUnit> wait_for_late_tiles(std::vector<TileUnit> missing,
                                          const std::function<bool(const TileUnit&)>& is_there,
                                          std::chrono::milliseconds most,
                                          std::chrono::milliseconds between);

}  // namespace fluxtile
