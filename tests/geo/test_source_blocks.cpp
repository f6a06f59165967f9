// SPDX-License-Identifier: Apache-2.0
#include "geo/source_blocks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "geo/raster_source.h"

namespace fluxtile {
namespace {

class SourceBlocks : public ::testing::Test {
 protected:
  void SetUp() override { forget_source_blocks(); }
  void TearDown() override {
    set_source_block_memory(size_t{32} << 20);
    forget_source_blocks();
  }
  /// Asks for block (column, 0) of 100 bytes; counts how often it is decoded.
  void ask(int column) {
    const auto block = source_block({"a.tif", 1, column, 0}, [&] {
      ++decoded_;
      return SourceBlock{std::vector<unsigned char>(100, static_cast<unsigned char>(column))};
    });
    ASSERT_EQ(block->bytes.size(), 100U);
    EXPECT_EQ(block->bytes.back(), column);
  }
  std::atomic<int> decoded_{0};
};

TEST_F(SourceBlocks, AreDecodedOnce) {
  for (int repeat = 0; repeat < 3; ++repeat)
    for (int column = 0; column < 5; ++column) ask(column);
  EXPECT_EQ(decoded_, 5);
  source_block({"a.tif", 2, 0, 0}, [&] {  // another band is another block
    ++decoded_;
    return SourceBlock();
  });
  EXPECT_EQ(decoded_, 6);
}

TEST_F(SourceBlocks, TheLeastRecentlyUsedMakesRoom) {
  set_source_block_memory(250);  // two of them
  ask(0);
  ask(1);
  ask(0);
  ask(2);  // drops 1
  EXPECT_EQ(decoded_, 3);
  ask(0);
  EXPECT_EQ(decoded_, 3);
  ask(1);
  EXPECT_EQ(decoded_, 4);
  limit_source_blocks(0);
  limit_source_blocks(1000);  // it only lowers
  ask(0);
  ask(0);
  EXPECT_EQ(decoded_, 6);
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
  const auto fail = []() -> SourceBlock { throw std::runtime_error("damaged"); };
  EXPECT_THROW(source_block({"a.tif", 1, 0, 0}, fail), std::runtime_error);
  ask(0);
  ask(0);
  EXPECT_EQ(decoded_, 1);
}

}  // namespace
}  // namespace fluxtile
