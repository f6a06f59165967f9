// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tile_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

class TileMemoryTest : public SmallWorld {
 protected:
  /// A plan of the world, then with another promise and tile.
  TileMemoryTest() : config_(config()), plan_(plan().plan) {
    plan_.memory = 2ULL << 30;
    plan_.threads = 2;
    plan_.tile = 256;
  }
  [[nodiscard]] TileMemory memory() const { return {plan_, config_}; }
  /// A region whose cells have so many members.
  [[nodiscard]] PlanRegion with(size_t members) const {
    PlanRegion region = plan_.regions.front();
    region.members.resize(members, region.members.front());
    return region;
  }

  Config config_;
  Plan plan_;
};

TEST_F(TileMemoryTest, MoreCellsAndMembersTakeMore) {
  const TileMemory m = memory();
  EXPECT_LT(m.tile_bytes(1000, with(1)), m.tile_bytes(2000, with(1)));
  EXPECT_LT(m.tile_bytes(1000, with(1)), m.tile_bytes(1000, with(2)));
  // At least the hidden states: 1.5 kB a cell and member.
  EXPECT_GT(m.tile_bytes(65536, with(2)) - m.tile_bytes(65536, with(1)), 65536U * 1536U);
}

TEST_F(TileMemoryTest, DailyValuesCount) {
  const uint64_t before = memory().tile_bytes(1000, with(1));
  plan_.daily = true;
  EXPECT_GT(memory().tile_bytes(1000, with(1)), before + 1000U * 4U * 365U * 4U);
}

TEST_F(TileMemoryTest, TheBudgetIsThePromiseWithoutWhatIsAlwaysThere) {
  EXPECT_EQ(memory().budget() + memory().fixed_bytes(), plan_.memory);
  const uint64_t two = memory().fixed_bytes();
  plan_.threads = 8;
  EXPECT_GT(memory().fixed_bytes(), two);
  plan_.memory = 1 << 20;
  EXPECT_EQ(memory().budget(), 0U);
}

TEST_F(TileMemoryTest, ATileThatDoesNotFitIsCutIntoStripsOf32Rows) {
  plan_.memory = 8ULL << 30;
  EXPECT_EQ(memory().largest_side(with(1)), 256);
  // Just too little for the whole tile.
  const TileMemory ample = memory();
  for (const int64_t rows : {224, 96, 32}) {
    plan_.memory = 0;
    uint64_t low = 0, high = 8ULL << 30;
    while (high - low > 1024) {  // the promise at which `rows` begin to fit
      plan_.memory = (low + high) / 2;
      (memory().budget() >= ample.tile_bytes(256 * rows, with(1)) ? high : low) = plan_.memory;
    }
    plan_.memory = high;
    EXPECT_EQ(memory().largest_side(with(1)), rows);
  }
}

TEST_F(TileMemoryTest, TilesAreCutIntoFullUnitsAndARest) {
  using Rows = std::vector<int64_t>;
  const TileMemory m = memory();
  const int64_t all = 1 << 20;
  EXPECT_EQ(m.unit_rows(Rows(256, 256), all), (Rows{44, 44, 44, 44, 44, 36}));
  EXPECT_EQ(m.unit_rows(Rows(126, 186), all), (Rows{60, 60, 6}));
  EXPECT_EQ(m.unit_rows(Rows(64, 64), all), Rows{64});
  EXPECT_EQ(m.unit_rows(Rows(100, 4096), all), (Rows{32, 32, 32, 4}));  // not thinner
  EXPECT_EQ(m.unit_rows(Rows(64, 64), 32), (Rows{32, 32}));             // what fits the memory
  EXPECT_EQ(m.unit_rows(Rows(100, 0), all), Rows{100});
  // A region that fills the lower half alone, and a quarter of each row: one unit.
  Rows corner(256, 0);
  std::fill(corner.begin() + 128, corner.end(), 64);
  EXPECT_EQ(m.unit_rows(corner, all), Rows{256});
  // Wide below: strips there are thinner, and none has more cells than a unit may.
  std::fill(corner.begin() + 128, corner.end(), 256);
  EXPECT_EQ(m.unit_rows(corner, all), (Rows{172, 44, 40}));
  plan_.engine.device = "cuda";
  EXPECT_EQ(memory().unit_rows(Rows(256, 256), all), Rows{256});
}

TEST_F(TileMemoryTest, WhatIsInFlightDoesNotGrowWithThePromise) {
  plan_.memory = 4ULL << 30;
  const uint64_t wanted = memory().wanted();
  plan_.memory = 64ULL << 30;
  EXPECT_EQ(memory().wanted(), wanted);
  plan_.threads = 7;  // two units: one is worked on, one is read
  EXPECT_EQ(memory().wanted(), wanted);
  plan_.threads = 64;
  EXPECT_EQ(memory().wanted(), 5 * wanted);
  plan_.memory = memory().fixed_bytes() + (1U << 20);
  EXPECT_LE(memory().wanted(), memory().budget());
  EXPECT_LT(memory().wanted(), wanted);
}

TEST_F(TileMemoryTest, EngineAndArchitectureCount) {
  EXPECT_GT(plan_.scratch, 0U);
  const uint64_t before = memory().fixed_bytes();
  plan_.scratch += 1 << 20;
  EXPECT_EQ(memory().fixed_bytes(), before + (2U << 20));
  PlanRegion region = with(1);
  EXPECT_EQ(region.state_size, 384U);
  plan_.keep_within_year = 0;
  const uint64_t bytes = memory().tile_bytes(1000, region);
  region.state_size = 128;
  EXPECT_EQ(bytes - memory().tile_bytes(1000, region), 1000U * 256U * 4U * 2U);
  region.state_size = 384;
  // One more that a year goes on from; and the composites of before, as stored and as read: 46 of
  // the year and 9 around it.
  plan_.keep_within_year = 3;
  EXPECT_EQ(memory().tile_bytes(1000, region) - bytes,
            1000U * (384U + 76U) * 4U * 4U + 1000U * 55U * 4U * 2U);
}

TEST_F(TileMemoryTest, TooLittleNamesTheSmallestPromiseThatWorks) {
  for (const int threads : {1, 2, 16}) {
    plan_.threads = threads;
    plan_.memory = 100ULL << 20;
    std::string expected;
    try {
      (void)memory().largest_side(with(1));
      FAIL() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      EXPECT_EQ(error.key(), "run.memory");
      expected = error.expected();
    }
    ASSERT_THAT(expected, HasSubstr("at least "));
    const uint64_t least = std::stoull(expected.substr(9));
    plan_.memory = least << 20;
    EXPECT_EQ(memory().largest_side(with(1)), 32) << expected;
    plan_.memory = (least - 2) << 20;
    EXPECT_THROW((void)memory().largest_side(with(1)), Error) << expected;
  }
}

TEST_F(TileMemoryTest, TilesInFlightFitTheBudget) {
  const TileMemory m = memory();
  const PlanEstimate estimate = m.estimate();
  EXPECT_GE(estimate.tiles_in_flight, 1);
  EXPECT_LE(estimate.tile_bytes * static_cast<uint64_t>(estimate.tiles_in_flight), m.budget());
  EXPECT_GT(estimate.result_bytes, 0U);
  EXPECT_GT(estimate.product_bytes, 0U);
}

}  // namespace
}  // namespace fluxtile
