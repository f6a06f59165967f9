// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace fluxtile {

/// What two rectangles of cells have in common; empty, at the inner corner, where that is nothing.
/// For windows that count columns and rows: CellWindow of the lattice, SourceWindow of a source.
template <typename Window>
Window window_overlap(const Window& a, const Window& b) noexcept {
  const int64_t left = std::max(a.column, b.column), top = std::max(a.row, b.row);
  const int64_t right = std::min(a.column + a.width, b.column + b.width);
  const int64_t bottom = std::min(a.row + a.height, b.row + b.height);
  if (a.empty() || b.empty() || right <= left || bottom <= top) return {left, top, 0, 0};
  return {left, top, right - left, bottom - top};
}

}  // namespace fluxtile
