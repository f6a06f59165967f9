// SPDX-License-Identifier: Apache-2.0
#include "pipeline/late_tiles.h"

#include <algorithm>

#include "base/stop.h"

namespace fluxtile {

std::vector<TileUnit> wait_for_late_tiles(std::vector<TileUnit> missing,
                                          const std::function<bool(const TileUnit&)>& is_there,
                                          std::chrono::milliseconds most,
                                          std::chrono::milliseconds between) {
  const auto end = std::chrono::steady_clock::now() + most;
  for (;;) {
    missing.erase(std::remove_if(missing.begin(), missing.end(), is_there), missing.end());
    if (missing.empty() || std::chrono::steady_clock::now() >= end) return missing;
    Stop::sleep(between);
  }
}

}  // namespace fluxtile
