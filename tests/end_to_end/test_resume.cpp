// SPDX-License-Identifier: Apache-2.0
// Runs that are interrupted, repeated, or repeated after a change: what is computed again, what is
// kept, and that nobody can tell from the products.
#include <gmock/gmock.h>

#include <cmath>
#include <csignal>

#include "base/atomic_file.h"
#include "finished_run.h"
#include "raster.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

class Resume : public FinishedRun {
 protected:
  /// The run once more, which ends well.
  Outcome again(const Words& more = {}) {
    const Outcome outcome = fluxtile(verb("run", more));
    EXPECT_EQ(0, outcome.code) << outcome.err;
    return outcome;
  }
};

TEST_F(Resume, KilledAgainAndAgain) {
  const fs::path out = folder() / "out";
  size_t kills = 0, done = 0;
  for (const size_t more : {1, 2, 1}) {
    Program program(fluxtile_words(words("run", test_world(), out, two_regions)));
    const size_t wanted = done + more;
    if (program.wait_until(
            [&] { return count_files(out / ".fluxtile", ".tile-year") >= wanted; })) {
      program.signal(SIGKILL);
    }
    kills += program.wait().signal == SIGKILL ? 1 : 0;
    done = count_files(out / ".fluxtile", ".tile-year");
    EXPECT_FALSE(fs::exists(out / "run.json"));
  }
  EXPECT_EQ(3U, kills);
  {  // once more, while products are being written
    Program program(fluxtile_words(words("run", test_world(), out, two_regions)));
    if (program.wait_until([&] { return count_files(out, ".tif") > 0; })) program.signal(SIGKILL);
    EXPECT_EQ(SIGKILL, program.wait().signal);
    EXPECT_FALSE(fs::exists(out / "run.json"));
  }
  run(test_world(), out, two_regions);
  EXPECT_EQ(0, tile_years_computed(out)) << "all tile-years were done before the last kill";
  EXPECT_EQ("", differences(reference(), products(out)));
  EXPECT_EQ(0U, count_files(out, ".part")) << "what the killed runs left behind is swept";
  EXPECT_EQ(0, fluxtile({"verify", out.string()}).code);
}

TEST_F(Resume, SignalsStopInOrder) {
  const fs::path out = folder() / "out";
  const std::map<int, std::string> signals = {
      {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGUSR1, "SIGUSR1"}, {SIGXCPU, "SIGXCPU"}};
  for (const auto& [number, name] : signals) {
    const size_t before = count_files(out / ".fluxtile", ".state");
    Program program(fluxtile_words(words("run", test_world(), out, two_regions)));
    ASSERT_TRUE(program.wait_until([&] {
      return count_files(out / ".fluxtile", ".state") > before;
    })) << program.wait().err;
    const auto sent = std::chrono::steady_clock::now();
    program.signal(number);
    const Outcome stopped = program.wait();
    EXPECT_EQ(75, stopped.code) << name << stopped.signal << stopped.err;
    EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - sent).count(), 20);
    EXPECT_THAT(stopped.err, HasSubstr(name));
    EXPECT_FALSE(fs::exists(out / "run.json"));
    EXPECT_EQ(0U, count_files(out, ".part")) << name;
  }
  const auto stored = static_cast<int>(count_files(out / ".fluxtile", ".tile-year"));
  run(test_world(), out, two_regions);
  EXPECT_EQ(all_tiles - stored, tile_years_computed(out));
  EXPECT_EQ("", differences(reference(), products(out)));
}

TEST_F(Resume, SecondRunChangesNoFile) {
  take_finished();
  again();  // the copy lies elsewhere, which is another plan
  std::map<std::string, std::pair<fs::file_time_type, std::string>> before, after;
  const auto snapshot = [&](auto& to) {
    for (const auto& entry : fs::recursive_directory_iterator(out())) {
      if (entry.is_regular_file() && entry.path().filename() != "last-run.json")
        to[entry.path()] = {entry.last_write_time(), read_file(entry.path().string())};
    }
  };
  snapshot(before);
  const Outcome second = again({"--log-level", "info", "--log-format", "json"});
  snapshot(after);
  EXPECT_TRUE(before == after);
  EXPECT_GT(before.size(), 40U);
  EXPECT_THAT(second.err, HasSubstr("0 tile-years computed, 9 kept"));
  EXPECT_THAT(second.err, HasSubstr("nothing to do"));
}

TEST_F(Resume, FreshComputesAllAgain) {
  take_finished();
  again({"--fresh"});
  EXPECT_EQ(all_tiles, tile_years_computed(out()));
  EXPECT_EQ("", differences(reference(), products(out())));
}

TEST_F(Resume, LostTileYearIsComputedAgain) {
  take_finished();
  fs::path victim;
  for (const auto& entry : fs::recursive_directory_iterator(out() / ".fluxtile" / "tiles"))
    if (entry.path().extension() == ".tile-year") victim = entry.path();
  std::string bytes = read_file(victim.string());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_atomically(victim.string(), bytes);  // a flipped bit is as good as lost
  fs::remove(out() / "run.json");
  again();
  EXPECT_EQ(1, tile_years_computed(out()));
  EXPECT_EQ("", differences(reference(), products(out())));
}

TEST_F(Resume, LostProductIsWrittenAgain) {
  take_finished();
  fs::remove(out() / "test_North_nee_annual.tif");
  again();
  EXPECT_EQ(0, tile_years_computed(out()));
  EXPECT_EQ("", differences(reference(), products(out())));
}

TEST_F(Resume, ChangedModelTouchesItsRegionAlone) {
  take_finished();
  change_weights(world() / "models" / "demo-iowa");
  again();
  EXPECT_EQ(north_tiles, tile_years_computed(out()));
  const Contents now = products(out());
  EXPECT_NE(reference().at("test_North_nee_annual.tif"), now.at("test_North_nee_annual.tif"));
  for (const auto& [name, bytes] : reference()) {
    if (name.rfind("test_South", 0) == 0) {
      EXPECT_TRUE(bytes == now.at(name)) << name;
    }
  }
}

TEST_F(Resume, ChangedOptionComputesAllAgain) {
  take_finished();
  again({"--set", "inputs.gpp.fill=linear"});
  EXPECT_EQ(all_tiles, tile_years_computed(out()));
  EXPECT_NE(reference().at("test_North_nee_annual.tif"),
            products(out()).at("test_North_nee_annual.tif"));
}

TEST_F(Resume, ChangedValueTouchesItsTilesAlone) {
  take_finished();
  // A cell of the composite in the west of North.
  change_cell(world() / "gpp" / "gpp_2018185.tif", 16, 8, 300);
  again();
  const int computed = tile_years_computed(out());
  EXPECT_GE(computed, 1);
  EXPECT_LT(computed, all_tiles);
  // The same values as a run that never knew the old ones.
  Words fresh = two_regions;
  run(world(), folder() / "fresh", fresh);
  EXPECT_EQ("", differences(products(folder() / "fresh"), products(out())));
  EXPECT_NE("", differences(reference(), products(out())));
}

TEST_F(Resume, TouchedFilesChangeNothing) {
  take_finished();
  for (const char* part : {"gpp", "climate", "soil", "crop"}) {
    for (const auto& entry : fs::directory_iterator(world() / part))
      fs::last_write_time(entry.path(), fs::file_time_type::clock::now());
  }
  const Outcome touched = again({"--log-level", "info"});
  EXPECT_THAT(touched.err, HasSubstr("0 tile-years computed, 9 kept"));
  EXPECT_EQ("", differences(reference(), products(out())));
}

TEST_F(Resume, NewProductNeedsNoTileYear) {
  take_finished();
  again({"--set",
         "outputs.products.2={variables: [gpp, yield], period: annual, statistic: sum, "
         "format: geotiff}"});
  EXPECT_EQ(0, tile_years_computed(out()));
  Contents now = products(out());
  EXPECT_EQ(1U, now.count("test_North_gpp_annual.tif"));
  EXPECT_EQ(1U, now.count("test_South_yield_annual.tif"));
  EXPECT_TRUE(reference().at("test_North_nee_annual.tif") == now.at("test_North_nee_annual.tif"));
  // And taken away again: its files go.
  again();
  EXPECT_EQ(0, tile_years_computed(out()));
  EXPECT_EQ("", differences(reference(), products(out())));
}

TEST_F(Resume, FailedTilesAreRecordedAndMended) {
  const fs::path composite = fs::path("gpp") / "gpp_2018185.tif";
  copy_world(finished(), world());
  fs::resize_file(world() / composite, fs::file_size(world() / composite) / 2);
  Words forgiving = two_regions;
  forgiving.insert(forgiving.end(), {"--set", "run.max_failed_tiles=9"});
  const Outcome failed = fluxtile(words("run", world(), out(), forgiving));
  EXPECT_EQ(1, failed.code) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("gpp_2018185.tif"));
  const Json record = run_record(out());
  EXPECT_EQ(all_tiles, record.at("tiles").at("failed").get<int>());
  EXPECT_EQ(static_cast<size_t>(all_tiles), record.at("failures").size());
  const Outcome status = fluxtile(words("status", world(), out(), forgiving));
  EXPECT_EQ(0, status.code) << status.err;
  EXPECT_THAT(status.out, HasSubstr("0 done, 0 missing, 9 failed"));
  for (const char* region : {"North", "South"}) {
    const std::string stem = (out() / ("test_" + std::string(region))).string();
    const Raster nee = read_raster(stem + "_nee_annual.tif");
    const Raster flags = read_raster(stem + "_quality_annual.tif");
    size_t flagged = 0;
    for (size_t cell = 0; cell < nee.bands.front().size(); ++cell) {
      EXPECT_TRUE(std::isnan(nee.bands.front()[cell]));
      if (std::isnan(flags.bands.front()[cell])) continue;
      EXPECT_EQ(64, flags.bands.front()[cell]);
      ++flagged;
    }
    EXPECT_GT(flagged, 10U);
  }

  fs::copy(finished() / composite, world() / composite, fs::copy_options::overwrite_existing);
  again();
  EXPECT_EQ(all_tiles, tile_years_computed(out()));
  EXPECT_EQ("", differences(reference(), products(out())));
}

TEST_F(Resume, DamagedProductIsFound) {
  take_finished();
  const Outcome whole = fluxtile({"verify", out().string(), "--json"});
  EXPECT_EQ(0, whole.code) << whole.err;
  EXPECT_TRUE(Json::parse(whole.out).at("ok").get<bool>());
  const std::string file = (out() / "test_North_nee_annual.tif").string();
  std::string bytes = read_file(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_atomically(file, bytes);
  const Outcome damaged = fluxtile({"verify", out().string()});
  EXPECT_EQ(65, damaged.code);
  EXPECT_THAT(damaged.err, HasSubstr("test_North_nee_annual.tif"));
  fs::remove(file);
  const Outcome gone = fluxtile({"verify", out().string(), "--json"});
  EXPECT_EQ(65, gone.code);
  EXPECT_THAT(gone.out, HasSubstr("test_North_nee_annual.tif"));
  EXPECT_FALSE(Json::parse(gone.out).at("ok").get<bool>());
  EXPECT_EQ(65, fluxtile({"verify", (folder() / "nowhere").string()}).code);
}

}  // namespace
}  // namespace fluxtile::end_to_end
