// SPDX-License-Identifier: Apache-2.0
#include "pipeline/timeline.h"

#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"

namespace fluxtile {
namespace {
using testing::HasSubstr;
using testing::Not;
using Seconds = std::chrono::duration<double>;

Timeline::Clock::time_point at(double seconds) {
  static const auto origin = Timeline::Clock::now();
  return origin + std::chrono::duration_cast<Timeline::Clock::duration>(Seconds(seconds));
}

std::string tile_name(int32_t tile) { return "<IA>/\"t" + std::to_string(tile) + "\""; }

/// Two threads: one reads and infers, one infers; then products.
void fill(Timeline& timeline) {
  timeline.add("ingest_gpp", 3, 2018, at(1), at(2));
  timeline.add("infer", 3, 2018, at(2), at(9));
  timeline.add("block", -1, -1, at(2), at(5));
  timeline.add("block", -1, -1, at(5), at(9));
  std::thread other([&] { timeline.add("block", -1, -1, at(3), at(8)); });
  other.join();
  timeline.add("merge", -1, -1, at(9), at(10));
}

size_t count(const Timeline& timeline, const std::string& stage) {
  size_t n = 0;
  for (const auto& span : timeline.spans()) n += stage == span.stage ? 1 : 0;
  return n;
}

TEST(Timeline, SortsByThreadAndTime) {
  Timeline timeline;
  fill(timeline);
  const auto spans = timeline.spans();
  ASSERT_EQ(spans.size(), 7U);
  EXPECT_STREQ(spans[0].stage, "start");  // from the beginning of the program
  EXPECT_GE(spans[0].begin, 0);
  EXPECT_STREQ(spans[2].stage, "infer");  // before the block that begins with it
  EXPECT_STREQ(spans[3].stage, "block");
  EXPECT_EQ(spans[1].tile, 3);
  EXPECT_EQ(spans[1].year, 2018);
  EXPECT_NEAR(spans[1].end - spans[1].begin, 1, 1e-6);
  EXPECT_EQ(spans[6].row, 1);
  EXPECT_EQ(timeline.dropped(), 0U);
}

TEST(Timeline, ManySpansKeepTheLongOnes) {
  Timeline timeline(64);
  for (int k = 0; k < 1000; ++k)
    timeline.add("block", -1, -1, at(k), at(k + (k % 100 == 7 ? 0.9 : 0.01)));
  EXPECT_LT(timeline.spans().size(), 64U);
  size_t longest = 0;
  for (const auto& span : timeline.spans()) longest += span.end - span.begin > 0.8 ? 1 : 0;
  EXPECT_EQ(longest, 10U);
  EXPECT_EQ(timeline.dropped() + timeline.spans().size(), 1001U);
  EXPECT_GE(timeline.shortest(), 0.009);
  EXPECT_THAT(timeline_picture(timeline, "many", tile_name), HasSubstr("are left out"));
}

TEST(Timeline, ListensToSpansOfWorkWhileItLives) {
  { const WorkSpan nobody("block"); }
  {
    Timeline timeline;
    timeline.listen();
    { const WorkSpan span("block"); }
    EXPECT_EQ(count(timeline, "block"), 1U);
  }
  { const WorkSpan nobody("block"); }  // must not reach the one that is gone
}

TEST(Timeline, TraceIsJsonWithNamedThreads) {
  Timeline timeline;
  timeline.name_thread("main \"thread\"");
  fill(timeline);
  const auto trace = nlohmann::json::parse(timeline_trace(timeline, tile_name));
  size_t spans = 0, names = 0;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") == "M") {
      ++names;
      EXPECT_EQ(event.at("args").at("name"), event.at("tid") == 0 ? "main \"thread\"" : "thread 2");
      continue;
    }
    ++spans;
    if (event.at("name") == "ingest_gpp") {
      EXPECT_EQ(event.at("args").at("tile"), tile_name(3));
      EXPECT_EQ(event.at("args").at("year"), 2018);
      EXPECT_NEAR(event.at("dur").get<double>(), 1e6, 1);
    }
  }
  EXPECT_EQ(names, 2U);
  EXPECT_EQ(spans, 7U);
}

TEST(Timeline, PictureIsWellFormedAndNamesWhatItShows) {
  Timeline timeline;
  fill(timeline);
  const std::string svg = timeline_picture(timeline, "a <run> & more", tile_name);
  CPLXMLNode* root = CPLParseXMLString(svg.c_str());
  ASSERT_NE(root, nullptr);
  CPLDestroyXMLNode(root);
  EXPECT_THAT(svg, HasSubstr("a &lt;run&gt; &amp; more"));
  EXPECT_THAT(svg, HasSubstr("thread 2"));
  EXPECT_THAT(svg, HasSubstr("infer: blocks of cells 12.0 s"));
  EXPECT_THAT(svg, HasSubstr("ingest_gpp &lt;IA&gt;"));
  EXPECT_THAT(svg, HasSubstr("the first 1.0 s"));
  EXPECT_THAT(svg, Not(HasSubstr("are left out")));
}

TEST(Timeline, TheNameDecidesTheForm) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("fluxtile-timeline-" + std::to_string(::getpid()));
  Timeline timeline;
  fill(timeline);
  write_timeline(folder / "t.svg", timeline, "run", tile_name);
  write_timeline(folder / "t.json", timeline, "run", tile_name);
  EXPECT_EQ(read_file(folder / "t.svg").substr(0, 4), "<svg");
  EXPECT_EQ(read_file(folder / "t.json").substr(0, 1), "{");
  std::filesystem::remove_all(folder);
  try {
    require_timeline_name("t.png");
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::usage);
  }
}

}  // namespace
}  // namespace fluxtile
