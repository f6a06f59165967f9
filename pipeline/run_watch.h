// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "pipeline/config.h"
#include "pipeline/run_facts.h"

namespace fluxtile {

/// Keeps an eye on a run for those who are not there: writes the metrics file and
/// `.fluxtile/last-run.json` at the start, every 15 s and at the end however the run ends, and
/// tells what became of it. Made before the configuration is read, so that a configuration that
/// cannot be read is told as well. Trouble with its own files is a warning and never a reason to
/// fail. All calls are thread-safe.
class RunWatch {
 public:
  /// `verb`: run or merge. `metrics`: --metrics, which wins over run.metrics; empty: as the
  /// configuration says. `shard`: "I/N", empty for the whole.
  RunWatch(std::string verb, std::string configuration, std::string metrics, std::string shard);
  ~RunWatch();
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  void configured(const Config& config);
  /// The plan is there, and the output folder is this run's own.
  void planned(const PlannedFacts& plan);
  void tally(const RunTally& tally);
  /// Failed tiles on record after this run.
  void checked(uint64_t failed_tiles);
  /// `written`: by this run; else they were up to date.
  void products(uint64_t count, bool written);
  /// The plan that the products in the folder belong to; empty: not known.
  [[nodiscard]] std::string products_plan() const;
  /// The end: writes the files for the last time. Returns what is known of the run.
  RunFacts conclude(int code, const std::string& cause);

  /// For tests: how often the files are written; before configured().
  void set_interval(std::chrono::milliseconds interval) { interval_ = interval; }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] RunFacts facts() const;
  /// What an earlier run told in the metrics file, and this one does not know itself.
  void remember(const std::string& metrics);
  void write_now();
  void beat();

  const Clock::time_point begin_ = Clock::now();
  const std::string metrics_option_;
  std::chrono::milliseconds interval_{15000};
  mutable std::mutex mutex_;  // of facts_ and ended_
  std::mutex writing_;
  std::condition_variable changed_;
  RunFacts facts_;
  std::string metrics_file_, private_folder_;
  bool own_folder_ = false, ended_ = false, complained_ = false;
  std::thread heart_;
};

/// Says what became of a run in one line, of JSON where the log is, if the log says such things.
void say_summary(const RunFacts& facts, bool json);

}  // namespace fluxtile
