// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "pipeline/product_replacement.h"
#include "pipeline/verify.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class RunRecordTest : public SmallRun {
 protected:
  RunRecordTest() : run_(open()) {
    check_ = check_tiles(run_.stages, *run_.ledger);
    write(out("test_North_nee_annual.tif"), "pretend this is a raster");
    write(out("test_North_annual.nc"), "pretend this is a NetCDF file");
    write(out("test_summary.csv"), "region,nee\n");
    merged_.files = {"test_North_annual.nc", "test_North_nee_annual.tif", "test_summary.csv"};
    record_ = write_run_record(run_.stages, run_.config, check_, merged_, RunTally(),
                               product_key(run_.plan(), run_.config, check_), 1.5);
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    return verify_products(out().string()).problems;
  }

  Run run_;
  MergeCheck check_;
  Merged merged_;
  RunRecord record_;
};

TEST_F(RunRecordTest, ListsTheProductsAndIsReadBack) {
  const auto back = read_run_record(out().string());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->product_key, record_.product_key);
  ASSERT_EQ(back->products.size(), 3U);
  EXPECT_EQ(back->products[1].name, "test_North_nee_annual.tif");
  EXPECT_EQ(back->products[1].size, 24U);
  EXPECT_EQ(back->products[1].sha256.size(), 64U);
  ASSERT_EQ(back->results.size(), 3U);
  EXPECT_EQ(back->results.at("North"), check_.region_results[1]);
  EXPECT_TRUE(products_present(*back, out().string()));
  const std::string text = read(out("run.json"));
  EXPECT_THAT(text, HasSubstr("model trained on synthetic data"));
}

TEST_F(RunRecordTest, ARecordThatListsFilesElsewhereIsNone) {
  const std::string good = read(out("run.json"));
  for (const char* name : {"../world/run.yaml", "/etc/passwd", "..", "a\\u0000b", ""}) {
    write(out("run.json"), good);
    replace(out("run.json"), "\"test_summary.csv\"", "\"" + std::string(name) + "\"");
    EXPECT_FALSE(read_run_record(out().string())) << name;
  }
  for (const char* text : {"", "[]", "{}", "{\"products\": 3}", "{\"products\": [3]}",
                           "{\"name\": 1, \"products\": [], \"regions\": []}"}) {
    write(out("run.json"), text);
    EXPECT_FALSE(read_run_record(out().string())) << text;
  }
}

TEST_F(RunRecordTest, VerifyIsContentWithAWholeRun) { EXPECT_THAT(problems(), ElementsAre()); }

TEST_F(RunRecordTest, VerifyFindsWhatIsMissing) {
  fs::remove(out("test_summary.csv"));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("test_summary.csv is missing")));
  EXPECT_FALSE(products_present(record_, out().string()));
}

TEST_F(RunRecordTest, VerifyFindsWhatWasChanged) {
  write(out("test_summary.csv"), "region,nee\nx,1\n");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("15 bytes")));
  write(out("test_summary.csv"), "region,ner\n");  // as long as before
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("SHA-256")));
}

TEST_F(RunRecordTest, VerifyFindsWhatDoesNotBelong) {
  write(out("test_North_ra_annual.tif"), "of another run");
  write(out("notes.txt"), "people may keep notes");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("test_North_ra_annual.tif does not belong")));
  fs::remove(out("test_North_ra_annual.tif"));
  write(out("other.nc"), "of another run");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("other.nc does not belong")));
}

TEST_F(RunRecordTest, VerifyFindsWhatIsNoFile) {
  fs::remove(out("test_summary.csv"));
  fs::create_symlink("nowhere", out("test_summary.csv"));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("test_summary.csv is a link to a file")));
  fs::remove(out("test_summary.csv"));
  fs::create_directory(out("test_summary.csv"));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("test_summary.csv is not a file")));
}

TEST_F(RunRecordTest, VerifyFindsStylesAndPicturesThatDoNotBelong) {
  write(out("test_North_ra_annual.qml"), "of another run");
  write(out("test_East.stac.json"), "{}");
  write(out("mine.qml"), "people may keep styles");
  write(out("mine.png"), "and pictures");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("test_East.stac.json does not belong"),
                                      HasSubstr("test_North_ra_annual.qml does not belong")));
}

TEST_F(RunRecordTest, VerifyAsksTheProductsWhoseTheyAre) {
  const auto item = [&](const std::string& result) {
    return "{\"properties\": {\"fluxtile:result\": \"" + result + "\"}}";
  };
  write(out("test_North.stac.json"), item(check_.region_results[1]));
  merged_.files.push_back("test_North.stac.json");
  write_run_record(run_.stages, run_.config, check_, merged_, RunTally(), record_.product_key, 1);
  EXPECT_THAT(problems(), ElementsAre());
  write(out("test_North.stac.json"), item("of another run"));
  const Verification other = verify_products(out().string());
  EXPECT_EQ(other.of_another_run, 1U);
  EXPECT_THAT(other.problems,
              ElementsAre(AllOf(HasSubstr("test_North.stac.json is of another run"),
                                HasSubstr("run.json says " + check_.region_results[1])),
                          HasSubstr("products of two runs are mixed: 1 of 4")));
  // Of the right region but with other bytes: not mixed, damaged.
  write(out("test_North.stac.json"), item(check_.region_results[1]) + " ");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("FLUXTILE_RESULT agrees")));
}

TEST_F(RunRecordTest, ProductsKnowTheResultOfTheirRegion) {
  const auto back = read_run_record(out().string());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->plan, run_.plan().id);
  EXPECT_EQ(back->products[0].result, check_.region_results[1]);
  EXPECT_EQ(back->products[1].result, check_.region_results[1]);
  EXPECT_EQ(back->products[2].result, "") << "the summary is of all regions";
}

TEST_F(RunRecordTest, VerifyTellsOfAReplacementThatWasInterrupted) {
  write(out(".fluxtile/replacement.json"), "{\"products\": [\"test_summary.csv\"]}");
  const Verification found = verify_products(out().string());
  EXPECT_TRUE(found.interrupted);
  EXPECT_FALSE(found.owner);
  EXPECT_THAT(found.problems, ElementsAre(HasSubstr("begun and not ended")));
  const RunLock held(lock_folder(out().string()), "merge", std::chrono::milliseconds(0),
                     RunLock::Times());
  const Verification now = verify_products(out().string());
  ASSERT_TRUE(now.owner);
  EXPECT_THAT(now.owner->text(), HasSubstr("`merge` of"));
}

TEST_F(RunRecordTest, VerifyBelievesNoPathOutOfTheFolder) {
  std::string text = read(out("run.json"));
  const std::string name = "\"test_summary.csv\"";
  text.replace(text.find(name), name.size(), "\"../run.yaml\"");
  write(out("run.json"), text);
  EXPECT_THAT(problems(), Contains(HasSubstr("no name of a product")));
}

TEST_F(RunRecordTest, VerifyWantsProducts) {
  write(out("run.json"), "{\"products\": [], \"regions\": []}");
  EXPECT_THAT(problems(), Contains(HasSubstr("lists no products")));
}

TEST_F(RunRecordTest, ACopiedProductIsTheSameOne) {
  EXPECT_TRUE(products_present(record_, out().string()));
  const std::string text = read(out("test_summary.csv"));
  fs::remove(out("test_summary.csv"));
  write(out("test_summary.csv"), text);  // another time, the same bytes
  EXPECT_TRUE(products_present(record_, out().string()));
  write(out("test_summary.csv"), "region,ner\n");
  EXPECT_FALSE(products_present(record_, out().string())) << "as long as before, but other bytes";
}

TEST_F(RunRecordTest, AFolderInPlaceOfTheRecordIsRefused) {
  fs::remove(out("run.json"));
  fs::create_directory(out("run.json"));
  EXPECT_THROW((void)read_run_record(out().string()), Error);
  EXPECT_THROW(require_own_folder(run_.config), Error);
  fs::remove(out("run.json"));
  fs::create_symlink("nowhere", out("run.json"));
  EXPECT_FALSE(read_run_record(out().string()));
  EXPECT_NO_THROW(require_own_folder(run_.config));
}

TEST_F(RunRecordTest, VerifyFindsLeftovers) {
  write(out(".test_North_nee_annual.tif.node-17-0.part"), "half of it");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("leftover")));
}

TEST_F(RunRecordTest, WithoutARecordThereIsNothingToVerify) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[1]"), std::string("{\"products\": 3}"),
        std::string("{\"products\": [{\"file\": \"x\"}], \"regions\": []}")}) {
    write(out("run.json"), text);
    EXPECT_FALSE(read_run_record(out().string())) << text;
    EXPECT_THROW((void)problems(), Error) << text;
  }
  fs::remove(out("run.json"));
  EXPECT_FALSE(read_run_record(out().string()));
  EXPECT_THROW((void)problems(), Error);
}

TEST_F(RunRecordTest, TheKeyFollowsWhatDecidesTheProducts) {
  const auto key = [&](const std::vector<std::string>& set) {
    std::vector<std::string> all = {"grid.tile=16"};
    all.insert(all.end(), set.begin(), set.end());
    const Config other = config(all);
    return product_key(run_.plan(), other, check_);
  };
  const std::string same = key({});
  EXPECT_EQ(same, record_.product_key);
  EXPECT_EQ(key({"run.threads=1"}), same);
  EXPECT_EQ(key({"run.memory=3GB"}), same);
  EXPECT_NE(key({"name=other"}), same);
  EXPECT_NE(key({"outputs.products=[{variables: [nee], period: annual, statistic: sum, format: "
                 "netcdf}]"}),
            same);
  MergeCheck other = check_;
  other.region_results[0] += "x";
  EXPECT_NE(product_key(run_.plan(), run_.config, other), same);
  other = check_;
  other.failed.push_back({"North", "c0_r0_8x8", "infer", "cause", "", 2018, 1});
  EXPECT_NE(product_key(run_.plan(), run_.config, other), same);
}

TEST_F(RunRecordTest, AFolderBelongsToOneRun) {
  EXPECT_NO_THROW(require_own_folder(run_.config));
  const Error error = [&] {
    try {
      require_own_folder(config({"name=another"}));
    } catch (const Error& e) {
      return e;
    }
    return Error(Code::internal, "not refused");
  }();
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_EQ(error.key(), "outputs.directory");
}

}  // namespace
}  // namespace fluxtile
