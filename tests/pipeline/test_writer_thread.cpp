// SPDX-License-Identifier: Apache-2.0
#include "pipeline/writer_thread.h"

#include <gtest/gtest.h>

#include <vector>

namespace fluxtile {
namespace {

TEST(WriterThread, DoesEverythingInOrderBeforeItEnds) {
  std::vector<int> done;
  Timeline timeline;
  {
    WriterThread writer(&timeline);
    for (int k = 0; k < 1000; ++k) writer.post([&done, k] { done.push_back(k); });
  }
  ASSERT_EQ(done.size(), 1000U);
  for (int k = 0; k < 1000; ++k) EXPECT_EQ(done[static_cast<size_t>(k)], k);
  EXPECT_EQ(timeline.row_name(0), "thread 1");  // this one
  EXPECT_EQ(timeline.row_name(1), "writer");
}

TEST(WriterThread, NothingPostedIsFine) { const WriterThread writer(nullptr); }

}  // namespace
}  // namespace fluxtile
