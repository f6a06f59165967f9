// SPDX-License-Identifier: Apache-2.0
#include "pipeline/products.h"

#include <gtest/gtest.h>

namespace fluxtile {
namespace {

std::vector<std::string> names(const std::vector<Layer>& layers) {
  std::vector<std::string> found;
  for (const auto& layer : layers)
    found.push_back(layer.name + " " + to_string(layer.period) + (layer.geotiff ? " tif" : "") +
                    (layer.netcdf ? " nc" : ""));
  return found;
}

TEST(Products, OneLayerForEveryVariablePeriodAndStatistic) {
  Config config;
  config.products = {{{"ra", "nee"}, Period::annual, Statistic::sum, true, false},
                     {{"nee"}, Period::monthly, Statistic::mean, false, true},
                     {{"nee"}, Period::annual, Statistic::sum, false, true}};
  EXPECT_EQ(names(product_layers(config)),
            (std::vector<std::string>{"ra annual tif", "nee annual tif nc", "nee monthly nc"}));
}

TEST(Products, TwoStatisticsOfOneVariableAndPeriodGetASuffix) {
  Config config;
  config.products = {{{"ra", "nee"}, Period::annual, Statistic::sum, true, false},
                     {{"nee"}, Period::annual, Statistic::mean, true, false},
                     {{"nee"}, Period::monthly, Statistic::mean, true, false}};
  EXPECT_EQ(names(product_layers(config)),
            (std::vector<std::string>{"ra annual tif", "nee_sum annual tif", "nee_mean annual tif",
                                      "nee monthly tif"}));
}

TEST(Products, UnitsSayRateOrSum) {
  const auto unit = [](Period period, Statistic statistic) {
    return describe("ra", "ra", period, statistic).geotiff_unit;
  };
  EXPECT_EQ(unit(Period::annual, Statistic::sum), "gC m-2");
  EXPECT_EQ(unit(Period::monthly, Statistic::mean), "gC m-2 d-1");
  EXPECT_EQ(unit(Period::daily, Statistic::mean), "gC m-2 d-1");
  const ProductVariable sum = describe("nee", "nee_sum", Period::annual, Statistic::sum);
  EXPECT_EQ(sum.name, "nee_sum");
  EXPECT_EQ(sum.netcdf_unit, "g m-2");
  EXPECT_EQ(sum.cell_methods, "time: sum");
  EXPECT_NE(sum.long_name.find("carbon"), std::string::npos);
  EXPECT_NE(sum.comment.find("negative is uptake"), std::string::npos);
  EXPECT_EQ(describe("nee", "nee", Period::monthly, Statistic::mean).netcdf_unit, "g m-2 d-1");
  for (const char* name : {"ra", "rh", "reco", "nee", "gpp", "npp", "nee_balance", "closure",
                           "yield", "residue", "dsoc"})
    EXPECT_FALSE(describe(name, name, Period::annual, Statistic::sum).long_name.empty()) << name;
  EXPECT_THROW((void)describe("soil", "soil", Period::annual, Statistic::sum), Error);
}

TEST(Products, DivergingMapsAreTheSignedOnes) {
  for (const char* name : {"nee", "nee_balance", "closure", "dsoc"})
    EXPECT_TRUE(is_diverging(name));
  for (const char* name : {"ra", "reco", "gpp", "yield"}) EXPECT_FALSE(is_diverging(name));
}

Plan period(Date start, Date end) {
  Plan plan;
  plan.start = start;
  plan.end = end;
  return plan;
}

TEST(Products, AWholeYearOrMonthIsPlain) {
  const Plan plan = period({2018, 1, 1}, {2019, 12, 31});
  EXPECT_EQ(annual_step(plan, 2018).description, "2018");
  EXPECT_EQ(annual_step(plan, 2018).end, (Date{2019, 1, 1}));
  EXPECT_EQ(monthly_step(plan, 2018, 12).description, "2018-12");
  EXPECT_EQ(monthly_step(plan, 2018, 12).end, (Date{2019, 1, 1}));
  EXPECT_EQ(monthly_step(plan, 2018, 2).end, (Date{2018, 3, 1}));
}

TEST(Products, AnIncompleteYearOrMonthSaysHowFarItGoes) {
  const Plan plan = period({2018, 1, 1}, {2019, 8, 15});
  const ProductStep year = annual_step(plan, 2019);
  EXPECT_EQ(year.description, "2019 (to 2019-08-15)");
  EXPECT_EQ(year.first, (Date{2019, 1, 1}));
  EXPECT_EQ(year.end, (Date{2019, 8, 16}));
  EXPECT_EQ(monthly_step(plan, 2019, 8).description, "2019-08 (to 2019-08-15)");
  EXPECT_EQ(monthly_step(plan, 2019, 7).description, "2019-07");
  EXPECT_TRUE(month_in_results(plan, 2019, 8));
  EXPECT_FALSE(month_in_results(plan, 2019, 9));
}

TEST(Products, ALaterStartIsSaidToo) {
  const Plan plan = period({2018, 3, 10}, {2018, 12, 31});
  EXPECT_EQ(annual_step(plan, 2018).first, (Date{2018, 3, 10}));
  EXPECT_EQ(annual_step(plan, 2018).description, "2018 (from 2018-03-10)");
  EXPECT_FALSE(month_in_results(plan, 2018, 2));
  EXPECT_TRUE(month_in_results(plan, 2018, 3));
  EXPECT_EQ(monthly_step(plan, 2018, 4).description, "2018-04");
  EXPECT_EQ(first_result_day(plan.start, 2018), 68);
  EXPECT_EQ(first_result_day(plan.start, 2019), 0);
}

}  // namespace
}  // namespace fluxtile
