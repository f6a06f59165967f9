// SPDX-License-Identifier: Apache-2.0
#include "pipeline/late_tiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "base/error.h"
#include "base/stop.h"

namespace fluxtile {
namespace {

using std::chrono::milliseconds;

TileUnit unit_of(size_t region, int64_t col) {
  TileUnit unit;
  unit.region = region;
  unit.window.column = col;
  return unit;
}

TEST(LateTiles, WhatComesIsWaitedForAndNoLonger) {
  std::map<int64_t, int> looks;
  const auto missing = wait_for_late_tiles(
      {unit_of(0, 1), unit_of(0, 2)},
      [&](const TileUnit& unit) { return ++looks[unit.window.column] > 2 * unit.window.column; },
      milliseconds(60000), milliseconds(1));
  EXPECT_TRUE(missing.empty());
  EXPECT_EQ(looks[1], 3) << "one that is there is not looked at again";
  EXPECT_EQ(looks[2], 5);
}

TEST(LateTiles, WhatDoesNotComeIsReturned) {
  int looks = 0;
  const auto missing = wait_for_late_tiles(
      {unit_of(0, 1), unit_of(0, 2)},
      [&](const TileUnit& unit) {
        ++looks;
        return unit.window.column == 1;
      },
      milliseconds(20), milliseconds(1));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing.front().window.column, 2);
  EXPECT_GT(looks, 2) << "it was looked at more than once";
}

TEST(LateTiles, ASignalEndsTheWaiting) {
  Stop::request(SIGTERM);
  EXPECT_THROW(wait_for_late_tiles(
                   {unit_of(0, 1)}, [](const TileUnit&) { return false; }, milliseconds(60000),
                   milliseconds(30000)),
               Error);
  Stop::clear();
}

}  // namespace
}  // namespace fluxtile
