// SPDX-License-Identifier: Apache-2.0
#include "model/training/stage_losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/training/training.h"
#include "synthetic_site_years.h"

namespace fluxtile {
namespace {

TEST(StageLosses, MonthlyLabelsMeetTheCalendarMonthsOfTheirYear) {
  constexpr size_t days = SiteYears::days, february = 1;
  SiteYears table = test::crop_fields(3, 1, 2);
  const Roles roles(2, Role::train);
  const Package package = untrained_package("kgml-ag-c", table, roles, 1);
  table.years = {2003, 2004};
  const std::vector<float> nee = table.daily.at("NEE");
  table.daily.clear();
  table.annual.clear();
  for (size_t year = 0; year < 2; ++year) {
    const std::vector<int>& begin = SiteYears::month_begin(table.years[year]);
    for (size_t month = 0; month < SiteYears::months; ++month) {
      double sum = 0;
      for (int day = begin[month]; day < begin[month + 1]; ++day)
        sum += double{nee[year * days + static_cast<size_t>(day)]};
      table.monthly["NEE"].push_back(static_cast<float>(sum / (begin[month + 1] - begin[month])));
    }
  }
  Stage stage;
  stage.objective = Objective::towers;
  stage.mass_balance = 0;
  const SiteYearTensors data(package, table, "cpu");
  const StageLosses losses(stage, data, true);
  const auto loss_of = [&](const std::vector<float>& predicted) {
    at::Tensor z = at::zeros({2, static_cast<int64_t>(days), 3});
    for (size_t i = 0; i < predicted.size(); ++i)
      z[static_cast<int64_t>(i / days)][static_cast<int64_t>(i % days)][2] =
          (double{predicted[i]} - data.scalers.nee.mean) / data.scalers.nee.std;
    return losses.site(z, {0, 1}, {true, true}, true).terms.at("towers");
  };
  EXPECT_NEAR(loss_of(nee), 0, 1e-9);
  // 29 February 2004 is the 60th day: it belongs to February, of 29 days, and to no other month.
  std::vector<float> moved = nee;
  moved[days + 59] += 29;
  EXPECT_NEAR(loss_of(moved), 1.0 / 24, 1e-5);
  ASSERT_EQ(SiteYears::month_begin(2004)[february + 1], 60);
}

}  // namespace
}  // namespace fluxtile
