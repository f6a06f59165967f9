// SPDX-License-Identifier: Apache-2.0
// What can befall the process itself: no memory, no file descriptors, a clock that jumps, signals.
#include <gmock/gmock.h>

#include <csignal>
#include <ctime>
#include <random>
#include <thread>

#include "place.h"

namespace fluxtile::faults {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class Process : public Place {
 protected:
  [[nodiscard]] fs::path out() const { return folder() / "out"; }
  /// The new run over old outputs under a limit that prlimit sets.
  Outcome limited_run(const std::string& limit) const {
    take_old(out());
    Words limited = {"prlimit", limit};
    for (const auto& word : new_run(out())) limited.push_back(word);
    return end_to_end::execute(limited);
  }
};

TEST_F(Process, AllocationsFail) {
  constexpr long sizes[] = {16 << 10, 256 << 10};
  const Words out_of_memory = {"out of memory", "bytes was refused", "run the same command again"};
  size_t tried = 0, harmless = 0;
  for (const long least : sizes) {
    for (const long count : {1L, 0L}) {  // one is refused, or all from then on
      for (long nth = 1; nth < 4000; nth = in_full() ? nth + 1 + nth / 6 : nth * 5 + 2) {
        take_old(out());
        Fault fault;
        fault.call = "alloc";
        fault.action = "errno:12";
        fault.least = least;
        fault.nth = nth;
        fault.count = count;
        const std::string what = "allocation " + std::to_string(nth) + " of at least " +
                                 std::to_string(least) + " bytes" +
                                 (count == 0 ? " and all later" : "");
        const Outcome outcome = end_to_end::execute(new_run(out()), with({fault}));
        ++tried;
        if (outcome.code == 0) {
          ++harmless;
          EXPECT_EQ("", end_to_end::differences(new_products(), visible(out()))) << what;
          if (count == 0) break;  // so many are not made
          continue;
        }
        expect_told(outcome, 75, out_of_memory, what);
        expect_whole(out(), what);
        if (tried % 4 == 0) expect_rerun(out(), what);
      }
    }
  }
  EXPECT_GT(tried, harmless + 4);
  note("process", "an allocation is refused, or all from one on", tried,
       "75 with the size that was refused; not needed " + std::to_string(harmless) +
           " times; products old or new and whole, the rerun completes");
}

TEST_F(Process, AddressSpaceIsCapped) {
  // From what the program needs at least, to what it never reaches.
  std::vector<int> megabytes = {500, 700, 900};
  if (in_full()) megabytes = {300, 400, 500, 600, 650, 700, 750, 800, 850, 900, 950, 1000, 1200};
  size_t tried = 0, sufficed = 0;
  for (const int cap : megabytes) {
    const std::string what = std::to_string(cap) + " MiB of address space";
    const Outcome outcome = limited_run("--as=" + std::to_string(int64_t{cap} << 20U));
    if (outcome.code == 127) continue;  // the libraries do not even load
    ++tried;
    if (outcome.code == 0) {
      ++sufficed;
      EXPECT_EQ("", end_to_end::differences(new_products(), visible(out()))) << what;
      continue;
    }
    expect_told(outcome, 75, {}, what);
    expect_whole(out(), what);
    expect_rerun(out(), what);
  }
  note("process", "address space capped near the need", tried,
       "75 " + std::to_string(tried - sufficed) +
           " times, else the right bytes; products old or new "
           "and whole, the rerun completes");
}

TEST_F(Process, RefusedMemoryIsToldAsJsonWhereAskedFor) {
  take_old(out());
  Fault fault;
  fault.call = "alloc";
  fault.action = "errno:12";
  fault.least = 256 << 10;
  fault.nth = 5;
  fault.count = 0;
  const Outcome outcome =
      end_to_end::execute(new_run(out(), {"--log-format", "json"}), with({fault}));
  EXPECT_EQ(75, outcome.code) << outcome.err;
  const std::string last_line =
      outcome.err.substr(outcome.err.rfind('\n', outcome.err.size() - 2) + 1);
  const Json told = Json::parse(last_line);
  EXPECT_EQ("out of memory", told.at("message"));
  EXPECT_EQ(75, told.at("code"));
  const std::string time = told.at("time");
  std::tm parts{};
  ASSERT_NE(nullptr, strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts)) << time;
  EXPECT_LT(std::abs(std::difftime(timegm(&parts), std::time(nullptr))), 120) << time;
}

TEST_F(Process, FileDescriptorsAreFew) {
  std::vector<int> limits = {10, 16, 24};
  if (in_full()) limits = {6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32, 40};
  size_t tried = 0, refused = 0;
  for (const int limit : limits) {
    const std::string what = std::to_string(limit) + " file descriptors";
    const Outcome outcome = limited_run("--nofile=" + std::to_string(limit));
    if (outcome.code == 127) continue;  // the libraries do not even load
    ++tried;
    if (outcome.code == 0) {
      EXPECT_EQ("", end_to_end::differences(new_products(), visible(out()))) << what;
      continue;
    }
    ++refused;
    expect_told(outcome, 75, {"open files", "ulimit -n"}, what);
    expect_old(out(), what);
    expect_rerun(out(), what);
  }
  EXPECT_GE(refused, 1U);
  note("process", "too few file descriptors", tried,
       "75, told of `ulimit -n`, or the right bytes; no tile is blamed");
}

TEST_F(Process, TheClockJumps) {
  constexpr long year = 365L * 24 * 3600;
  const std::vector<long> jumps = {year, -year};
  size_t tried = 0;
  for (const long jump : jumps) {
    for (const long nth : in_full() ? std::vector<long>{1, 3, 10, 30, 100} : std::vector<long>{3}) {
      fs::remove_all(out());
      Fault fault;
      fault.call = "clock";
      fault.jump = jump;
      fault.nth = nth;
      fault.count = 0;
      const Outcome outcome = end_to_end::execute(
          new_run(out(), {"--log-level", "info", "--progress", "plain"}), with({fault}));
      const std::string what = "a jump of " + std::to_string(jump) + " s";
      EXPECT_EQ(0, outcome.code) << what << outcome.err;
      EXPECT_LT(outcome.seconds, 60) << what;
      EXPECT_EQ("", end_to_end::differences(new_products(), visible(out()))) << what;
      const Json timings = end_to_end::run_record(out()).at("timings");
      for (const char* name : {"total_s", "tiles_s"}) {
        EXPECT_GE(timings.at(name).get<double>(), 0) << what;
        EXPECT_LE(timings.at(name).get<double>(), outcome.seconds) << what;
      }
      ++tried;
    }
  }
  note("process", "the clock jumps by a year, forward or back", tried,
       "0, the right bytes, true durations");
}

TEST_F(Process, SignalsAtAnyMoment) {
  const Outcome whole = end_to_end::execute(new_run(out()));
  ASSERT_EQ(0, whole.code) << whole.err;
  std::mt19937 random(11);
  const std::vector<int> numbers = {SIGTERM, SIGINT, SIGUSR1, SIGXCPU};
  const size_t wanted = in_full() ? 100 : 8;
  size_t stopped = 0, done = 0, before_main = 0;
  double slowest = 0;
  for (size_t k = 0; stopped < wanted; ++k) {
    if (k % 2 == 0) take_old(out());
    const int number = numbers[k % numbers.size()];
    std::uniform_real_distribution<double> moment(0.2, 1.0);
    const double after = moment(random) * whole.seconds;
    const std::string what =
        "signal " + std::to_string(number) + " after " + std::to_string(after) + " s";
    end_to_end::Program program(new_run(out()));
    std::this_thread::sleep_for(std::chrono::duration<double>(after));
    const auto sent = std::chrono::steady_clock::now();
    program.signal(number);
    const bool twice = k % 3 == 2 && number != SIGINT;  // a second SIGINT kills at once
    if (twice) program.signal(SIGTERM);
    const Outcome outcome = program.wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - sent;
    EXPECT_LT(took.count(), 20) << what;
    if (outcome.signal != 0) {  // its libraries were still being loaded
      EXPECT_THAT(outcome.signal, AnyOf(number, SIGTERM)) << what;
      ASSERT_LT(++before_main, wanted + 10) << what;
    } else if (outcome.code == 0) {
      ASSERT_LT(++done, wanted + 10) << what;
      EXPECT_EQ("", end_to_end::differences(new_products(), visible(out()))) << what;
      take_old(out());
      continue;
    } else {
      expect_told(outcome, 75, {"stopped by signal", "run the same command again"}, what);
      slowest = std::max(slowest, took.count());
      ++stopped;
    }
    expect_whole(out(), what);
    EXPECT_EQ(0U, end_to_end::count_files(out(), ".part")) << what;
    if (k % 2 == 1) expect_rerun(out(), what);
  }
  expect_rerun(out(), "at last");
  note("process", "TERM, INT, USR1, XCPU at a random moment, also two in a row", stopped,
       "75, at most " + std::to_string(slowest).substr(0, 4) +
           " s later; products old or new and whole; the rerun completes");
}

TEST_F(Process, ASecondInterruptEndsAtOnce) {
  take_old(out());
  Fault fault;
  fault.call = "rename";
  fault.path = "*.tile-year.*.part";
  fault.action = "stop";
  end_to_end::Program program(new_run(out()), with({fault}));
  const Outcome killed = [&] {
    program.wait_until([&] { return end_to_end::count_files(out(), ".part") > 0; });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    program.signal(SIGINT);
    program.signal(SIGCONT);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    program.signal(SIGINT);
    return program.wait();
  }();
  EXPECT_TRUE(killed.signal == SIGINT || killed.code == 75) << killed.code << killed.err;
  expect_whole(out(), "two interrupts");
  expect_rerun(out(), "two interrupts");
}

}  // namespace
}  // namespace fluxtile::faults
