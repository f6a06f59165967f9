// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tile_order.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace fluxtile {
namespace {

/// Distance of a point along the Hilbert curve that fills a square of `side` (a power of two)
/// points a side (Hamilton and Rau-Chaplin 2008, in its classical two-dimensional form).
uint64_t along_curve(uint64_t side, uint64_t x, uint64_t y) {
  uint64_t distance = 0;
  for (uint64_t half = side / 2; half > 0; half /= 2) {
    const uint64_t right = (x & half) != 0 ? 1 : 0, low = (y & half) != 0 ? 1 : 0;
    distance += half * half * ((3 * right) ^ low);
    if (low == 0) {  // the two upper quarters are turned
      if (right == 1) {
        x = side - 1 - x;
        y = side - 1 - y;
      }
      std::swap(x, y);
    }
  }
  return distance;
}

}  // namespace

std::vector<TileIndex> ordered_tiles(std::vector<TileIndex> tiles, bool whole_rows) {
  if (tiles.empty()) return tiles;
  const auto by_row = [](const TileIndex& a, const TileIndex& b) {
    return std::make_pair(a.row, a.column) < std::make_pair(b.row, b.column);
  };
  std::sort(tiles.begin(), tiles.end(), by_row);
  if (whole_rows) return tiles;
  int64_t left = tiles.front().column, right = left;
  for (const auto& tile : tiles) {
    left = std::min(left, tile.column);
    right = std::max(right, tile.column);
  }
  const int64_t top = tiles.front().row, bottom = tiles.back().row;
  uint64_t side = 1;
  while (side < static_cast<uint64_t>(std::max(right - left, bottom - top) + 1)) side *= 2;
  std::vector<std::pair<uint64_t, TileIndex>> keyed;
  keyed.reserve(tiles.size());
  for (const auto& tile : tiles) {
    keyed.emplace_back(along_curve(side, static_cast<uint64_t>(tile.column - left),
                                   static_cast<uint64_t>(tile.row - top)),
                       tile);
  }
  std::sort(keyed.begin(), keyed.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < tiles.size(); ++i) tiles[i] = keyed[i].second;
  return tiles;
}

}  // namespace fluxtile
