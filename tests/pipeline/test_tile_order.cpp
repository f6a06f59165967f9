// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tile_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace fluxtile {
namespace {

std::vector<TileIndex> tiles(int64_t columns, int64_t rows) {
  return tiles_of({-3, -5, columns, rows}, 1);
}

TEST(TileOrder, KeepsEveryTile) {
  for (const bool whole_rows : {false, true}) {
    auto ordered = ordered_tiles(tiles(7, 5), whole_rows);
    std::sort(ordered.begin(), ordered.end());
    auto expected = tiles(7, 5);
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(ordered, expected);
  }
  EXPECT_TRUE(ordered_tiles({}, false).empty());
}

TEST(TileOrder, NeighboursFollowEachOther) {
  const auto ordered = ordered_tiles(tiles(8, 8), false);
  ASSERT_EQ(ordered.size(), 64U);
  for (size_t i = 1; i < ordered.size(); ++i)
    EXPECT_EQ(std::abs(ordered[i].column - ordered[i - 1].column) +
                  std::abs(ordered[i].row - ordered[i - 1].row),
              1)
        << i;
  // Squares of tiles are finished before the next begins: the first quarter is a square of 4.
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_LT(ordered[i].column, 1);
    EXPECT_LT(ordered[i].row, -1);
  }
}

TEST(TileOrder, StripsAreReadRowByRow) {
  const auto ordered = ordered_tiles(tiles(3, 2), true);
  const std::vector<TileIndex> expected = {{-3, -5}, {-2, -5}, {-1, -5},
                                           {-3, -4}, {-2, -4}, {-1, -4}};
  EXPECT_EQ(ordered, expected);
}

}  // namespace
}  // namespace fluxtile
