// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small synthetic world and runs on it whose network is made up, so that tests take milliseconds.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "pipeline/graph.h"
#include "pipeline/merge.h"
#include "pipeline/plan.h"
#include "pipeline/run_stages.h"

namespace fluxtile {

namespace fs = std::filesystem;

/// Sums plain functions of the cell's own inputs; counts in its state how many years it has seen.
class MadeUpEngine : public Engine {
 public:
  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override;
  [[nodiscard]] size_t scratch_bytes(size_t) const override { return 0; }

  /// Called at the start of every run.
  std::function<void(const YearInputs&)> before = [](const YearInputs&) {};
  /// Calendar years that were run, with how often.
  [[nodiscard]] std::map<int, int> years() const;
  void forget_years();

 private:
  mutable std::mutex mutex_;
  mutable std::map<int, int> years_;
};

/// A copy of the test world (two years of three small regions) that a test may change.
class SmallWorld : public testing::Test {
 protected:
  SmallWorld();
  ~SmallWorld() override;

  [[nodiscard]] fs::path world(const std::string& name = "") const {
    return folder_ / "world" / name;
  }
  [[nodiscard]] fs::path out(const std::string& name = "") const { return folder_ / "out" / name; }
  [[nodiscard]] Config config(const std::vector<std::string>& set = {}) const;
  [[nodiscard]] PlannedRun plan(const std::vector<std::string>& set = {},
                                const VerbOptions& options = {}) const;
  /// What planning throws.
  [[nodiscard]] Error refusal(const std::vector<std::string>& set = {},
                              const VerbOptions& options = {}) const;

  /// Writes one variable's file of a year anew, without some days (0-based), constant in space and
  /// time but for the days from `revised` on, not marked as synthetic.
  void redraw_climate(const std::string& file, const std::set<int>& without,
                      const std::string& calendar = "standard", size_t revised = 366,
                      double value = 2.0) const;
  /// Adds to every value of a GeoTIFF with values.
  static void shift(const fs::path& raster, int by);
  /// Removes the composites of a year that begin on these 0-based days.
  void remove_composites(int year, int first, int end) const;
  static std::string read(const fs::path& path);
  static void write(const fs::path& path, const std::string& text);
  static void replace(const fs::path& path, const std::string& from, const std::string& to);

  /// Where the world comes from; another one may take its place before a test begins.
  static const fs::path& original();
  static fs::path simulate(const std::string& name, const std::vector<std::string>& set);

 private:
  fs::path folder_;
};

/// A run of the copied world with the made-up engine.
class SmallRun : public SmallWorld {
 protected:
  /// Everything of one run; made anew for every call, as a new process would.
  struct Run {
    Config config;
    RunStages stages;
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<TileMemory> memory;
    [[nodiscard]] const Plan& plan() const { return *stages.plan; }
  };
  [[nodiscard]] Run open(const std::vector<std::string>& set = {}) const;
  /// Works on these tiles, by default on all.
  RunTally tiles(Run& run, const std::vector<TileUnit>& units) const;
  RunTally tiles(Run& run) const { return tiles(run, run.plan().units); }
  /// Runs everything and gives FLUXTILE_RESULT of each region.
  std::vector<std::string> results(const std::vector<std::string>& set) const;

  std::shared_ptr<MadeUpEngine> engine_ = std::make_shared<MadeUpEngine>();
};

}  // namespace fluxtile
