// SPDX-License-Identifier: Apache-2.0
#include "model/lane_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxtile::test {
namespace {

std::vector<int32_t> all(const LaneBatches& batches, size_t lanes) {
  return {batches.batch(0), batches.batch(0) + batches.count() * lanes};
}

TEST(LaneBatches, AColumnAlwaysHasItsLane) {
  // Columns left of the origin count down from the last lane.
  EXPECT_THAT(all(LaneBatches({0, 5, -1, 4, -4, 1}, 4, 4), 4),
              testing::ElementsAre(0, 1, -1, 2, 3, 5, -1, -1, 4, -1, -1, -1));
}

TEST(LaneBatches, GroupsFillOneBatchFirst) {
  EXPECT_THAT(all(LaneBatches({0, 2, 4, 6, 8, 1}, 4, 2), 4),
              testing::ElementsAre(0, 5, 1, -1, 2, -1, 3, -1, 4, -1, -1, -1));
}

TEST(LaneBatches, EveryEntryIsThereOnce) {
  std::vector<int32_t> column;
  for (int32_t i = 0; i < 1000; ++i) column.push_back(i * 37 % 256 - 100);
  const LaneBatches batches(column, 64, 64);
  EXPECT_EQ(batches.count(), 16u);  // as few as 1000 entries need: every lane has 15 or 16
  std::vector<int> seen(1000, 0);
  for (size_t b = 0; b < batches.count(); ++b)
    for (size_t lane = 0; lane < 64; ++lane)
      if (const int32_t entry = batches.batch(b)[lane]; entry != LaneBatches::padding) {
        ++seen[static_cast<size_t>(entry)];
        EXPECT_EQ(((column[static_cast<size_t>(entry)] % 64) + 64) % 64, static_cast<int>(lane));
      }
  EXPECT_THAT(seen, testing::Each(1));
}

}  // namespace
}  // namespace fluxtile::test
