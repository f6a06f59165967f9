// SPDX-License-Identifier: Apache-2.0
// What a script sees: stdout, JSON lines on stderr, and the verbs that only look.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <sstream>

#include "base/atomic_file.h"
#include "raster.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

class Streams : public Workplace {
 protected:
  static Words south(const Words& more = {}) {
    Words all = {"--set", "region.select=[South]", "--set", "models.regions={}",
                 "--set", "period.spinup=0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static std::vector<Json> lines(const std::string& text) {
    std::vector<Json> parsed;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) parsed.push_back(Json::parse(line));
    return parsed;
  }
};

TEST_F(Streams, RunSaysWhereTheProductsAre) {
  const Outcome done = run(test_world(), folder() / "out", south());
  EXPECT_EQ((folder() / "out").string() + "\n", done.out);
}

TEST_F(Streams, ProgressAsJsonLines) {
  const Outcome done =
      run(test_world(), folder(), south({"--progress", "json", "--log-level", "off"}));
  bool begun = false, ended = false;
  for (const Json& line : lines(done.err)) {
    const std::string event = line.at("event").get<std::string>();
    EXPECT_TRUE(line.contains("done") && line.contains("total") && line.contains("phase"));
    if (line.at("phase") != "tile-years") continue;
    begun = begun || event == "begin";
    if (event == "end") {
      ended = true;
      EXPECT_EQ(4, line.at("done").get<int>());
      EXPECT_EQ(4, line.at("total").get<int>());
    }
  }
  EXPECT_TRUE(begun && ended) << done.err;
  EXPECT_EQ(1, std::count(done.out.begin(), done.out.end(), '\n'));
}

TEST_F(Streams, LogAsJsonLines) {
  const Outcome done =
      run(test_world(), folder(), south({"--log-format", "json", "--log-level", "info"}));
  const auto said = lines(done.err);
  ASSERT_FALSE(said.empty());
  bool warned = false;
  for (const Json& line : said) {
    EXPECT_TRUE(line.contains("time") && line.contains("level") && line.contains("message"));
    warned = warned || (line.at("level") == "warn" && line.at("message").get<std::string>().find(
                                                          "synthetic") != std::string::npos);
  }
  EXPECT_TRUE(warned);
}

TEST_F(Streams, ErrorAsOneJsonLine) {
  const Outcome failed = fluxtile(words(
      "run", test_world(), folder(), {"--log-format", "json", "--set", "inputs.gpp.intervall=8d"}));
  EXPECT_EQ(65, failed.code);
  EXPECT_EQ("", failed.out);
  const auto said = lines(failed.err);
  ASSERT_EQ(1U, said.size());
  EXPECT_EQ(65, said.front().at("code").get<int>());
  EXPECT_EQ("inputs.gpp.intervall", said.front().at("key").get<std::string>());
  EXPECT_THAT(said.front().at("hint").get<std::string>(), HasSubstr("interval"));
}

TEST_F(Streams, PlanWritesNothing) {
  const Contents before = contents(test_world());
  const fs::path out = folder() / "out";
  const Outcome text = fluxtile(words("plan", test_world(), out));
  EXPECT_EQ(0, text.code) << text.err;
  for (const char* word : {"region", "grid", "North", "model demo-iowa", "2017-01-01", "operation",
                           "accuracy", "engine", "memory", "disk", "time", "spin-up"}) {
    EXPECT_THAT(text.out, HasSubstr(word));
  }
  const Outcome json = fluxtile(words("plan", test_world(), out, {"--json"}));
  EXPECT_EQ(0, json.code) << json.err;
  const Json plan = Json::parse(json.out);
  EXPECT_TRUE(plan.is_object());
  EXPECT_GT(plan.at("estimate").at("tile_bytes").get<int64_t>(), 0);
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ("", differences(before, contents(test_world())));
}

TEST_F(Streams, StatusBeforeDuringAndAfter) {
  const fs::path out = folder() / "out";
  const Words options = south({"--json"});
  const Outcome before = fluxtile(words("status", test_world(), out, options));
  EXPECT_EQ(65, before.code);
  EXPECT_EQ("", before.out);
  EXPECT_THAT(before.err, HasSubstr("fluxtile run"));
  EXPECT_FALSE(fs::exists(out));

  Program program(fluxtile_words(words("run", test_world(), out, south({"--threads", "1"}))));
  ASSERT_TRUE(program.wait_until([&] { return count_files(out / ".fluxtile", ".tile-year") > 0; }))
      << program.wait().err;
  program.signal(SIGKILL);
  program.wait();
  const Outcome during = fluxtile(words("status", test_world(), out, options));
  EXPECT_EQ(0, during.code) << during.err;
  const Json half = Json::parse(during.out);
  EXPECT_EQ(4, half.at("tiles").get<int>());
  EXPECT_GE(half.at("done").get<int>(), 1);
  EXPECT_EQ(4, half.at("done").get<int>() + half.at("missing").get<int>());
  EXPECT_FALSE(half.at("products").get<bool>());

  run(test_world(), out, south({"--threads", "2"}));
  const Outcome after = fluxtile(words("status", test_world(), out, options));
  EXPECT_EQ(0, after.code) << after.err;
  const Json whole = Json::parse(after.out);
  EXPECT_EQ(4, whole.at("done").get<int>());
  EXPECT_EQ(0, whole.at("missing").get<int>());
  EXPECT_TRUE(whole.at("products").get<bool>());
  const Outcome text = fluxtile(words("status", test_world(), out, south()));
  EXPECT_THAT(text.out, HasSubstr("4 done, 0 missing, 0 failed"));
}

TEST_F(Streams, PixelAgreesWithTheMap) {
  const fs::path out = folder() / "out", table = folder() / "cells.csv";
  run(test_world(), out, south());
  const Raster nee = read_raster((out / "test_South_nee_annual.tif").string());
  size_t place = 0;
  while (std::isnan(nee.bands.front().at(place))) ++place;
  const auto column = static_cast<int>(place) % nee.columns;
  const auto row = static_cast<int>(place) / nee.columns;
  const std::string at = std::to_string(nee.transform[0] + 250 * column + 125) + "," +
                         std::to_string(nee.transform[3] - 250 * row - 125);
  const Outcome asked = fluxtile(words("pixel", test_world(), out, south({"--json", "--at", at})));
  ASSERT_EQ(0, asked.code) << asked.err;
  const Json cell = Json::parse(asked.out).at(0);
  EXPECT_EQ("South", cell.at("region").get<std::string>());
  EXPECT_EQ("", cell.at("reason").get<std::string>());
  const Json& days = cell.at("days");
  ASSERT_EQ(365U, days.size());
  const auto names = cell.at("outputs").get<Words>();
  const auto which =
      static_cast<size_t>(std::find(names.begin(), names.end(), "nee") - names.begin());
  double sum = 0;
  for (const Json& day : days) {
    ASSERT_EQ(19U, day.at("inputs").size());
    ASSERT_EQ(19U, day.at("z").size());
    sum += day.at("outputs").at(which).get<double>();
  }
  EXPECT_NEAR(nee.bands.front()[place], sum, 1e-3);

  const Outcome csv =
      fluxtile(words("pixel", test_world(), out, south({"--at", at, "--output", table.string()})));
  EXPECT_EQ(0, csv.code) << csv.err;
  const std::string text = read_file(table.string());
  EXPECT_EQ(366, std::count(text.begin(), text.end(), '\n')) << "a header and the days";
  const Outcome away =
      fluxtile(words("pixel", test_world(), out, south({"--json", "--at", "0,0"})));
  EXPECT_EQ(0, away.code) << away.err;
  EXPECT_NE("", Json::parse(away.out).at(0).at("reason").get<std::string>());
}

TEST_F(Streams, InspectKnowsTheWorldsFiles) {
  const Outcome told =
      fluxtile({"inspect", "--json", (test_world() / "gpp" / "gpp_2018185.tif").string(),
                (test_world() / "climate" / "tmmx_2018.nc").string(),
                (test_world() / "regions.geojson").string(),
                (test_world() / "models" / "demo-iowa").string()});
  EXPECT_EQ(0, told.code) << told.err;
  const Json all = Json::parse(told.out);
  EXPECT_THAT(all.dump(), HasSubstr("air_temperature"));
  EXPECT_THAT(all.dump(), HasSubstr("kgml-ag-c"));
}

TEST_F(Streams, HelpAndVersion) {
  EXPECT_THAT(fluxtile({"--version"}).out, HasSubstr("0."));
  for (const std::string verb :
       {"run", "plan", "merge", "status", "verify", "pixel", "inspect", "simulate"}) {
    const Outcome help = fluxtile({verb, "--help"});
    EXPECT_EQ(0, help.code);
    EXPECT_THAT(help.out, HasSubstr("Usage"));
    EXPECT_THAT(help.out, HasSubstr("75 stopped"));
  }
}

}  // namespace
}  // namespace fluxtile::end_to_end
