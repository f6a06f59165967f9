// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/lattice.h"

namespace fluxtile {

/// Whether the numbers of a window that was read from a file are such that others can be computed
/// from them without overflow.
inline bool is_sound(const CellWindow& window) noexcept {
  constexpr int64_t far = int64_t{1} << 52, long_side = int64_t{1} << 31;
  return window.column >= -far && window.column <= far && window.row >= -far && window.row <= far &&
         window.width >= 0 && window.width < long_side && window.height >= 0 &&
         window.height < long_side;
}

}  // namespace fluxtile
