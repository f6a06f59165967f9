// SPDX-License-Identifier: Apache-2.0
#include "geo/source_blocks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "geo/raster_source.h"

namespace fluxtile {
namespace {

TEST(SourceRows, KeepWhatIsWantedOfEachRow) {
  SourceRows rows({10, 20, 8, 4}, 2, {{12, 20, 2, 2}, {15, 21, 100, 1}, {0, 23, 11, 100}});
  const auto kept = [&](int64_t row) {
    return std::make_pair(rows.row(row).first, rows.row(row).end);
  };
  EXPECT_EQ(kept(20), std::make_pair(int64_t{12}, int64_t{14}));
  EXPECT_EQ(kept(21), std::make_pair(int64_t{12}, int64_t{18})) << "from the first to the last";
  EXPECT_EQ(rows.row(22).first, rows.row(22).end) << "nobody wants it";
  EXPECT_EQ(kept(23), std::make_pair(int64_t{10}, int64_t{11}));
  EXPECT_TRUE(rows.covers({12, 20, 2, 2}));
  EXPECT_TRUE(rows.covers({13, 21, 5, 1}));
  EXPECT_FALSE(rows.covers({12, 20, 3, 1}));
  EXPECT_FALSE(rows.covers({12, 21, 1, 2}));
  EXPECT_GE(rows.bytes(), 2U * (2 + 6 + 1));
  for (const int64_t row : {20, 21, 23}) {
    const auto span = kept(row);
    std::memset(rows.numbers(row), static_cast<int>(row),
                2 * static_cast<size_t>(span.second - span.first));
  }
  EXPECT_EQ(rows.row(21).numbers[2 * 6 - 1], 21);
  EXPECT_EQ(rows.row(23).numbers[0], 23);
}

/// Blocks of two groups of rows of 100 cells each, a byte a cell.
class SourceBlocks : public ::testing::Test {
 protected:
  void SetUp() override { forget_source_blocks(); }
  void TearDown() override {
    set_source_block_memory(size_t{32} << 20);
    forget_source_blocks();
  }

  static BlockRead read_of(int column, bool lower = false) {
    BlockRead read;
    read.id = {"a.tif", 1, column, 0};
    read.rows = {{0, 0, 100, 1}, {0, 1, 100, 1}};
    read.part = read.rows[lower ? 1 : 0];
    return read;
  }
  /// Groups that are read again at these times, before which all has been read until `earliest`.
  static BlockRead planned(BlockRead read, std::optional<int64_t> upper,
                           std::optional<int64_t> lower, int64_t earliest = 0) {
    read.uses = {{upper, upper.value_or(0)}, {lower, lower.value_or(0)}};
    read.earliest = earliest;
    return read;
  }
  /// Asks for a block; counts how often one is decoded.
  void ask(const BlockRead& read) {
    const BlockRows block = source_block(read, [&] {
      ++decoded_;
      BlockRows rows;
      for (const SourceWindow& area : read.rows) {
        const auto group = std::make_shared<SourceRows>(area, 1, std::vector<SourceWindow>{area});
        std::memset(group->numbers(area.row), read.id.column, 100);
        rows.push_back(group);
      }
      return rows;
    });
    const auto& group = block.at(static_cast<size_t>(read.part.row));
    ASSERT_NE(group, nullptr);
    EXPECT_EQ(group->row(read.part.row).numbers[99], read.id.column);
  }
  void ask(int column) { ask(read_of(column)); }

  static size_t group_bytes() { return SourceRows({0, 0, 100, 1}, 1, {{0, 0, 100, 1}}).bytes(); }
  std::atomic<int> decoded_{0};
};

TEST_F(SourceBlocks, AreDecodedOnce) {
  for (int repeat = 0; repeat < 3; ++repeat)
    for (int column = 0; column < 5; ++column) ask(column);
  EXPECT_EQ(decoded_, 5);
  BlockRead other = read_of(0);
  other.id.band = 2;  // another band is another block
  ask(other);
  EXPECT_EQ(decoded_, 6);
}

TEST_F(SourceBlocks, WhereNothingIsKnownTheLeastRecentlyUsedMakesRoom) {
  set_source_block_memory(2 * 2 * group_bytes());  // two of them
  ask(0);
  ask(1);
  ask(0);
  ask(read_of(0, true));
  ask(2);  // drops 1
  EXPECT_EQ(decoded_, 3);
  ask(0);
  ask(read_of(0, true));
  EXPECT_EQ(decoded_, 3);
  ask(1);
  EXPECT_EQ(decoded_, 4);
  limit_source_blocks(0);
  limit_source_blocks(1000);  // it only lowers
  ask(0);
  ask(0);
  EXPECT_EQ(decoded_, 6);
}

TEST_F(SourceBlocks, WhatIsNotReadAgainIsNotKept) {
  ask(planned(read_of(0), std::nullopt, 5));
  ask(planned(read_of(0, true), std::nullopt, 6));
  EXPECT_EQ(decoded_, 1) << "the lower rows were kept";
  ask(planned(read_of(0), std::nullopt, 6));
  EXPECT_EQ(decoded_, 2) << "the upper ones were not";
  ask(planned(read_of(0, true), std::nullopt, std::nullopt));
  ask(planned(read_of(0, true), std::nullopt, std::nullopt));
  EXPECT_EQ(decoded_, 3) << "nor the lower ones after their last time";
}

TEST_F(SourceBlocks, WhatIsReadLastMakesRoom) {
  set_source_block_memory(3 * group_bytes());
  ask(planned(read_of(0), 3, 9));
  ask(planned(read_of(1), 4, 5));  // drops the lower rows of block 0
  EXPECT_EQ(decoded_, 2);
  ask(planned(read_of(0), 3, 9));
  ask(planned(read_of(1), 4, 5));
  ask(planned(read_of(1, true), 4, 5));
  EXPECT_EQ(decoded_, 2);
  ask(planned(read_of(0, true), 3, 9));
  EXPECT_EQ(decoded_, 3);
}

TEST_F(SourceBlocks, WhatWasToBeReadBeforeIsForgotten) {
  set_source_block_memory(2 * group_bytes());
  ask(planned(read_of(0), 1, 2));
  ask(planned(read_of(1), 8, 9, 5));  // nobody reads block 0 any more, however soon it was to be
  ask(planned(read_of(1, true), 8, 9, 5));
  EXPECT_EQ(decoded_, 2) << "both groups of block 1 have room";
  BlockRead later = planned(read_of(2), 6, std::nullopt, 5);
  later.uses[0].last = 20;
  ask(later);  // drops the lower rows of block 1
  ask(planned(read_of(1), 8, std::nullopt, 7));
  EXPECT_EQ(decoded_, 3);
  ask(planned(read_of(2), 20, std::nullopt, 7));
  EXPECT_EQ(decoded_, 3) << "its first reader has been, its last has not";
}

TEST_F(SourceBlocks, ABlockThatLacksWhatIsReadIsDecodedAgain) {
  BlockRead read = read_of(0);
  const auto decode = [&](int64_t cells) {
    return source_block(read, [&] {
      ++decoded_;
      BlockRows rows;
      for (const SourceWindow& area : read.rows)
        rows.push_back(std::make_shared<SourceRows>(
            area, 1, std::vector<SourceWindow>{{0, area.row, cells, 1}}));
      return rows;
    });
  };
  read.part.width = 50;
  decode(50);
  decode(50);
  EXPECT_EQ(decoded_, 1);
  read.part.width = 51;
  EXPECT_TRUE(decode(51).front()->covers(read.part));
  EXPECT_EQ(decoded_, 2);
}

TEST_F(SourceBlocks, ThreadsWaitForTheOneThatDecodes) {
  const uint64_t before = decoded_source_blocks();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int column = 0; column < 200; ++column) ask(column);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(decoded_, 200);
  EXPECT_EQ(decoded_source_blocks() - before, 200U);
}

TEST_F(SourceBlocks, AFailureIsNotKept) {
  const auto fail = []() -> BlockRows { throw std::runtime_error("damaged"); };
  EXPECT_THROW(source_block(read_of(0), fail), std::runtime_error);
  ask(0);
  ask(0);
  EXPECT_EQ(decoded_, 1);
}

}  // namespace
}  // namespace fluxtile
