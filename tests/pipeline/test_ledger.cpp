// SPDX-License-Identifier: Apache-2.0
#include "pipeline/ledger.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "model/safetensors.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

class LedgerTest : public SmallRun {
 protected:
  LedgerTest() : run_(open()) {
    tiles(run_, {run_.plan().units.front(), run_.plan().units.back()});
    unit_ = run_.plan().units.front();
    path_ = run_.stages.write->tile_year_path(run_.plan().regions[unit_.region].file_name, unit_, 1,
                                              2018);
  }
  [[nodiscard]] const Ledger& ledger() const { return *run_.ledger; }

  Run run_;
  TileUnit unit_;
  std::string path_;
};

TEST_F(LedgerTest, KnowsWhatIsDone) {
  EXPECT_TRUE(ledger().complete(unit_));
  EXPECT_TRUE(ledger().complete(run_.plan().units.back()));
  EXPECT_FALSE(ledger().complete(run_.plan().units[1]));
  const auto year = ledger().valid_tile_year(unit_, 1);
  ASSERT_TRUE(year);
  EXPECT_EQ(year->step.year, 2018);
  EXPECT_FALSE(ledger().valid_tile_year(unit_, 0));  // spin-up leaves a state only
  EXPECT_TRUE(ledger().stored_state(unit_, 0, year->cells));
  EXPECT_TRUE(ledger().stored_state(unit_, 1, year->cells));
  EXPECT_FALSE(ledger().stored_state(unit_, 1, {{1, 1}}));
  EXPECT_EQ(ledger().unit_name(unit_), run_.plan().regions[unit_.region].name + "/" + unit_.name());
}

TEST_F(LedgerTest, AStampThatIsNotTodaysIsStoredButNotValid) {
  TileYear year = *ledger().stored_tile_year(unit_, 1);
  year.stamp = "of yesterday";
  write_atomically(path_, format_tile_year(year));
  EXPECT_TRUE(ledger().stored_tile_year(unit_, 1));
  EXPECT_FALSE(ledger().valid_tile_year(unit_, 1));
  EXPECT_FALSE(ledger().complete(unit_));
}

TEST_F(LedgerTest, AnotherResultKeyOrLengthOfYearIsNotStored) {
  TileYear year = *ledger().stored_tile_year(unit_, 1);
  year.result_key = "another model";
  write_atomically(path_, format_tile_year(year));
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
  year.result_key = run_.plan().regions[unit_.region].result_key;
  year.step.days = 300;
  write_atomically(path_, format_tile_year(year));
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
}

TEST_F(LedgerTest, ABrokenFileCountsAsAbsent) {
  std::string bytes = read_file(path_);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write(path_, bytes);
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
  write(path_, "");
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
  fs::remove(path_);
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
}

TEST_F(LedgerTest, ATileYearOfAnotherTileOrRegionIsNotStored) {
  // All tiles of a run have one year and, with one model, one result key.
  TileYear year = *ledger().stored_tile_year(unit_, 1);
  const TileYear own = year;
  write_atomically(path_, format_tile_year(own));
  EXPECT_TRUE(ledger().stored_tile_year(unit_, 1));
  year.unit.window.row += 1;
  write_atomically(path_, format_tile_year(year));
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
  year = own;
  year.region_name = "another with the same model";
  write_atomically(path_, format_tile_year(year));
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
}

TEST_F(LedgerTest, WhatIsNoFileCountsAsAbsent) {
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
  fs::remove(path_);
  fs::create_symlink("nowhere", path_);
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
}

TEST_F(LedgerTest, ADamagedFailureRecordTellsNothing) {
  run_.ledger->record_failure(unit_, Error(Code::data, "unreadable"), 2018);
  const fs::path path = out(".fluxtile/failures/" + run_.plan().regions[unit_.region].file_name +
                            "/" + unit_.name() + ".json");
  const std::string text = read(path);
  ASSERT_TRUE(ledger().failure(unit_));
  for (size_t length = 0; length < text.size() - 2; ++length) {
    write(path, text.substr(0, length));
    EXPECT_FALSE(ledger().failure(unit_)) << length;
  }
  for (const std::string& odd : {std::string("[]"), std::string("7"), std::string("{}"),
                                 std::string("{\"region\": 7, \"tile\": []}")}) {
    write(path, odd);
    EXPECT_FALSE(ledger().failure(unit_)) << odd;
  }
  std::string foreign = text;
  foreign.replace(foreign.find(unit_.name()), unit_.name().size(), "c0_r0_1x1");
  write(path, foreign);
  EXPECT_FALSE(ledger().failure(unit_));
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_FALSE(ledger().failure(unit_));
}

TEST_F(LedgerTest, ANewerFormatIsTheUsersBusiness) {
  const std::string bytes = read_file(path_);
  Safetensors file = parse_safetensors(std::string_view(bytes).substr(0, bytes.size() - 8), "x");
  file.metadata["format"] = "fluxtile-tile-year 9";
  std::string newer = format_safetensors(file.tensors, file.metadata);
  const uint64_t sum = xxh3_64(newer.data(), newer.size());
  newer.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  write(path_, newer);
  try {
    (void)ledger().stored_tile_year(unit_, 1);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), path_);
  }
}

TEST_F(LedgerTest, FailuresAreCountedAndForgotten) {
  EXPECT_FALSE(ledger().failure(unit_));
  Error error(Code::data, "unreadable");
  error.file("gpp_2018201.tif").stage("ingest_gpp");
  run_.ledger->record_failure(unit_, error, 2018);
  run_.ledger->record_failure(unit_, error, 2018);
  const auto failure = ledger().failure(unit_);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->attempts, 2);
  EXPECT_EQ(failure->cause, "unreadable");
  EXPECT_EQ(failure->stage, "ingest_gpp");
  EXPECT_EQ(failure->input, "gpp_2018201.tif");
  EXPECT_EQ(failure->year, 2018);
  EXPECT_EQ(failure->tile, unit_.name());
  EXPECT_EQ(failure->region, run_.plan().regions[unit_.region].name);
  run_.ledger->forget_failure(unit_);
  EXPECT_FALSE(ledger().failure(unit_));
  run_.ledger->forget_failure(unit_);  // twice is no error
}

TEST_F(LedgerTest, FreshForgetsTheUnitsAskedForAndNoOthers) {
  const TileUnit other = run_.plan().units.back();
  run_.ledger->record_failure(unit_, Error(Code::data, "x"), 2018);
  run_.ledger->forget_all({unit_});
  EXPECT_FALSE(ledger().stored_tile_year(unit_, 1));
  EXPECT_FALSE(ledger().failure(unit_));
  EXPECT_TRUE(ledger().complete(other));
}

}  // namespace
}  // namespace fluxtile
