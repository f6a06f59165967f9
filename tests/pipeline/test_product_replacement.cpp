// SPDX-License-Identifier: Apache-2.0
#include "pipeline/product_replacement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ProductReplacementTest : public testing::Test {
 protected:
  ProductReplacementTest() {
    std::string name = (fs::path(testing::TempDir()) / "fluxtile-products-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    out_ = name;
    lock_ = std::make_unique<RunLock>(lock_folder(out_.string()), "merge",
                                      std::chrono::milliseconds(0), RunLock::Times());
  }
  ~ProductReplacementTest() override {
    lock_.reset();
    std::error_code ignored;
    fs::remove_all(out_, ignored);
  }
  void put(const std::string& name, const std::string& text) const {
    write_atomically((out_ / name).string(), text);
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file((out_ / name).string());
  }
  static void make(const ProductReplacement& replacement, const std::string& name,
                   const std::string& text) {
    write_atomically(replacement.directory() + "/" + name, text);
  }
  [[nodiscard]] std::vector<std::string> products() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(out_)) {
      if (entry.path().filename() != ".fluxtile") names.push_back(entry.path().filename());
    }
    return names;
  }

  fs::path out_;
  std::unique_ptr<RunLock> lock_;
};

TEST_F(ProductReplacementTest, NothingIsSeenBeforeTheEnd) {
  put("run_a.tif", "old");
  put("run.json", "old");
  {
    ProductReplacement replacement(out_.string(), "run", *lock_);
    make(replacement, "run_a.tif", "new");
    make(replacement, "run.json", "new");
    EXPECT_EQ(text("run_a.tif"), "old");
  }
  EXPECT_EQ(text("run_a.tif"), "old");
  EXPECT_EQ(text("run.json"), "old");
  EXPECT_FALSE(fs::exists(out_ / ".fluxtile/products")) << "what was not put in place is gone";
}

TEST_F(ProductReplacementTest, PutsNewOnesInPlaceAndRemovesFormerOnes) {
  put("run_a.tif", "old");
  put("run_former.tif", "old");
  put("mine.txt", "notes");
  put("run.json", "old");
  ProductReplacement replacement(out_.string(), "run", *lock_);
  make(replacement, "run_a.tif", "new");
  make(replacement, "run_b.nc", "new");
  make(replacement, "run.json", "new");
  replacement.commit({"run_a.tif", "run_b.nc"},
                     {"run_a.tif", "run_former.tif", "mine.txt", "../outside", ".fluxtile"});
  EXPECT_THAT(products(), UnorderedElementsAre("run_a.tif", "run_b.nc", "mine.txt", "run.json"));
  for (const char* name : {"run_a.tif", "run_b.nc", "run.json"}) EXPECT_EQ(text(name), "new");
  EXPECT_THAT(interrupted_replacement(out_.string()), IsEmpty());
  EXPECT_TRUE(fs::exists(out_ / ".fluxtile"));
}

TEST_F(ProductReplacementTest, OneThatWasInterruptedIsKnownAndMended) {
  put("run_a.tif", "old");
  put("run.json", "old");
  fs::create_directory(out_ / "run_c.nc");  // in the way of a rename
  {
    ProductReplacement replacement(out_.string(), "run", *lock_);
    for (const char* name : {"run_a.tif", "run_b.nc", "run_c.nc", "run.json"})
      make(replacement, name, "new");
    try {
      replacement.commit({"run_a.tif", "run_b.nc", "run_c.nc"}, {});
      FAIL() << "not told";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::io);
      EXPECT_THAT(error.file(), HasSubstr("run_c.nc"));
    }
  }
  EXPECT_EQ(text("run.json"), "old") << "it goes last";
  EXPECT_EQ(text("run_b.nc"), "new");
  EXPECT_THAT(interrupted_replacement(out_.string()),
              testing::IsSupersetOf({"run_a.tif", "run_b.nc"}));
  fs::remove(out_ / "run_c.nc");
  // The next one makes other products: what the interrupted one put there goes as well.
  ProductReplacement replacement(out_.string(), "run", *lock_);
  make(replacement, "run_a.tif", "newest");
  make(replacement, "run.json", "newest");
  replacement.commit({"run_a.tif"}, {});
  EXPECT_THAT(products(), UnorderedElementsAre("run.json", "run_a.tif"));
  EXPECT_THAT(interrupted_replacement(out_.string()), IsEmpty());
}

TEST_F(ProductReplacementTest, WithoutTheLockNothingIsPutInPlace) {
  put("run_a.tif", "old");
  ProductReplacement replacement(out_.string(), "run", *lock_);
  make(replacement, "run_a.tif", "new");
  make(replacement, "run.json", "new");
  write_atomically(lock_folder(out_.string()) + "/2", "of one who took it over");
  try {
    replacement.commit({"run_a.tif"}, {});
    FAIL() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
  }
  EXPECT_EQ(text("run_a.tif"), "old");
  EXPECT_THAT(interrupted_replacement(out_.string()), IsEmpty());
}

TEST_F(ProductReplacementTest, WhatAKilledMergeMadeIsSwept) {
  put(".fluxtile/products/node-17/run_a.tif", "half");
  const ProductReplacement replacement(out_.string(), "run", *lock_);
  EXPECT_FALSE(fs::exists(out_ / ".fluxtile/products/node-17"));
}

TEST_F(ProductReplacementTest, ANoteThatCannotBeReadStillTells) {
  put(".fluxtile/replacement.json", "{");
  EXPECT_THAT(interrupted_replacement(out_.string()), ElementsAre("run.json"));
  put(".fluxtile/replacement.json", "{\"products\": [\"run_a.tif\", 7, \"../b\", \".c\"]}");
  EXPECT_THAT(interrupted_replacement(out_.string()), ElementsAre("run.json", "run_a.tif"));
}

TEST(ProductName, IsAFileOfTheFolderItself) {
  EXPECT_TRUE(is_product_name("demo_IA_nee_annual.tif"));
  EXPECT_TRUE(is_product_name("a..b"));
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/b"),
        std::string("/etc/passwd"), std::string(".fluxtile"), std::string("a\0b", 3)})
    EXPECT_FALSE(is_product_name(name)) << name;
}

}  // namespace
}  // namespace fluxtile
