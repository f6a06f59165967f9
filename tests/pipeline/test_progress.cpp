// SPDX-License-Identifier: Apache-2.0
#include "pipeline/progress.h"

#include <cpl_error.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "pipeline/log.h"
#include "pipeline/progress_text.h"
#include "pipeline/status_line.h"

namespace fluxtile {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ProgressState halfway() {
  ProgressState state;
  state.phase = "tile-years";
  state.total = 300;
  state.already = 20;
  state.done = 100;
  state.seconds = 50;
  return state;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(ProgressText, RateCountsThisPhaseOnly) {
  EXPECT_DOUBLE_EQ(halfway().rate(), 2);
  EXPECT_DOUBLE_EQ(halfway().remaining(), 90);
  ProgressState fresh = halfway();
  fresh.done = 0;
  EXPECT_LT(fresh.remaining(), 0);
  ProgressState finished = halfway();
  finished.done = 280;
  EXPECT_EQ(finished.remaining(), 0);
}

TEST(ProgressText, LineAndBar) {
  EXPECT_EQ(progress_line(halfway()), "tile-years 40 % 120/300, 2/s, 1 min 30 s left");
  EXPECT_EQ(progress_bar(halfway(), 120),
            "tile-years [############..................] 40 % 120/300, 2/s, 1 min 30 s left");
  ProgressState failing = halfway();
  failing.failed = 3;
  failing.note = "merging IA";
  EXPECT_THAT(progress_line(failing), HasSubstr(", 3 failed, "));
  EXPECT_THAT(progress_line(failing), HasSubstr(", merging IA"));
  for (int width = 0; width < 140; ++width)
    EXPECT_LE(progress_bar(failing, width).size(), static_cast<size_t>(width));
}

TEST(ProgressText, Durations) {
  EXPECT_EQ(duration_text(0.4), "0 s");
  EXPECT_EQ(duration_text(59.6), "1 min 00 s");
  EXPECT_EQ(duration_text(3900), "1 h 05 min");
  EXPECT_EQ(duration_text(3600 * 76), "3 d 4 h");
}

TEST(ProgressText, Json) {
  ProgressState state = halfway();
  state.failed = 1;
  const auto line = nlohmann::json::parse(progress_json(state, "progress"));
  EXPECT_EQ(line["phase"], "tile-years");
  EXPECT_EQ(line["done"], 120);
  EXPECT_EQ(line["total"], 300);
  EXPECT_EQ(line["failed"], 1);
  EXPECT_EQ(line["rate"], 2.0);
  EXPECT_EQ(line["eta_s"], 90.0);
  state.done = 0;
  EXPECT_TRUE(nlohmann::json::parse(progress_json(state, "begin"))["eta_s"].is_null());
}

TEST(Progress, Modes) {
  EXPECT_EQ(parse_progress_mode("auto"), ProgressMode::automatic);
  EXPECT_EQ(parse_progress_mode("off"), ProgressMode::off);
  try {
    parse_progress_mode("jason");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::usage);
    EXPECT_THAT(error.hint(), HasSubstr("json"));
  }
}

TEST(Progress, RedirectedIsPlainAndRare) {
  ::testing::internal::CaptureStderr();
  Progress progress(ProgressMode::automatic);
  progress.begin("tile-years", 1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&progress] {
      for (int i = 0; i < 250; ++i) progress.advance(10, i == 0);
    });
  }
  for (auto& thread : threads) thread.join();
  progress.end();
  progress.end();
  const auto lines = lines_of(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "tile-years 0 % 0/1000");
  EXPECT_THAT(lines[1], HasSubstr("100 % 1000/1000, 4 failed"));
  EXPECT_THAT(lines[0] + lines[1], Not(HasSubstr("\033")));
}

TEST(Progress, JsonLinesParse) {
  ::testing::internal::CaptureStderr();
  Progress progress(ProgressMode::json);
  progress.begin("tile-years", 3, 1);
  progress.note("merging \"IA\"");
  progress.advance(7);
  progress.advance(8, true);
  progress.end();
  const auto lines = lines_of(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 2U);
  const auto last = nlohmann::json::parse(lines.back());
  EXPECT_EQ(nlohmann::json::parse(lines.front())["event"], "begin");
  EXPECT_EQ(last["event"], "end");
  EXPECT_EQ(last["done"], 3);
  EXPECT_EQ(last["failed"], 1);
  EXPECT_EQ(last["cells"], 15);
}

TEST(Progress, OffIsSilent) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(ProgressMode::off);
    progress.begin("tile-years", 3);
    progress.advance(7);
    progress.end();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(StatusLine, LogLinesAndBarDoNotTear) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  StatusLine line(ends[1]);
  EXPECT_FALSE(line.terminal());
  line.set_bar("");
  line.set_bar("bar 1");
  line.write_line("a message");
  line.set_bar("");
  line.write_line("another");
  close(ends[1]);
  char bytes[256];
  const ssize_t n = read(ends[0], bytes, sizeof bytes);
  close(ends[0]);
  EXPECT_EQ(std::string(bytes, static_cast<size_t>(n)),
            "\r\033[Kbar 1"
            "\r\033[Ka message\nbar 1"
            "\r\033[K"
            "another\n");
}

TEST(StatusLine, TerminalGetsABarThatIsGoneAfterwards) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  ASSERT_GE(end, 0);
  const int saved = dup(STDERR_FILENO);
  setenv("TERM", "xterm", 1);
  dup2(end, STDERR_FILENO);
  EXPECT_TRUE(StatusLine::standard_error().terminal());
  {
    Progress progress(ProgressMode::automatic);
    progress.begin("tile-years", 2);
    progress.advance(1);
  }
  dup2(saved, STDERR_FILENO);
  close(saved);
  // A terminal hands on in pieces what was written at once.
  const std::string cleared = "\r\033[K";
  std::string shown;
  struct pollfd more {};
  more.fd = terminal;
  more.events = POLLIN;
  while (shown.size() < 20 || shown.substr(shown.size() - cleared.size()) != cleared) {
    char bytes[4096];
    if (poll(&more, 1, 5000) <= 0) break;
    const ssize_t n = read(terminal, bytes, sizeof bytes);
    if (n <= 0) break;
    shown.append(bytes, static_cast<size_t>(n));
  }
  close(end);
  close(terminal);
  EXPECT_THAT(shown, HasSubstr("\r\033[Ktile-years ["));
  ASSERT_GE(shown.size(), 20U);
  EXPECT_EQ(shown.substr(shown.size() - cleared.size()), cleared);
}

class LogTest : public ::testing::Test {
 protected:
  void TearDown() override { initialise_log("off", "text"); }
};

TEST_F(LogTest, TextLines) {
  ::testing::internal::CaptureStderr();
  initialise_log("info", "text");
  spdlog::info("reading {}", 3);
  spdlog::debug("not shown");
  spdlog::warn("careful");
  const auto lines = lines_of(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], ::testing::MatchesRegex("..:..:.. info reading 3"));
  EXPECT_THAT(lines[1], ::testing::MatchesRegex("..:..:.. warn careful"));
}

TEST_F(LogTest, JsonLines) {
  ::testing::internal::CaptureStderr();
  initialise_log("debug", "json");
  spdlog::debug("a \"quoted\"\nword \xff");
  const auto lines = lines_of(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 1U);
  const auto line = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(line["level"], "debug");
  EXPECT_THAT(line["message"].get<std::string>(), HasSubstr("a \"quoted\"\nword"));
  EXPECT_THAT(line["time"].get<std::string>(),
              ::testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
}

TEST_F(LogTest, GdalMessagesAreLoggedThreeTimes) {
  ::testing::internal::CaptureStderr();
  initialise_log("warn", "text");
  for (int i = 0; i < 10; ++i) CPLError(CE_Warning, CPLE_AppDefined, "a strange block");
  const auto lines = lines_of(::testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], HasSubstr("warn GDAL: a strange block"));
  EXPECT_THAT(lines[2], HasSubstr("not shown again"));
}

TEST_F(LogTest, UnknownWordsAreUsageErrors) {
  for (const auto& [level, format] :
       {std::pair<std::string, std::string>{"loud", "text"}, {"info", "xml"}}) {
    try {
      initialise_log(level, format);
      FAIL() << level << format;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::usage);
    }
  }
}

}  // namespace
}  // namespace fluxtile
