// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "base/process_identity.h"
#include "pipeline/product_replacement.h"
#include "pipeline/run_presence.h"
#include "pipeline/run_record.h"
#include "pipeline/verbs.h"
#include "stages/aligned_inputs.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int64_t kDay = 86400;

/// A run that is done, with products, beside what older runs left.
class CleanTest : public SmallRun {
 protected:
  CleanTest() {
    clean_.older_than = std::chrono::seconds(30 * kDay);
    old_plan_ = run_with({"grid.tile=8"});  // the same key, other tiles
    former_ = run_with({"inputs.gpp.fill=linear", "grid.tile=16", "region.select=[North]"});
    current_ = run_with({});
    write_products();
    age(out(".fluxtile"), 40 * kDay);
  }

  /// Does the tiles and leaves the plan, as `run` does. Gives the plan's id.
  std::string run_with(const std::vector<std::string>& set) {
    Run run = open(set);
    VerbOptions options;
    std::vector<std::string> all = {"grid.tile=16"};
    all.insert(all.end(), set.begin(), set.end());
    open_plan(config(all), options, PlanUse::run);
    tiles(run);
    return run.plan().id;
  }

  void write_products() {
    Run run = open();
    const MergeCheck check = check_tiles(run.stages, *run.ledger);
    ASSERT_TRUE(check.missing.empty());
    write(out("test_summary.csv"), "region,nee\n");
    Merged merged;
    merged.files = {"test_summary.csv"};
    write_run_record(run.stages, run.config, check, merged, RunTally(),
                     product_key(run.plan(), run.config, check), 1);
  }

  /// Makes everything in a folder as old as that.
  static void age(const fs::path& folder, int64_t seconds) {
    const timespec time{std::time(nullptr) - seconds, 0};
    const timespec times[2] = {time, time};
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      ASSERT_EQ(utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }

  nlohmann::json clean(const std::vector<std::string>& set = {}) const {
    VerbOptions options;
    options.json = true;
    std::vector<std::string> all = {"grid.tile=16"};
    all.insert(all.end(), set.begin(), set.end());
    std::ostringstream text;
    EXPECT_EQ(clean_verb(config(all), options, clean_, text), 0);
    return nlohmann::json::parse(text.str());
  }
  [[nodiscard]] Error refused(const VerbOptions& options = {}) const {
    std::ostringstream text;
    try {
      clean_verb(config({"grid.tile=16"}), options, clean_, text);
    } catch (const Error& error) {
      return error;
    }
    return Error(Code::internal, "not refused");
  }
  static size_t count(const nlohmann::json& cleaned, const std::string& kind) {
    return static_cast<size_t>(
        std::count_if(cleaned["removed"].begin(), cleaned["removed"].end(),
                      [&](const nlohmann::json& item) { return item["kind"] == kind; }));
  }
  [[nodiscard]] bool plan_is_there(const std::string& id) const {
    return fs::exists(out(".fluxtile/plans/" + id + ".json"));
  }
  /// All files with their bytes.
  [[nodiscard]] std::map<std::string, std::string> all_files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(out()))
      if (entry.is_regular_file() && entry.path().string().find("/lock/") == std::string::npos)
        files[entry.path()] = read(entry.path());
    return files;
  }
  /// The current plan's tile-years are all valid, so a run has nothing to do.
  void expect_current_whole() const {
    Run run = open();
    EXPECT_EQ(run.plan().id, current_);
    EXPECT_TRUE(check_tiles(run.stages, *run.ledger).missing.empty());
    const auto record = read_run_record(out().string());
    ASSERT_TRUE(record);
    EXPECT_TRUE(products_present(*record, out().string()));
  }

  CleanOptions clean_;
  std::string old_plan_, former_, current_;
};

TEST_F(CleanTest, RemovesWhatNobodyNeedsAndKeepsWhatTheProductsNeed) {
  ASSERT_NE(old_plan_, current_);
  const auto before = all_files();
  const auto cleaned = clean();
  EXPECT_EQ(count(cleaned, "plan"), 2U);
  EXPECT_GT(count(cleaned, "tile-year"), 3U);
  EXPECT_GT(count(cleaned, "state"), 3U);
  EXPECT_FALSE(plan_is_there(old_plan_));
  EXPECT_FALSE(plan_is_there(former_));
  EXPECT_TRUE(plan_is_there(current_));
  expect_current_whole();
  uint64_t bytes = 0;
  const auto after = all_files();
  for (const auto& [path, text] : before)
    if (after.count(path) == 0) bytes += text.size();
  EXPECT_EQ(cleaned["bytes"].get<uint64_t>(), bytes);
  EXPECT_EQ(before.size() - after.size(), cleaned["files"].get<size_t>());
  EXPECT_TRUE(fs::exists(out("test_summary.csv")));
  EXPECT_THAT(clean()["removed"], IsEmpty()) << "a second time there is nothing";
  for (const auto& tile : fs::directory_iterator(out(".fluxtile/tiles/North")))
    EXPECT_FALSE(fs::is_empty(tile)) << "empty folders go";
}

TEST_F(CleanTest, ADryRunListsTheSameAndWritesNothing) {
  clean_.dry_run = true;
  const auto before = all_files();
  const auto listed = clean();
  EXPECT_TRUE(before == all_files());
  EXPECT_FALSE(fs::exists(lock_folder(out().string())));
  clean_.dry_run = false;
  const auto cleaned = clean();
  EXPECT_EQ(listed["removed"], cleaned["removed"]);
  EXPECT_GT(cleaned["removed"].size(), 8U);
}

TEST_F(CleanTest, TextIsOneLineAFileAndATotal) {
  std::ostringstream text;
  clean_verb(config({"grid.tile=16"}), {}, clean_, text);
  std::istringstream lines(text.str());
  uint64_t bytes = 0, files = 0, total = 0, count = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string kind, path;
    uint64_t size = 0;
    fields >> kind >> size;
    if (kind == "total") {
      total = size;
      fields >> count;
    } else {
      bytes += size;
      ++files;
    }
  }
  EXPECT_GT(files, 8U);
  EXPECT_EQ(total, bytes);
  EXPECT_EQ(count, files);
}

TEST_F(CleanTest, WhatIsYoungStays) {
  age(out(".fluxtile"), 20 * kDay);
  EXPECT_THAT(clean()["removed"], IsEmpty());
  clean_.older_than = std::chrono::seconds(19 * kDay);
  EXPECT_GT(clean()["removed"].size(), 8U);
}

TEST_F(CleanTest, TheNewestPlansStayWithTheirTilesWhenSoAsked) {
  const fs::path older = out(".fluxtile/plans/" + old_plan_ + ".json");
  fs::last_write_time(older, fs::last_write_time(older) - std::chrono::hours(24));
  clean_.keep_plans = 1;
  clean_.older_than = std::chrono::seconds(kDay);
  const auto cleaned = clean();
  EXPECT_TRUE(plan_is_there(former_)) << "the newer of the two that nobody needs";
  EXPECT_FALSE(plan_is_there(old_plan_));
  Run run = open({"inputs.gpp.fill=linear", "region.select=[North]"});
  EXPECT_EQ(run.plan().id, former_);
  expect_current_whole();
}

TEST_F(CleanTest, APlanThatARunIsAtWorkWithStays) {
  const RunPresence running(out(".fluxtile").string(), old_plan_, "run");
  const auto cleaned = clean();
  EXPECT_TRUE(plan_is_there(old_plan_));
  EXPECT_FALSE(plan_is_there(former_));
  Run run = open({"grid.tile=8"});
  EXPECT_TRUE(check_tiles(run.stages, *run.ledger).missing.empty());
}

TEST_F(CleanTest, TheProductsPlanStaysWhenTheConfigurationHasGoneOn) {
  const auto cleaned = clean({"period.spinup=0"});
  EXPECT_TRUE(plan_is_there(current_));
  expect_current_whole();
}

TEST_F(CleanTest, StatesAndTileYearsOfAnotherKeyGoWhereTheyLie) {
  Run run = open();
  const TileUnit& unit = run.plan().units.front();
  const std::string folder = run.plan().regions[unit.region].file_name;
  const std::string path = run.stages.write->tile_year_path(folder, unit, 1, 2018);
  TileYear year = *run.ledger->stored_tile_year(unit, 1);
  year.result_key = "of another model";
  write_atomically(path, format_tile_year(year));
  const auto inputs = [&](const std::string& key, size_t step, int of) {
    const TileStatics none;
    const std::string at = run.stages.write->inputs_path(folder, unit, step, of);
    write_atomically(at, format_aligned_inputs({"", none, {}, {}, {}}, key));
    return at;
  };
  const std::string key = run.plan().regions[unit.region].result_key;
  const std::string needed = inputs(key, 1, 2018), former = inputs("of another model", 0, 2017),
                    later = inputs(key, 2, 2019);
  age(out(".fluxtile"), 40 * kDay);
  const auto cleaned = clean();
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists(needed));
  EXPECT_FALSE(fs::exists(former) || fs::exists(later));
  EXPECT_GE(count(cleaned, "inputs"), 2U);
}

TEST_F(CleanTest, NothingOfTheTilesGoesWhileTheProductsAreNotWhole) {
  write(out(".fluxtile/replacement.json"), "{\"products\": [\"test_summary.csv\"]}");
  EXPECT_EQ(count(clean(), "tile-year"), 0U);
  fs::remove(out(".fluxtile/replacement.json"));
  write(out("run.json"), "{ damaged");
  EXPECT_EQ(count(clean(), "tile-year"), 0U);
}

TEST_F(CleanTest, NothingOfTheTilesGoesWhenTheProductsPlanCannotBeRead) {
  const fs::path path = out(".fluxtile/plans/" + current_ + ".json");
  write(path, read(path).substr(0, 1000));
  age(out(".fluxtile"), 40 * kDay);
  EXPECT_EQ(count(clean({"period.spinup=0"}), "tile-year"), 0U);
}

TEST_F(CleanTest, LeftoversOfDeadProcessesGo) {
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  waitpid(dead, nullptr, 0);
  const std::string part = ".x.tif." + this_host() + "-" + std::to_string(dead) + "-1-0.part";
  write(out(part), "half");
  write(out(".fluxtile/tiles/North/" + part), "half");
  write(out(".fluxtile/tiles/North/.y.elsewhere-7-1-0.part"), "another machine writes");
  write(out(".fluxtile/products/elsewhere-7/a.tif"), "of a merge that was killed");
  const auto cleaned = clean();
  EXPECT_EQ(count(cleaned, "leftover"), 3U);
  EXPECT_FALSE(fs::exists(out(part)));
  EXPECT_FALSE(fs::exists(out(".fluxtile/products/elsewhere-7")));
  EXPECT_TRUE(fs::exists(out(".fluxtile/tiles/North/.y.elsewhere-7-1-0.part")));
}

TEST_F(CleanTest, LinksLeadNowhere) {
  const fs::path elsewhere = out("../elsewhere");
  write(elsewhere / "0-2018.tile-year", "not ours");
  fs::create_directory_symlink(elsewhere, out(".fluxtile/tiles/North/link"));
  fs::create_directory_symlink(elsewhere, out(".fluxtile/tiles/Linked"));
  age(elsewhere, 40 * kDay);
  clean();
  clean_.all = true;
  clean();
  EXPECT_TRUE(fs::exists(elsewhere / "0-2018.tile-year"));
}

TEST_F(CleanTest, WhileAnotherHoldsTheLockItIsRefused) {
  const RunLock held(lock_folder(out().string()), "merge", std::chrono::milliseconds(0),
                     RunLock::Times());
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::interrupted);
  EXPECT_THAT(error.found(), HasSubstr("`merge` of"));
  EXPECT_TRUE(plan_is_there(old_plan_));
}

TEST_F(CleanTest, AllRemovesEverythingButTheProducts) {
  clean_.all = true;
  const auto record = read(out("run.json"));
  const auto cleaned = clean();
  EXPECT_GT(cleaned["bytes"].get<uint64_t>(), 1000U);
  for (const char* name : {"plans", "tiles", "failures", "products"})
    EXPECT_FALSE(fs::exists(out(".fluxtile/" + std::string(name)))) << name;
  EXPECT_EQ(read(out("run.json")), record);
  EXPECT_TRUE(fs::exists(out("test_summary.csv")));
}

TEST_F(CleanTest, AllIsRefusedWhileARunIsAtWorkOrProductsAreMixed) {
  clean_.all = true;
  {
    const RunPresence running(out(".fluxtile").string(), current_, "run");
    const Error error = refused();
    EXPECT_EQ(error.code(), Code::interrupted);
    EXPECT_THAT(error.found(), HasSubstr("`run` of"));
  }
  write(out(".fluxtile/replacement.json"), "{}");
  EXPECT_EQ(refused().code(), Code::data);
  EXPECT_TRUE(plan_is_there(current_));
}

TEST_F(CleanTest, AFolderWithoutWorkFilesHasNothingToClean) {
  fs::remove_all(out(".fluxtile"));
  EXPECT_THAT(clean()["removed"], IsEmpty());
  EXPECT_FALSE(fs::exists(out(".fluxtile")));
}

}  // namespace
}  // namespace fluxtile
