// SPDX-License-Identifier: Apache-2.0
#include "pipeline/checked_tiles.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "base/atomic_file.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

class CheckedTilesTest : public SmallRun {
 protected:
  CheckedTilesTest() : run_(open()) {
    tiles(run_);
    check_ = check_tiles(run_.stages, *run_.ledger);
    files_ = tile_files(run_.plan(), run_.config);
    note_checked_tiles(run_.plan(), run_.config, check_, files_);
    const TileUnit& unit = run_.plan().units.front();
    path_ = run_.stages.write->tile_year_path(run_.plan().regions[unit.region].file_name, unit, 1,
                                              2018);
  }
  [[nodiscard]] bool known() const { return checked_tiles(run_.plan(), run_.config).has_value(); }

  Run run_;
  MergeCheck check_;
  std::string files_, path_;
};

TEST_F(CheckedTilesTest, WhatWasCheckedIsKnown) {
  const auto known = checked_tiles(run_.plan(), run_.config);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->region_results, check_.region_results);
  EXPECT_TRUE(known->missing.empty());
  EXPECT_TRUE(known->failed.empty());
}

TEST_F(CheckedTilesTest, AByteWrittenInPlaceIsSeenEvenWithItsTimeSetBack) {
  struct stat before {};
  ASSERT_EQ(stat(path_.c_str(), &before), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a file system's clock is coarse
  std::string bytes = read_file(path_);
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  write(path_, bytes);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_FALSE(known());
}

TEST_F(CheckedTilesTest, AFileThatIsGoneOrReplacedIsSeen) {
  const std::string bytes = read_file(path_);
  fs::remove(path_);
  EXPECT_FALSE(known());
  write_atomically(path_, bytes);
  EXPECT_FALSE(known());
}

TEST_F(CheckedTilesTest, AnotherPlanIsNotKnown) {
  const Run other = open({"inputs.gpp.fill=linear"});
  EXPECT_FALSE(checked_tiles(other.plan(), other.config));
}

TEST_F(CheckedTilesTest, ADamagedNoteIsNone) {
  const fs::path note = out(".fluxtile/checked.json");
  const std::string text = read(note);
  for (const std::string& damaged :
       {std::string(), text.substr(0, text.size() / 2), std::string("[]"), std::string("{}"),
        std::string("{\"plan\": 3}")}) {
    write(note, damaged);
    EXPECT_FALSE(known()) << damaged;
  }
  fs::remove(note);
  EXPECT_FALSE(known());
  fs::create_directory(note);
  EXPECT_FALSE(known());
}

TEST_F(CheckedTilesTest, NothingIsNotedWhereTilesFailed) {
  fs::remove(out(".fluxtile/checked.json"));
  MergeCheck failed = check_;
  failed.failed.push_back({"North", "tile", "infer", "cause", "", 2018, 1});
  note_checked_tiles(run_.plan(), run_.config, failed, files_);
  EXPECT_FALSE(fs::exists(out(".fluxtile/checked.json")));
}

}  // namespace
}  // namespace fluxtile
