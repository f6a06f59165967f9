// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower_config.h"
#include "tests/pipeline/drawn_towers.h"

namespace fluxtile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TowerConfigTest : public TowerFolder {
 protected:
  [[nodiscard]] TowersConfig read(const std::string& text,
                                  const std::vector<std::string>& set = {}) const {
    return read_towers_config(write("towers.yaml", text), set);
  }
  [[nodiscard]] Error failure(const std::string& text,
                              const std::vector<std::string>& set = {}) const {
    return refusal([&] { (void)read(text, set); });
  }
  static std::string changed(std::string text, const std::string& from, const std::string& to) {
    EXPECT_NE(text.find(from), std::string::npos) << from;
    return text.replace(text.find(from), from.size(), to);
  }
};

TEST_F(TowerConfigTest, ReadsADescription) {
  const TowersConfig config =
      read(description(fluxnet_fluxes("  partitioning: dt\n  min_qc: 0.7\n"),
                       "{odd: corn, even: soybean, 2004: corn}"));
  ASSERT_EQ(config.sites.size(), 1U);
  const TowerSite& site = config.sites.front();
  EXPECT_EQ(site.name, "US-Xx1");
  EXPECT_EQ(site.block, "US-Xx1") << "a site is its own block unless said";
  EXPECT_EQ(site.crop.of(2001), 1);
  EXPECT_EQ(site.crop.of(2002), 5);
  EXPECT_EQ(site.crop.of(2004), 1);
  EXPECT_TRUE(config.fluxes.fluxnet);
  EXPECT_EQ(config.fluxes.options.partitioning, "DT");
  EXPECT_EQ(config.fluxes.options.min_qc, 0.7);
  EXPECT_THAT(config.fluxes.files, ElementsAre(path("FLX_*_DD_*.csv")));
  EXPECT_EQ(config.weather.front().inputs.size(), 7U);
}

TEST_F(TowerConfigTest, PathsAreRelativeToTheFolder) {
  const std::string text = "folder: data\n" + description(fluxnet_fluxes());
  EXPECT_THAT(read(text).weather.front().files, ElementsAre(path("data/weather.csv")));
  const TowersConfig moved = read(text, {"folder=/elsewhere"});
  EXPECT_THAT(moved.weather.front().files, ElementsAre("/elsewhere/weather.csv"));
  EXPECT_THAT(moved.fluxes.files, ElementsAre("/elsewhere/FLX_*_DD_*.csv"));
  const auto here = std::filesystem::current_path();
  EXPECT_EQ(read(text, {"folder=there"}).folder, (here / "there").string());
  EXPECT_THAT(read(text, {"fluxes.files=mine.csv"}).fluxes.files,
              ElementsAre((here / "mine.csv").string()));
}

TEST_F(TowerConfigTest, ACropThatTheModelsDoNotKnowIsRefused) {
  for (const char* crop : {"switchgrass", "36", "3"}) {
    const Error error = failure(description(fluxnet_fluxes(), crop));
    EXPECT_THAT(error.message(), HasSubstr(crop));
    EXPECT_THAT(error.expected(), AllOf(HasSubstr("corn (1)"), HasSubstr("soybean (5)")));
    EXPECT_EQ(error.key(), "sites.0.crop");
    EXPECT_GT(error.line(), 0);
  }
  EXPECT_EQ(failure(description(fluxnet_fluxes(), "{2001: corn, 2002: alfalfa}")).key(),
            "sites.0.crop.2002");
  EXPECT_EQ(read(description(fluxnet_fluxes(), "Maize")).sites.front().crop.of(2001), 1);
  EXPECT_EQ(read(description(fluxnet_fluxes(), "5")).sites.front().crop.of(2001), 5);
}

TEST_F(TowerConfigTest, FluxnetHasNoDailyExtremes) {
  const Error whole = failure(
      "fluxtile-towers: 1\ninputs: {weather: fluxnet2015}\n"
      "sites: [{name: US-Xx1, latitude: 42, longitude: -93, crop: corn}]\n"
      "fluxes: {format: fluxnet2015, files: a.csv}\n");
  EXPECT_THAT(whole.message(), HasSubstr("daily extremes"));
  EXPECT_THAT(whole.expected(), HasSubstr("TDIF_AIR"));
  EXPECT_THAT(whole.hint(), HasSubstr("run: run.yaml"));
  const Error part =
      failure(changed(description(fluxnet_fluxes()),
                      "        TDIF_AIR: {difference: [tmax, tmin], unit: K}\n", ""));
  EXPECT_THAT(part.found(), HasSubstr("TDIF_AIR"));
}

TEST_F(TowerConfigTest, WhatIsMissingOrTwiceIsSaid) {
  const std::string good = description(fluxnet_fluxes());
  EXPECT_THAT(failure(changed(good, "    TPH: {value: 6.2, unit: \"1\"}\n", "")).message(),
              HasSubstr("TPH"));
  EXPECT_THAT(failure(changed(good, ", crop: corn", "")).message(), HasSubstr("crop of site"));
  EXPECT_THAT(failure(changed(good, "TPH:", "TPHH:")).hint(), HasSubstr("TPH"));
  EXPECT_THAT(failure(changed(good, "RADN:", "RADNN:")).hint(), HasSubstr("RADN"));
  EXPECT_THAT(failure(changed(good, "inputs:\n", "inputs:\n  run: run.yaml\n")).found(),
              HasSubstr("`run` and `weather`"));
  EXPECT_THAT(failure(changed(good, "      date: date\n", "")).found(), HasSubstr("neither"));
  EXPECT_THAT(failure(changed(good, "date: date", "month: date")).message(),
              HasSubstr("every day"));
  EXPECT_THAT(failure(changed(good, "{difference: [tmax, tmin]", "{difference: [tmax]")).message(),
              HasSubstr("two columns"));
  EXPECT_THAT(failure(changed(good, "fluxtile-towers: 1", "fluxtile-towers: 2")).hint(),
              HasSubstr("update"));
  EXPECT_THAT(failure(good, {"fluxes.partitoning=dt"}).hint(), HasSubstr("partitioning"));
}

TEST_F(TowerConfigTest, KeysOfTheOtherFormatAreRefused) {
  EXPECT_THAT(failure(description(fluxnet_fluxes("  missing: [-1]\n"))).message(),
              HasSubstr("format: csv"));
  const std::string plain =
      "  format: csv\n  files: a.csv\n  columns:\n    date: date\n    qc: q\n"
      "    nee: {column: nee, unit: umol m-2 s-1, sign: positive-is-uptake, min_qc: 0.9}\n";
  const TowersConfig config = read(description(plain));
  EXPECT_TRUE(config.fluxes.columns.nee.turned);
  EXPECT_EQ(config.fluxes.columns.nee.qc, "q");
  EXPECT_EQ(config.fluxes.columns.nee.min_qc, 0.9);
  EXPECT_EQ(config.fluxes.columns.reco.name, "");
  EXPECT_THAT(failure(description(plain + "  partitioning: nt\n")).message(),
              HasSubstr("format: fluxnet2015"));
  EXPECT_THAT(
      failure(description("  format: csv\n  files: a.csv\n  columns: {date: d}\n")).message(),
      HasSubstr("nothing to learn"));
}

TEST_F(TowerConfigTest, TheShippedDescriptionIsRead) {
  const TowersConfig config =
      read_towers_config(FLUXTILE_SOURCE_DIR "/configs/train/mead-ne-towers.yaml", {"folder=/d"});
  EXPECT_EQ(config.sites.size(), 3U);
  EXPECT_EQ(config.run, "/d/run.yaml");
}

TEST(TowersReference, NamesEveryKeyOfTheSchema) {
  std::ifstream file(FLUXTILE_SOURCE_DIR "/docs/towers.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  for (const auto& key : towers_schema().keys()) {
    const bool element = key.path.size() > 2 && key.path.substr(key.path.size() - 2) == ".*";
    if (element) continue;
    std::string name = key.path;
    for (size_t at; (at = name.find(".*")) != std::string::npos;) name.replace(at, 2, ".N");
    EXPECT_THAT(text, HasSubstr("`" + name + "`"));
  }
}

}  // namespace
}  // namespace fluxtile
