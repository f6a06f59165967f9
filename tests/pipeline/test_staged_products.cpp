// SPDX-License-Identifier: Apache-2.0
#include "pipeline/staged_products.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class StagedProductsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "fluxtile-staged-XXXXXX").string();
    ASSERT_NE(nullptr, mkdtemp(pattern.data()));
    out_ = pattern;
  }
  void TearDown() override { fs::remove_all(out_); }
  void write(const std::string& name, const std::string& text) const {
    write_atomically(out_ + "/" + name, text);
  }
  static void stage(const StagedProducts& staged, const std::vector<std::string>& names) {
    for (const auto& name : names) write_atomically(staged.folder() + "/" + name, "new " + name);
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(out_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string out_;
};

TEST_F(StagedProductsTest, OldProductsStayUntilTheNewOnesTakeTheirPlaces) {
  write("a.tif", "old");
  StagedProducts staged(out_);
  stage(staged, {"a.tif", "run.json"});
  EXPECT_EQ(read_file(out_ + "/a.tif"), "old");
  EXPECT_THAT(staged.take_their_places({"a.tif"}, {}), ElementsAre());
  EXPECT_EQ(read_file(out_ + "/a.tif"), "new a.tif");
  EXPECT_EQ(read_file(out_ + "/run.json"), "new run.json");
  EXPECT_FALSE(replacement_interrupted(out_));
}

TEST_F(StagedProductsTest, NothingIsLeftOfAFailedRun) {
  write("a.tif", "old");
  { stage(StagedProducts(out_), {"a.tif", "b.tif"}); }
  EXPECT_THAT(names(), ElementsAre("a.tif"));
}

TEST_F(StagedProductsTest, FormerProductsGoButNothingElse) {
  for (const char* name : {"a.tif", "b.tif", "notes.txt"}) write(name, "old");
  StagedProducts staged(out_);
  stage(staged, {"a.tif", "run.json"});
  EXPECT_THAT(staged.take_their_places({"a.tif"}, {"a.tif", "b.tif", "gone.tif", "run.json"}),
              ElementsAre("b.tif"));
  EXPECT_TRUE(fs::exists(out_ + "/notes.txt"));
  EXPECT_TRUE(fs::exists(out_ + "/run.json"));
}

TEST_F(StagedProductsTest, WhatAnInterruptedReplacementLeftGoesLater) {
  write("a.tif", "old");
  {
    StagedProducts staged(out_);
    stage(staged, {"a.tif", "b.tif"});  // without run.json it cannot end
    EXPECT_THROW(staged.take_their_places({"a.tif", "b.tif"}, {"a.tif"}), Error);
  }
  EXPECT_TRUE(replacement_interrupted(out_));
  EXPECT_TRUE(fs::exists(out_ + "/b.tif"));
  StagedProducts staged(out_);
  stage(staged, {"a.tif", "run.json"});
  EXPECT_THAT(staged.take_their_places({"a.tif"}, {"a.tif"}), ElementsAre("b.tif"));
  EXPECT_FALSE(replacement_interrupted(out_));
}

TEST_F(StagedProductsTest, ANoteNeverLeadsOutOfTheFolder) {
  fs::create_directory(out_ + "/inside");
  write("victim", "stay");
  write("inside/.fluxtile/replacing-products.json",
        R"(["../victim", "..", ".fluxtile", "", "run.json", 3])");
  StagedProducts first(out_ + "/inside");
  stage(first, {"run.json"});
  EXPECT_THAT(first.take_their_places({}, {}), ElementsAre());
  write("inside/.fluxtile/replacing-products.json",
        R"(["../victim", "..", ".fluxtile", "", "run.json"])");
  StagedProducts second(out_ + "/inside");
  stage(second, {"run.json"});
  EXPECT_THAT(second.take_their_places({}, {"../victim"}), ElementsAre());
  EXPECT_EQ(read_file(out_ + "/victim"), "stay");
  EXPECT_TRUE(fs::exists(out_ + "/inside/run.json"));
}

TEST_F(StagedProductsTest, ErrorsNameThePlaceAProductIsMeantFor) {
  const StagedProducts staged(out_);
  EXPECT_EQ(staged.at_its_place(Error(Code::io, "x").file(staged.folder() + "/a.tif")).file(),
            out_ + "/a.tif");
  EXPECT_EQ(staged.at_its_place(Error(Code::io, "x").file("/in/a.tif")).file(), "/in/a.tif");
}

}  // namespace
}  // namespace fluxtile
