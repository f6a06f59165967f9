// SPDX-License-Identifier: Apache-2.0
// A year that grows, or whose last days are revised: only what changes is run again, and the
// products have the bytes of a run that did everything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "geo/raster_source.h"
#include "pipeline/verbs.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

class NewDaysTest : public SmallWorld {
 protected:
  /// Maps until `end` into out(folder); returns the cell-days that went through the networks, of
  /// the result year's whole length in `days` when all were run.
  uint64_t run(const std::string& end, const std::string& folder,
               std::vector<std::string> set = {}) const {
    close_thread_datasets();
    set.insert(set.end(),
               {"period.end=" + end, "outputs.directory=" + out(folder).string(),
                "outputs.products=[{variables: [ra, rh, nee, gpp, yield], period: annual, "
                "statistic: sum, format: geotiff}, {variables: [nee], period: monthly, statistic: "
                "mean, format: [geotiff, netcdf]}]"});
    std::ostringstream said;
    EXPECT_EQ(run_verb(config(set), options(), said), 0);
    const auto json = nlohmann::json::parse(read(out(folder) / "run.json"));
    return find_days(json);
  }
  static VerbOptions options() {
    VerbOptions options;
    options.progress = parse_progress_mode("off");
    options.allow_synthetic_model = true;
    return options;
  }
  static uint64_t find_days(const nlohmann::json& json) {
    if (json.is_object() && json.contains("pixel_days")) return json["pixel_days"];
    for (const auto& item : json)
      if (item.is_structured())
        if (const uint64_t days = find_days(item)) return days;
    return 0;
  }
  void expect_same_products(const std::string& a, const std::string& b) const {
    size_t compared = 0;
    for (const auto& entry : fs::directory_iterator(out(a))) {
      const std::string extension = entry.path().extension();
      if (extension != ".tif" && extension != ".nc" && extension != ".csv") continue;
      EXPECT_TRUE(read(entry.path()) == read(out(b) / entry.path().filename()))
          << entry.path().filename();
      ++compared;
    }
    EXPECT_GT(compared, 15U);
  }
  /// Takes the composites of 2018 that begin on or after a day of the year away.
  void hide_composites(int first) const {
    fs::create_directories(world("later"));
    for (const auto& entry : fs::directory_iterator(world("gpp"))) {
      const std::string name = entry.path().filename();  // gpp_2018225.tif
      if (name.substr(4, 4) == "2018" && std::stoi(name.substr(8, 3)) >= first)
        fs::rename(entry.path(), world("later") / name);
    }
  }
  /// Flips a bit in each stored file of a kind; returns how many there are.
  size_t damage(const std::string& folder, const std::string& extension) const {
    size_t damaged = 0;
    for (const auto& entry : fs::recursive_directory_iterator(out(folder) / ".fluxtile")) {
      if (entry.path().extension() != extension) continue;
      std::string bytes = read(entry.path());
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      write(entry.path(), bytes);
      ++damaged;
    }
    return damaged;
  }
  void show_composites(int last) const {
    for (const auto& entry : fs::directory_iterator(world("later"))) {
      const std::string name = entry.path().filename();
      if (std::stoi(name.substr(8, 3)) <= last) fs::rename(entry.path(), world("gpp") / name);
    }
  }
};

TEST_F(NewDaysTest, ANewCompositeRunsItsOwnDays) {
  hide_composites(225);
  const uint64_t all = run("2018-08-12", "a");  // 365 days of spin-up, 224 of the year
  show_composites(225);
  const uint64_t few = run("2018-08-20", "a");
  EXPECT_EQ(run("2018-08-20", "whole") * 8, few * (365 + 232)) << "8 of the days";
  EXPECT_LT(few * 20, all);
  expect_same_products("whole", "a");
}

TEST_F(NewDaysTest, InDecemberTheTailIsRunAgain) {
  hide_composites(345);
  run("2018-12-10", "a");
  show_composites(345);
  const uint64_t few = run("2018-12-18", "a");
  EXPECT_EQ(run("2018-12-18", "whole") * (352 - 298), few * (365 + 352));
  expect_same_products("whole", "a");
  show_composites(366);
  run("2018-12-31", "a");
  run("2018-12-31", "all");
  expect_same_products("all", "a");
}

TEST_F(NewDaysTest, RevisedDaysAreRunAgain) {
  redraw_climate("vs_2018.nc", {});
  run("2018-12-31", "a");
  redraw_climate("vs_2018.nc", {}, "standard", 305, 2.5);  // the last 60 days
  const uint64_t few = run("2018-12-31", "a");
  EXPECT_EQ(run("2018-12-31", "whole") * (365 - 298), few * (365 + 365));
  expect_same_products("whole", "a");
  redraw_climate("vs_2018.nc", {}, "standard", 100, 2.5);  // before every state that is kept
  EXPECT_EQ(run("2018-12-31", "a") * 2, run("2018-12-31", "early"));
  expect_same_products("early", "a");
}

TEST_F(NewDaysTest, ADamagedOrForeignStateIsNotGoneOnFrom) {
  hide_composites(225);
  run("2018-08-12", "a");
  EXPECT_GE(damage("a", ".open-state"), 9U);
  show_composites(225);
  const uint64_t days = run("2018-08-20", "a");
  EXPECT_EQ(run("2018-08-20", "whole") * 232, days * (365 + 232)) << "from the year before";
  expect_same_products("whole", "a");
}

TEST_F(NewDaysTest, OnlyNewFilesAreDecodedAgain) {
  hide_composites(225);
  run("2018-08-12", "a");
  fs::copy(out("a"), out("b"), fs::copy_options::recursive);
  size_t removed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(out("b") / ".fluxtile")) {
    EXPECT_FALSE(entry.path().filename() == "1-2018.state") << "no year goes on from there";
    if (entry.path().extension() == ".inputs") removed += fs::remove(entry.path()) ? 1 : 0;
  }
  EXPECT_GE(removed, 3U) << "one a tile";
  show_composites(225);
  const auto decoded = [&](const std::string& folder) {
    const uint64_t before = decoded_source_blocks();
    run("2018-08-20", folder);
    return decoded_source_blocks() - before;
  };
  const uint64_t few = decoded("a"), all = decoded("b");
  EXPECT_GE(few, 1U) << "the new composite";
  EXPECT_LE(few, 2 * removed) << "and nothing else, no soil and no crops";
  EXPECT_GT(all, 20 * few);
  run("2018-08-20", "whole");
  expect_same_products("whole", "a");
  expect_same_products("whole", "b");
}

TEST_F(NewDaysTest, AFileThatWasReplacedIsReadAgain) {
  hide_composites(225);
  run("2018-08-12", "a");
  shift(world("gpp/gpp_2018153.tif"), 300);
  run("2018-08-12", "a");
  run("2018-08-12", "revised");
  expect_same_products("revised", "a");
  const auto& sources = plan().plan.sources;
  shift(sources.statics.front().layer.path, 1);
  show_composites(225);
  run("2018-08-20", "a");
  run("2018-08-20", "whole");
  expect_same_products("whole", "a");
}

TEST_F(NewDaysTest, DamagedInputsAreReadAnew) {
  hide_composites(225);
  run("2018-08-12", "a");
  EXPECT_GE(damage("a", ".inputs"), 3U);
  show_composites(225);
  run("2018-08-20", "a");
  run("2018-08-20", "whole");
  expect_same_products("whole", "a");
}

TEST_F(NewDaysTest, NoneIsKeptWhereNoneIsAskedFor) {
  hide_composites(225);
  run("2018-08-12", "a", {"state.within_year=0"});
  for (const auto& entry : fs::recursive_directory_iterator(out("a") / ".fluxtile"))
    EXPECT_TRUE(entry.path().extension() != ".open-state" && entry.path().extension() != ".inputs");
  show_composites(225);
  run("2018-08-20", "a", {"state.within_year=0"});
  run("2018-08-20", "whole");
  expect_same_products("whole", "a");
}

TEST_F(NewDaysTest, DailyValuesBeforeTheNewDaysAreThoseOfBefore) {
  const std::vector<std::string> daily = {
      "outputs.products=[{variables: [nee], period: daily, statistic: mean, format: netcdf}]"};
  const auto map = [&](const std::string& end, const std::string& folder) {
    close_thread_datasets();
    std::vector<std::string> set = daily;
    set.insert(set.end(), {"period.end=" + end, "outputs.directory=" + out(folder).string()});
    std::ostringstream said;
    EXPECT_EQ(run_verb(config(set), options(), said), 0);
  };
  hide_composites(225);
  map("2018-08-12", "a");
  show_composites(225);
  map("2018-08-20", "a");
  map("2018-08-20", "whole");
  for (const char* region : {"East", "North", "South"}) {
    const std::string name = "test_" + std::string(region) + "_daily.nc";
    EXPECT_TRUE(read(out("a") / name) == read(out("whole") / name)) << name;
  }
}

}  // namespace
}  // namespace fluxtile
