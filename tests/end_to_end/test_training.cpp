// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <regex>
#include <sstream>

#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using ::testing::HasSubstr;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The Midwest at 40 km with nine sites, made once a process.
const fs::path& small_midwest() {
  static const Folder folder;
  static const fs::path world = [] {
    const fs::path path = folder.path() / "world";
    const Outcome made = fluxtile({"simulate",    std::string(FLUXTILE_WORLDS) + "/midwest.yaml",
                                   "--out",       path.string(),
                                   "--set",       "grid.resolution=40000",
                                   "--set",       "soil.cell=40000",
                                   "--set",       "gpp.multiple=40",
                                   "--set",       "crop.cell=8000",
                                   "--set",       "climate.stride=12",
                                   "--set",       "fields.size=80000",
                                   "--set",       "period.years=1",
                                   "--set",       "sites.count=9",
                                   "--set",       "sites.first_year=2012",
                                   "--set",       "sites.years=6",
                                   "--set",       "towers.per_region=2",
                                   "--set",       "towers.reference=3",
                                   "--set",       "towers.first_year=2013",
                                   "--set",       "towers.years=6",
                                   "--log-level", "warn"});
    EXPECT_EQ(made.code, 0) << made.err;
    return path;
  }();
  return world;
}

/// A training configuration of a few epochs on that world.
Words training(const std::string& verb, const fs::path& output, const Words& more = {}) {
  const fs::path world = small_midwest();
  Words words = {verb,
                 std::string(FLUXTILE_SOURCE) + "/configs/train/midwest.yaml",
                 "--progress",
                 "off",
                 "--log-level",
                 "warn",
                 "--set",
                 "output=" + output.string(),
                 "--set",
                 "pretrain.data.tables=" + (world / "training/sites.nc").string(),
                 "--set",
                 "pretrain.split={validation_years: [2016], test_years: [2017]}",
                 "--set",
                 "pretrain.schedule=small",
                 "--set",
                 "pretrain.epochs_factor=0.12",
                 "--set",
                 "pretrain.baselines=false",
                 "--set",
                 "finetune.data.tables=" + (world / "training/towers.nc").string(),
                 "--set",
                 "finetune.reference.tables=" + (world / "training/reference.nc").string(),
                 "--set",
                 "finetune.folds=[{validation_years: [2017], test_years: [2018]}]",
                 "--set",
                 "finetune.rate_factors=[1]",
                 "--set",
                 "finetune.epochs=2",
                 "--set",
                 "evaluate.arms=[pretrained, pooled, pooled-corrected, regional, swapped]",
                 "--set",
                 "evaluate.learning_curve=[1]",
                 "--set",
                 "evaluate.robustness={rate_factors: [1], seeds: [2]}",
                 "--set",
                 "evaluate.maps={run: " + (world / "run.yaml").string() +
                     ", truth: " + (world / "truth").string() + "}"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class TrainingTest : public Workplace {};

TEST_F(TrainingTest, TrainsEvaluatesAndMaps) {
  const fs::path out = folder() / "out";
  const Outcome trained = fluxtile(training("train", out));
  ASSERT_EQ(trained.code, 0) << trained.err;
  for (const char* name : {"global", "illinois", "iowa", "indiana"})
    EXPECT_THAT(trained.out, HasSubstr((out / "models" / name).string() + "\n"));
  const std::string global = text_of(out / "models/global/model.yaml");
  const std::string iowa = text_of(out / "models/iowa/model.yaml");
  EXPECT_THAT(global, HasSubstr("\n  synthetic: true\n"));
  EXPECT_THAT(iowa, HasSubstr("region: Iowa"));
  std::smatch sha;
  ASSERT_TRUE(std::regex_search(global, sha, std::regex("[0-9a-f]{64}")));
  EXPECT_THAT(iowa, HasSubstr(sha.str())) << "the parent's weights are named";
  EXPECT_NE(text_of(out / "models/iowa/weights.safetensors"),
            text_of(out / "models/global/weights.safetensors"));
  EXPECT_TRUE(fs::exists(out / "training.html"));

  const Outcome evaluated = fluxtile(training("evaluate", out, {"--json"}));
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const Json report = Json::parse(evaluated.out);
  for (const char* arm : {"pretrained", "pooled", "pooled-corrected", "regional", "swapped",
                          "climatology", "line", "line-regional"})
    EXPECT_THAT(report.dump(), HasSubstr(std::string("\"") + arm + "\"")) << arm;
  EXPECT_THAT(text_of(out / "evaluation.html"), HasSubstr("not claimed"));  // three sites a state
  EXPECT_TRUE(fs::exists(out / "evaluation_pretraining.csv"));

  // Maps with the models of three arms, scored against the truth of all cells.
  std::map<std::string, double> annual_reco;
  for (const Json& row : report.at("maps")) {
    if (row.at("variable") != "reco" || row.at("period") != "annual") continue;
    EXPECT_GT(row.at("pairs"), 20);
    annual_reco[row.at("arm").get<std::string>() + " " + row.at("region").get<std::string>()] =
        row.at("rmse");
  }
  EXPECT_EQ(annual_reco.size(), 3U * 4) << "three arms; three states and all together";
  EXPECT_NE(annual_reco.at("pretrained Iowa"), annual_reco.at("regional Iowa"));
  EXPECT_NE(annual_reco.at("pooled Iowa"), annual_reco.at("regional Iowa"));
  EXPECT_THAT(text_of(out / "evaluation.html"), HasSubstr("Maps against the truth"));
  EXPECT_THAT(text_of(out / "evaluation_maps.csv"), HasSubstr("regional,Iowa,reco,annual,"));
  EXPECT_EQ(text_of(out / "evaluation_maps/regional/models/iowa/weights.safetensors"),
            text_of(out / "models/iowa/weights.safetensors"));
  EXPECT_THAT(text_of(out / "evaluation_maps/regional/maps/report.html"),
              HasSubstr("model trained on synthetic data"));
}

TEST_F(TrainingTest, ASecondTimeNothingIsTrainedAndAllBytesStay) {
  const fs::path out = folder() / "out";
  ASSERT_EQ(fluxtile(training("train", out)).code, 0);
  const Contents before = contents(out / "models");
  const fs::path checkpoint = out / ".fluxtile/training/global.safetensors";
  const auto written = fs::last_write_time(checkpoint);
  ASSERT_EQ(fluxtile(training("train", out)).code, 0);
  EXPECT_EQ(differences(before, contents(out / "models")), "");
  EXPECT_EQ(fs::last_write_time(checkpoint), written);
}

TEST_F(TrainingTest, KilledAndRunAgainGivesTheSamePackages) {
  const fs::path whole = folder() / "whole", broken = folder() / "broken";
  ASSERT_EQ(fluxtile(training("train", whole)).code, 0);
  {
    Program program(fluxtile_words(training("train", broken)));
    ASSERT_TRUE(program.wait_until(
        [&] { return fs::exists(broken / ".fluxtile/training/global.safetensors"); }));
    program.signal(SIGKILL);
    EXPECT_EQ(program.wait().signal, SIGKILL);
  }
  EXPECT_FALSE(fs::exists(broken / "models/indiana"));
  ASSERT_EQ(fluxtile(training("train", broken)).code, 0);
  EXPECT_EQ(differences(contents(whole / "models"), contents(broken / "models")), "");
}

TEST_F(TrainingTest, ThreadsDoNotChangeAPackage) {
  ASSERT_EQ(fluxtile(training("train", folder() / "one", {"--threads", "1"})).code, 0);
  ASSERT_EQ(fluxtile(training("train", folder() / "two", {"--threads", "2"})).code, 0);
  EXPECT_EQ(differences(contents(folder() / "one/models"), contents(folder() / "two/models")), "");
}

TEST_F(TrainingTest, ARegionWithTooFewLabelsKeepsTheGlobalModel) {
  const fs::path out = folder() / "out";
  const Outcome trained =
      fluxtile(training("train", out, {"--set", "finetune.least_site_years=100"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("Iowa keeps the global model: "));
  EXPECT_EQ(text_of(out / "models/iowa/weights.safetensors"),
            text_of(out / "models/global/weights.safetensors"));
  EXPECT_THAT(text_of(out / "models/iowa/model.yaml"), HasSubstr("too few labels"));
}

TEST_F(TrainingTest, MissingDataAndInterruptionHaveTheirExitCodes) {
  const fs::path out = folder() / "out";
  const Outcome missing =
      fluxtile(training("train", out, {"--set", "pretrain.data.tables=none.nc"}));
  EXPECT_EQ(missing.code, 65);
  EXPECT_THAT(missing.err, HasSubstr("none.nc"));

  Program program(fluxtile_words(training("train", out, {"--set", "pretrain.epochs_factor=5"})));
  ASSERT_TRUE(program.wait_until(
      [&] { return fs::exists(out / ".fluxtile/training/global.safetensors"); }));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait().code, 75);
  EXPECT_FALSE(fs::exists(out / "models"));
}

TEST_F(TrainingTest, AStudyOfTwoWorlds) {
  const fs::path out = folder() / "out";
  ASSERT_EQ(fluxtile(training("train", out)).code, 0);
  const Words study = {"study",       std::string(FLUXTILE_SOURCE) + "/configs/study/ftbsc.yaml",
                       "--progress",  "off",
                       "--log-level", "warn",
                       "--set",       "output=" + (folder() / "study").string(),
                       "--set",       "package=" + (out / "models/global").string(),
                       "--set",       "worlds={kinds: [none, large_jump], each: 1, first_seed: 5}",
                       "--set",       "sites={towers: 2, reference: 2}",
                       "--set",       "years={first: 2012, training: 2, validation: 1, test: 1}",
                       "--set",       "finetune={epochs: 1, patience: 1, rate_factors: [1]}",
                       "--set",       "arms=[pretrained, pooled, regional]"};
  const Outcome first = fluxtile(study);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(text_of(folder() / "study/study.csv"), HasSubstr("large_jump,5,regional,"));
  const Contents before = contents(folder() / "study");
  const fs::path world = folder() / "study/worlds/none-5.json";
  const auto written = fs::last_write_time(world);
  ASSERT_EQ(fluxtile(study).code, 0);
  EXPECT_EQ(fs::last_write_time(world), written) << "a world that is done is not done again";
  EXPECT_EQ(differences(before, contents(folder() / "study")), "");
}

}  // namespace
}  // namespace fluxtile::end_to_end
