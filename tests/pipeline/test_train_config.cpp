// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/train_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "pipeline/training/study_config.h"
#include "pipeline/training/train_schema.h"
#include "pipeline/training/training_work.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainConfigTest : public ::testing::Test {
 protected:
  TrainConfigTest() {
    std::string name = (fs::temp_directory_path() / "fluxtile-train-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~TrainConfigTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::string path = (folder_ / "train.yaml").string();
    std::ofstream(path) << text;
    return path;
  }
  Error failure(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
      read_train_config(write(text), overrides);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error for\n" << text;
    return Error(Code::internal, "none");
  }

  fs::path folder_;
};

const char* const whole = R"(fluxtile-train: 1
name: small
output: out
seed: 3
pretrain:
  data: {tables: [a.nc, b.nc]}
  split: {validation_years: [2015], test_years: [2016, 2017], test_blocks: 0.2}
  schedule: small
finetune:
  data: {towers: towers.yaml, folder: /data}
  by: site
  folds: [{test_years: [2016, 2017]}, {}]
  rate_factors: [0.5, 1]
evaluate: {arms: [pooled, regional], line: false}
run: {threads: 2}
)";

TEST_F(TrainConfigTest, ReadsEverySection) {
  const TrainConfig config = read_train_config(write(whole), {"seed=4"});
  EXPECT_EQ(config.name, "small");
  EXPECT_EQ(config.output, (folder_ / "out").string());
  EXPECT_EQ(config.seed, 4U);
  EXPECT_THAT(config.pretrain.data.tables,
              ElementsAre((folder_ / "a.nc").string(), (folder_ / "b.nc").string()));
  EXPECT_THAT(config.pretrain.split.test_years, ElementsAre(2016, 2017));
  EXPECT_EQ(config.pretrain.split.test_blocks, 0.2);
  EXPECT_EQ(config.pretrain.schedule, "small");
  ASSERT_TRUE(config.finetune.has_value());
  EXPECT_EQ(config.finetune->data.folder, "/data");
  EXPECT_TRUE(config.finetune->by_site);
  ASSERT_EQ(config.finetune->folds.size(), 2U);
  EXPECT_TRUE(config.finetune->folds[1].test_years.empty());
  EXPECT_THAT(config.finetune->rate_factors, ElementsAre(0.5, 1));
  EXPECT_THAT(config.evaluate.arms, ElementsAre(Arm::pooled, Arm::regional));
  EXPECT_FALSE(config.evaluate.line);
  EXPECT_EQ(config.threads, 2);
}

TEST_F(TrainConfigTest, MistakesNameKeyAndLine) {
  std::string text = whole;
  text.replace(text.find("schedule: small"), 15, "schedule: smal ");
  Error error = failure(text);
  EXPECT_EQ(error.key(), "pretrain.schedule");
  EXPECT_EQ(error.line(), 8);
  EXPECT_THAT(error.hint(), HasSubstr("small"));

  error = failure(whole, {"finetune.folds.0.validation_years=[2016]"});
  EXPECT_THAT(error.message(), HasSubstr("both validation and test"));
  error = failure(whole, {"finetune.folds.0.test_years=[2012, 2016]"});
  EXPECT_THAT(error.message(), HasSubstr("contiguous"));
  error = failure(whole, {"pretrain.data.towers=t.yaml"});
  EXPECT_THAT(error.expected(), HasSubstr("either `tables`"));
  error = failure(whole, {"pretrain.package=models/global"});
  EXPECT_THAT(error.message(), HasSubstr("both a package and data"));
  error = failure(whole, {"finetune.rate_factor=2"});
  EXPECT_THAT(error.hint(), HasSubstr("rate_factors"));
  error = failure(whole, {"evaluate.arms=[regionel]"});
  EXPECT_THAT(error.hint(), HasSubstr("regional"));
  error = failure(whole, {"name=a/b"});
  EXPECT_EQ(error.key(), "name");
}

TEST_F(TrainConfigTest, ShippedConfigurationsAreRead) {
  const fs::path configs = fs::path(FLUXTILE_SOURCE_DIR) / "configs";
  for (const char* name : {"midwest.yaml", "mead-ne.yaml", "mead-ne-evaluation.yaml"})
    EXPECT_NO_THROW(read_train_config((configs / "train" / name).string(), {})) << name;
  EXPECT_NO_THROW(read_study_config((configs / "study" / "ftbsc.yaml").string(), {}));
}

TEST_F(TrainConfigTest, EveryKeyIsDocumented) {
  std::ifstream file(FLUXTILE_SOURCE_DIR "/docs/train-configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const YamlKey& key : train_schema().keys()) {
    if (key.path.back() == '*') continue;
    const std::string last = key.path.substr(key.path.rfind('.') + 1);
    EXPECT_THAT(text, HasSubstr("`" + last)) << key.path;
  }
}

TEST(PackageName, IsAPlainFileName) {
  EXPECT_EQ(package_name("Iowa"), "iowa");
  EXPECT_EQ(package_name("US-Ne1"), "us-ne1");
  EXPECT_EQ(package_name("../New York"), "___new_york");
}

}  // namespace
}  // namespace fluxtile
