// SPDX-License-Identifier: Apache-2.0
#include "pipeline/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

class GraphTest : public SmallRun {
 protected:
  /// Number of units that were completed.
  static size_t complete(const Run& run) {
    size_t count = 0;
    for (const auto& unit : run.plan().units) count += run.ledger->complete(unit) ? 1 : 0;
    return count;
  }
  /// Waits for something that another thread brings about; false when it never does.
  static bool in_time(const std::function<bool()>& happened) {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!happened()) {
      if (std::chrono::steady_clock::now() > latest) return false;
      std::this_thread::yield();
    }
    return true;
  }
  /// Overwrites the values of a raster, which lie behind its header.
  void damage(const std::string& name) const {
    std::string bytes = read_file(world(name).string());
    bytes.replace(bytes.size() / 2, std::string::npos, bytes.size() - bytes.size() / 2, '\xFF');
    write_atomically(world(name).string(), bytes);
  }
  void age(const std::string& name) const {
    fs::last_write_time(world(name), fs::last_write_time(world(name)) + std::chrono::seconds(5));
  }
};

TEST_F(GraphTest, EveryTileGoesThroughEveryYear) {
  Run run = open();
  const RunTally tally = tiles(run);
  const uint64_t units = run.plan().units.size();
  EXPECT_GT(units, 6U);
  EXPECT_EQ(tally.tile_years_done, units);
  EXPECT_EQ(tally.tile_years_kept, 0U);
  EXPECT_EQ(tally.tiles_failed, 0U);
  EXPECT_EQ(complete(run), units);
  int64_t inside = 0;
  for (const auto& region : run.plan().regions) inside += region.cells;
  EXPECT_EQ(tally.cells_inside, inside);
  EXPECT_EQ(tally.cells_modelled + tally.without_crop + tally.without_static, inside);
  EXPECT_GT(tally.cells_modelled, 0);
  EXPECT_LE(tally.pixel_years, 2U * static_cast<uint64_t>(tally.cells_modelled));
  for (const char* stage : {"open", "ingest_gpp", "ingest_climate", "assemble", "infer", "write"})
    EXPECT_EQ(tally.stage_seconds.count(stage), 1U) << stage;
}

TEST_F(GraphTest, ASecondRunFindsEverythingDone) {
  Run run = open();
  tiles(run);
  engine_->forget_years();
  Run again = open();
  const RunTally tally = tiles(again);
  EXPECT_EQ(tally.tile_years_done, 0U);
  EXPECT_EQ(tally.tile_years_kept, again.plan().units.size());
  EXPECT_TRUE(engine_->years().empty());
}

TEST_F(GraphTest, TilesAndThreadsDoNotChangeResults) {
  const auto expected = results({});
  for (const char* set : {"grid.tile=7", "grid.tile=64", "run.threads=1"}) {
    fs::remove_all(out());
    EXPECT_EQ(results({set}), expected) << set;
  }
  fs::remove_all(out());
  shift(world("gpp/gpp_2018201.tif"), 30);
  EXPECT_NE(results({}), expected);
}

TEST_F(GraphTest, NoBlockOfARasterIsDecodedTwice) {
  for (const char* threads : {"run.threads=1", "run.threads=2"}) {
    fs::remove_all(out());
    close_thread_datasets();
    Run run = open({"grid.tile=7", threads});
    const Sources& sources = run.plan().sources;
    std::set<std::string> files;
    for (const auto& composite : sources.gpp.composites) files.insert(composite.layer.path);
    for (const auto& source : sources.statics) files.insert(source.layer.path);
    for (const auto& year : sources.crop.years) files.insert(year.layer.path);
    uint64_t blocks = 0;
    for (const auto& file : files) {
      const RasterInfo info = read_raster_info(file);
      blocks +=
          static_cast<uint64_t>((info.grid.width + info.block_width - 1) / info.block_width *
                                ((info.grid.height + info.block_height - 1) / info.block_height));
    }
    EXPECT_GT(run.plan().units.size(), 10U);
    EXPECT_GT(run.plan().steps.size(), 1U) << "composites at the turn of a year are read for both";
    const uint64_t before = decoded_source_blocks();
    tiles(run);
    const uint64_t decoded = decoded_source_blocks() - before;
    EXPECT_LE(decoded, blocks) << threads;
    EXPECT_GT(decoded, blocks / 2) << threads;
  }
}

TEST_F(GraphTest, AFailingTileIsDataAndTheOthersGoOn) {
  std::atomic<int> failures{0};
  engine_->before = [&](const YearInputs& inputs) {
    if (inputs.year == 2018 && failures.fetch_add(1) == 0)
      throw Error(Code::data, "this one fails").file("somewhere.tif");
  };
  Run run = open();
  RunTally tally = tiles(run);
  const size_t units = run.plan().units.size();
  EXPECT_EQ(tally.tiles_failed, 1U);
  EXPECT_EQ(complete(run), units - 1);
  std::vector<TileFailure> found;
  for (const auto& unit : run.plan().units)
    if (const auto failure = run.ledger->failure(unit)) found.push_back(*failure);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].stage, "infer");
  EXPECT_EQ(found[0].cause, "this one fails");
  EXPECT_EQ(found[0].input, "somewhere.tif");
  EXPECT_EQ(found[0].year, 2018);
  EXPECT_EQ(found[0].attempts, 1);
  const MergeCheck check = check_tiles(run.stages, *run.ledger);
  EXPECT_EQ(check.failed.size(), 1U);
  EXPECT_TRUE(check.missing.empty());

  // The next run tries it again, from the state of its spin-up, and forgets the failure.
  engine_->forget_years();
  Run again = open();
  tally = tiles(again);
  EXPECT_EQ(tally.tile_years_done, 1U);
  EXPECT_EQ(engine_->years(), (std::map<int, int>{{2018, 1}}));
  EXPECT_TRUE(check_tiles(again.stages, *again.ledger).failed.empty());
}

TEST_F(GraphTest, AFailureThatIsNoErrorOfOursIsRecordedToo) {
  std::atomic<int> failures{0};
  engine_->before = [&](const YearInputs&) {
    if (failures.fetch_add(1) == 0) throw std::runtime_error("from a library");
  };
  Run run = open();
  EXPECT_EQ(tiles(run).tiles_failed, 1U);
  engine_->before = [](const YearInputs&) { throw Error(Code::data, "always"); };
  fs::remove_all(out());
  Run again = open();
  EXPECT_EQ(tiles(again).tiles_failed, again.plan().units.size());
}

TEST_F(GraphTest, AnUnreadableInputFailsTheTilesThatNeedIt) {
  damage("gpp/gpp_2018201.tif");
  Run run = open();
  const RunTally tally = tiles(run);
  EXPECT_GT(tally.tiles_failed, 0U);
  EXPECT_EQ(complete(run) + tally.tiles_failed, run.plan().units.size());
  for (const auto& unit : run.plan().units)
    if (const auto failure = run.ledger->failure(unit)) {
      EXPECT_EQ(failure->stage, "ingest_gpp");
      EXPECT_THAT(failure->input, HasSubstr("gpp_2018201.tif"));
    }
}

TEST_F(GraphTest, AnInputThatChangesUnderwayEndsTheRun) {
  Run run = open();
  fs::resize_file(world("gpp/gpp_2018201.tif"), 200);  // after planning
  try {
    tiles(run);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
    EXPECT_THAT(error.file(), HasSubstr("gpp_2018201.tif"));
  }
}

TEST_F(GraphTest, TheNextYearIsReadWhileThisOneIsInferred) {
  // The networks of a tile's spin-up year wait until the year behind it has been read.
  Run run = open();
  ASSERT_EQ(run.plan().steps.size(), 2U);
  run.stages.timeline = std::make_shared<Timeline>();
  const auto assembled = [&] {
    size_t count = 0;
    for (const auto& span : run.stages.timeline->spans())
      count += std::string(span.stage) == "assemble" ? 1 : 0;
    return count;
  };
  engine_->before = [&](const YearInputs&) {
    EXPECT_TRUE(in_time([&] { return assembled() >= 2; })) << "the next year is not read";
  };
  EXPECT_EQ(tiles(run, {run.plan().units.front()}).tile_years_done, 1U);
  EXPECT_EQ(complete(run), 1U);
}

TEST_F(GraphTest, AFailureWhileReadingAheadBelongsToItsOwnYear) {
  damage("gpp/gpp_2018201.tif");
  Run run = open();
  EXPECT_GT(tiles(run).tiles_failed, 0U);
  for (const auto& unit : run.plan().units) {
    const auto failure = run.ledger->failure(unit);
    if (!failure) continue;
    EXPECT_EQ(failure->year, 2018);
    EXPECT_EQ(failure->attempts, 1);
    // The spin-up year before it went through the networks and left its state.
    const std::string region = run.plan().regions[unit.region].file_name;
    EXPECT_TRUE(fs::exists(run.stages.write->state_path(region, unit, 0, 2017)));
  }
  EXPECT_EQ(engine_->years()[2017], static_cast<int>(run.plan().units.size()));
}

TEST_F(GraphTest, WithoutStatesATileBeginsAnew) {
  Run run = open({"state.keep=0"});
  tiles(run);
  EXPECT_EQ(complete(run), run.plan().units.size());
  for (const auto& entry : fs::recursive_directory_iterator(out(".fluxtile/tiles")))
    EXPECT_NE(entry.path().extension(), ".state") << entry.path();
  const auto expected = check_tiles(run.stages, *run.ledger).region_results;
  engine_->forget_years();
  shift(world("gpp/gpp_2018201.tif"), 30);
  Run changed = open({"state.keep=0"});
  tiles(changed);
  EXPECT_NE(check_tiles(changed.stages, *changed.ledger).region_results, expected);
  EXPECT_EQ(engine_->years().size(), 2U);  // the spin-up year as well
}

TEST_F(GraphTest, StagesAreNotedWithTileAndYear) {
  Run run = open();
  run.stages.timeline = std::make_shared<Timeline>();
  tiles(run);
  std::map<std::string, size_t> count;
  for (const auto& span : run.stages.timeline->spans()) {
    ++count[span.stage];
    if (std::string(span.stage) == "infer") {
      EXPECT_GE(span.tile, 0);
      EXPECT_TRUE(span.year == 2017 || span.year == 2018) << span.year;
    }
    EXPECT_LE(span.begin, span.end);
  }
  const size_t units = run.plan().units.size(), years = units * run.plan().steps.size();
  EXPECT_EQ(count["open"], units);
  for (const char* stage : {"ingest_gpp", "ingest_climate", "assemble", "infer", "write"})
    EXPECT_EQ(count[stage], years) << stage;
}

TEST_F(GraphTest, AWriteErrorEndsTheRun) {
  Run run = open();
  write(out(".fluxtile/tiles"), "a file where a folder has to be");
  try {
    tiles(run);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == Code::cannot_create || error.code() == Code::io) << error.what();
    EXPECT_EQ(error.stage(), "write");
  }
  for (const auto& unit : run.plan().units) EXPECT_FALSE(run.ledger->failure(unit));
  fs::remove(out(".fluxtile/tiles"));
  EXPECT_EQ(tiles(run).tile_years_done, run.plan().units.size());
}

TEST_F(GraphTest, AStopRequestEndsTheRunAsInterruptedAndNothingIsLost) {
  const auto expected = results({});
  fs::remove_all(out());
  const auto any_written = [&] {
    std::error_code gone;  // files come and go while we look
    for (fs::recursive_directory_iterator at(out(".fluxtile/tiles"), gone), end; at != end && !gone;
         at.increment(gone))
      if (at->path().extension() == ".tile-year") return true;
    return false;
  };
  std::atomic<int> spin_ups{0}, years{0};
  engine_->before = [&](const YearInputs& inputs) {
    // The first tile gets through; whoever comes behind it stops the run as soon as it is written.
    if ((inputs.year == 2018 ? years : spin_ups).fetch_add(1) > 0 && years > 0) {
      EXPECT_TRUE(in_time(any_written));
      Stop::request(15);
    }
    Stop::throw_if_requested();  // as engines do between batches
  };
  Run run = open();
  try {
    tiles(run);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
  }
  const size_t units = run.plan().units.size(), done = complete(run);
  EXPECT_LT(done, units);
  EXPECT_GT(done, 0U);
  for (const auto& unit : run.plan().units) EXPECT_FALSE(run.ledger->failure(unit));
  Stop::clear();
  engine_->before = [](const YearInputs&) {};
  Run again = open();
  const RunTally tally = tiles(again);
  EXPECT_EQ(tally.tile_years_kept, done);
  EXPECT_EQ(tally.tile_years_done, units - done);
  EXPECT_EQ(check_tiles(again.stages, *again.ledger).region_results, expected);
}

TEST_F(GraphTest, TouchedFilesAreReadButNothingIsComputedAgain) {
  Run run = open();
  tiles(run);
  engine_->forget_years();
  age("gpp/gpp_2018201.tif");
  age("climate/tmmx_2017.nc");
  Run again = open();
  const RunTally tally = tiles(again);
  EXPECT_EQ(tally.tile_years_done, 0U);
  EXPECT_EQ(tally.tile_years_kept, again.plan().units.size());
  EXPECT_TRUE(engine_->years().empty());
  EXPECT_EQ(complete(again), again.plan().units.size());  // with today's stamps
}

TEST_F(GraphTest, ChangedValuesRedoTheirYearFromTheStateBefore) {
  Run run = open();
  tiles(run);
  engine_->forget_years();
  shift(world("gpp/gpp_2018201.tif"), 25);
  age("gpp/gpp_2018201.tif");
  const auto resumed = results({});
  EXPECT_EQ(engine_->years().count(2017), 0U);
  EXPECT_GT(engine_->years()[2018], 0);
  fs::remove_all(out());
  EXPECT_EQ(results({}), resumed);
}

TEST_F(GraphTest, ChangedSpinUpRedoesEverythingBehindIt) {
  Run run = open();
  tiles(run);
  engine_->forget_years();
  shift(world("gpp/gpp_2017201.tif"), 25);
  age("gpp/gpp_2017201.tif");
  const auto resumed = results({});
  EXPECT_GT(engine_->years()[2017], 0);
  EXPECT_GT(engine_->years()[2018], 0);
  fs::remove_all(out());
  EXPECT_EQ(results({}), resumed);
}

TEST_F(GraphTest, APeriodThatGrowsGoesOnWhereItEnded) {
  Run run = open({"period.end=2018-06-30"});
  tiles(run);
  const auto grown = results({});
  fs::remove_all(out());
  EXPECT_EQ(results({}), grown);
}

}  // namespace
}  // namespace fluxtile
