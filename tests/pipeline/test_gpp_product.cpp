// SPDX-License-Identifier: Apache-2.0
#include "pipeline/gpp_product.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "pipeline/report.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Package package_of(const std::string& source, const std::string& training) {
  Package package;
  package.name = "global";
  PackageInput gpp;
  gpp.name = "GPP";
  gpp.source = source;
  package.inputs = {gpp};
  package.training = training;
  return package;
}

Config config_with(const std::string& source) {
  Config config;
  config.gpp.source = source;
  return config;
}

std::string means_text(double corn, double soybean) {
  nlohmann::json training;
  for (int month = 0; month < 12; ++month) {
    training["gpp_monthly_means"]["corn"].push_back(corn + month);
    training["gpp_monthly_means"]["soybean"].push_back(soybean + month);
  }
  return training.dump();
}

TEST(GppProduct, ReadsTheMeansOfTraining) {
  const auto means = trained_gpp(package_of("SLOPE", means_text(2, 1)));
  ASSERT_EQ(means.size(), 2U);
  EXPECT_EQ(means.at("corn")[11], 13);
  EXPECT_EQ(means.at("soybean")[0], 1);
  EXPECT_THAT(trained_gpp(package_of("", "")), IsEmpty());
  EXPECT_THAT(trained_gpp(package_of("", R"({"gpp_monthly_means": {"corn": [1, 2]}})")), IsEmpty());
}

TEST(GppProduct, TellsOneProductFromAnother) {
  const std::string none, means = means_text(2, 1);
  EXPECT_TRUE(other_gpp_product(config_with("MOD17A2H"), package_of("SLOPE", none)));
  EXPECT_FALSE(other_gpp_product(config_with(" slope"), package_of("SLOPE", none)));
  EXPECT_FALSE(other_gpp_product(config_with("SLOPE"), package_of("SLOPE", means)));
  EXPECT_FALSE(other_gpp_product(config_with(""), package_of("SLOPE", none)));
  EXPECT_FALSE(other_gpp_product(config_with("SLOPE"), package_of("", none)));
  EXPECT_TRUE(other_gpp_product(config_with(""), package_of("SLOPE", means)));
  EXPECT_TRUE(other_gpp_product(config_with("SLOPE"), package_of("", means)));
}

class GppProductRun : public SmallRun {
 protected:
  GppProductRun() {
    for (const auto& entry : std::filesystem::directory_iterator(world("models"))) {
      const std::string directory = entry.path().string();
      Package package = *load_package(directory);
      auto training = nlohmann::json::parse(package.training);
      training.update(nlohmann::json::parse(means_text(3, 2)));
      package.training = training.dump();
      for (auto& input : package.inputs) {
        if (input.name == "GPP") input.source = "SLOPE";
      }
      save_package(package, directory);
    }
  }
};

TEST_F(GppProductRun, PlanWarnsOfAnotherProduct) {
  const auto warnings = [&](const std::string& source) {
    return plan({"inputs.gpp.source=" + source}).plan.warnings;
  };
  EXPECT_THAT(warnings("MOD17A2H"), Contains(AllOf(HasSubstr("`MOD17A2H`"), HasSubstr("`SLOPE`"),
                                                   HasSubstr("monthly means"))));
  EXPECT_THAT(warnings("SLOPE"), Not(Contains(HasSubstr("SLOPE"))));
  EXPECT_THAT(plan().plan.warnings,
              Contains(AllOf(HasSubstr("`synthetic`"), HasSubstr("`SLOPE`"))));
}

TEST_F(GppProductRun, TheReportPutsMonthlyMeansSideBySide) {
  Run run = open({"inputs.gpp.source=MOD17A2H",
                  "outputs.products=[{variables: [gpp], period: monthly, statistic: sum, "
                  "format: netcdf}]"});
  const RunTally tally = tiles(run);
  Progress progress(ProgressMode::off);
  const MergeCheck check = check_tiles(run.stages, *run.ledger);
  const Merged merged = merge_products(run.stages, *run.ledger, run.config, check, progress);
  ASSERT_EQ(merged.gpp_months.size(), run.plan().regions.size());
  // The same means as in the summary of a product that asks for GPP.
  size_t compared = 0;
  for (const auto& row : merged.summary) {
    if (row.variable != "gpp") continue;
    const auto month = static_cast<size_t>(row.first.month - 1);
    const double mean = row.mean() / days_in_month(row.first.year, row.first.month);
    EXPECT_NEAR(merged.gpp_months.at(row.region)[month], mean, 1e-9 * (1 + mean)) << row.period;
    EXPECT_TRUE(month != 6 || mean > 2) << mean;
    ++compared;
  }
  EXPECT_EQ(compared, 12 * run.plan().regions.size());
  const auto comparisons =
      compare_gpp(run.config, run.plan(), run.stages.packages, merged.gpp_months);
  ASSERT_EQ(comparisons.size(), run.plan().regions.size());
  const auto lines = gpp_comparison_lines(comparisons.front());
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_THAT(lines[2], AllOf(HasSubstr("training, corn"), HasSubstr("   3.00   4.00")));
  EXPECT_THAT(lines[5], AllOf(HasSubstr("SLOPE"), HasSubstr("MOD17A2H")));
  write_report(run.stages, run.config, check, merged, tally, 1);
  const std::string page = read(out("report.html"));
  EXPECT_THAT(page, HasSubstr("<h2 id=\"gpp\">"));
  EXPECT_THAT(page, HasSubstr("training, soybean"));
  EXPECT_THAT(page, HasSubstr("this run maps with MOD17A2H"));
}

TEST_F(GppProductRun, TheSameProductNeedsNoTable) {
  Run run = open({"inputs.gpp.source=SLOPE"});
  tiles(run);
  Progress progress(ProgressMode::off);
  const MergeCheck check = check_tiles(run.stages, *run.ledger);
  const Merged merged = merge_products(run.stages, *run.ledger, run.config, check, progress);
  EXPECT_THAT(merged.gpp_months, IsEmpty());
}

}  // namespace
}  // namespace fluxtile
