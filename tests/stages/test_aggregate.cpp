// SPDX-License-Identifier: Apache-2.0
#include "stages/aggregate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr size_t kRa = 0, kRh = 1, kNee = 2, kGpp = 3, kYield = 0;

/// Two cells; the value of a variable in month m is base + m, doubled in the second cell.
TileYearMember member(float base, std::vector<float> weight) {
  TileYearMember m;
  m.weight = std::move(weight);
  const size_t n = m.weight.size();
  for (size_t v = 0; v < 4; ++v)
    for (size_t month = 0; month < 12; ++month)
      for (size_t i = 0; i < n; ++i)
        m.result.monthly.push_back(
            (base + 100 * static_cast<float>(v) + static_cast<float>(month)) *
            static_cast<float>(i + 1));
  for (size_t v = 0; v < 2; ++v)
    for (size_t i = 0; i < n; ++i)
      m.result.annual.push_back(base * static_cast<float>(v + 1) * static_cast<float>(i + 1));
  m.result.flags.assign(12 * n, 0);
  return m;
}

TileYear year_of(std::vector<TileYearMember> members) {
  TileYear year;
  year.step = {2018, false, 365, true};
  year.variables = {"ra", "rh", "nee", "gpp"};
  year.annual_variables = {"yield", "residue"};
  for (size_t i = 0; i < members.front().weight.size(); ++i)
    year.cells.push_back({static_cast<int64_t>(i), 0});
  year.month_days.assign(12, 30);
  year.members = std::move(members);
  return year;
}

double stored(size_t variable, size_t month, float base = 1) {
  return base + 100 * static_cast<double>(variable) + static_cast<double>(month);
}

TEST(Aggregate, OneMemberGoesThroughUnchangedWhateverItsWeight) {
  const TileYear year = year_of({member(1, {1, 0.25F})});
  const CellYear ra = Aggregate()(year, "ra");
  EXPECT_EQ(ra.share, (std::vector<double>{1, 0.25}));
  for (size_t m = 0; m < 12; ++m) {
    EXPECT_EQ(ra.sums[2 * m], stored(kRa, m));
    EXPECT_EQ(ra.sums[2 * m + 1], 2 * stored(kRa, m));
  }
  EXPECT_EQ(ra.annual[0], 12 * 1 + 66);
}

TEST(Aggregate, MembersMixByWeightOverThoseThatRan) {
  const TileYear year =
      year_of({member(1, {0.5F, 0.25F, 0}), member(3, {0.25F, 0, 0}), member(9, {0.25F, 0, 0})});
  const CellYear rh = Aggregate()(year, "rh");
  const double mixed =
      0.5 * stored(kRh, 4, 1) + 0.25 * stored(kRh, 4, 3) + 0.25 * stored(kRh, 4, 9);
  EXPECT_NEAR(rh.sums[4 * 3], mixed, 1e-12);
  EXPECT_EQ(rh.sums[4 * 3 + 1], 2 * stored(kRh, 4, 1));  // the only one that ran there
  EXPECT_TRUE(std::isnan(rh.sums[4 * 3 + 2]));
  EXPECT_TRUE(std::isnan(rh.annual[2]));
  EXPECT_EQ(rh.share, (std::vector<double>{1, 0.25, 0}));
}

TEST(Aggregate, DerivedVariablesFollowTheirFormulas) {
  const TileYear year = year_of({member(1, {1, 1})});
  const auto sum = [&](const std::string& name) { return Aggregate()(year, name).sums[7 * 2]; };
  const double ra = stored(kRa, 7), rh = stored(kRh, 7), nee = stored(kNee, 7),
               gpp = stored(kGpp, 7);
  EXPECT_EQ(sum("reco"), ra + rh);
  EXPECT_EQ(sum("npp"), gpp - ra);
  EXPECT_EQ(sum("nee_balance"), ra + rh - gpp);
  EXPECT_EQ(sum("closure"), nee - (ra + rh - gpp));
}

TEST(Aggregate, AnnualVariablesHaveNoMonths) {
  const TileYear year = year_of({member(2, {1, 1})});
  const CellYear yield = Aggregate()(year, "yield");
  EXPECT_TRUE(yield.sums.empty());
  EXPECT_EQ(yield.annual, (std::vector<double>{2, 4}));
  EXPECT_EQ(Aggregate()(year, "residue").annual, (std::vector<double>{4, 8}));
  const CellYear dsoc = Aggregate()(year, "dsoc");
  double nee = 0;
  for (size_t m = 0; m < 12; ++m) nee += stored(kNee, m, 2);
  EXPECT_TRUE(dsoc.sums.empty());
  EXPECT_DOUBLE_EQ(dsoc.annual[0], -nee - 2);
  static_assert(kYield == 0, "yield is the first annual variable");
}

TEST(Aggregate, MonthsWithoutDaysDoNotCount) {
  TileYear year = year_of({member(1, {1, 1})});
  for (size_t m = 0; m < 12; ++m) year.month_days[m] = m >= 3 && m < 8 ? 30 : 0;
  for (auto& value : year.members[0].result.monthly) value = std::isnan(value) ? 0 : value;
  const CellYear ra = Aggregate()(year, "ra");
  double sum = 0;
  for (size_t m = 3; m < 8; ++m) sum += stored(kRa, m);
  EXPECT_EQ(ra.annual[0], sum);
  const auto flags = Aggregate().flags(year);
  EXPECT_EQ(flags[2 * 2], not_modelled);
  EXPECT_EQ(flags[3 * 2], 0);
  EXPECT_EQ(flags[8 * 2], not_modelled);
}

TEST(Aggregate, FlagsAreOredOverMembersThatRan) {
  TileYear year = year_of({member(1, {0.5F, 1, 0}), member(2, {0.5F, 0, 0})});
  year.members[0].result.flags[3 * 3] = gap_filled_gpp;
  year.members[1].result.flags[3 * 3] = negative_respiration;
  year.members[1].result.flags[3 * 3 + 1] = not_modelled;
  const auto flags = Aggregate().flags(year);
  EXPECT_EQ(flags[3 * 3], gap_filled_gpp | negative_respiration);
  EXPECT_EQ(flags[3 * 3 + 1], 0);
  EXPECT_EQ(flags[3 * 3 + 2], not_modelled);
}

TEST(Aggregate, DailyValuesMixAndDerive) {
  TileYear year = year_of({member(1, {0.5F}), member(1, {0.5F})});
  year.step.days = 2;
  for (size_t m = 0; m < 2; ++m) {
    auto& daily = year.members[m].result.daily;
    for (size_t v = 0; v < 4; ++v)
      for (size_t d = 0; d < 2; ++d) daily.push_back(static_cast<float>(10 * v + d + 100 * m));
  }
  EXPECT_EQ(Aggregate().daily(year, "rh", 1), (std::vector<double>{61}));
  EXPECT_EQ(Aggregate().daily(year, "reco", 1), (std::vector<double>{51 + 61}));
}

TEST(Aggregate, KnowsWhatCanBeGiven) {
  const std::vector<std::string> variables = {"ra", "rh", "gpp"}, annual = {"yield"};
  EXPECT_TRUE(can_give(variables, annual, "reco"));
  EXPECT_TRUE(can_give(variables, annual, "nee_balance"));
  EXPECT_TRUE(can_give(variables, annual, "yield"));
  EXPECT_FALSE(can_give(variables, annual, "nee"));
  EXPECT_FALSE(can_give(variables, annual, "closure"));
  EXPECT_FALSE(can_give(variables, annual, "dsoc"));
  EXPECT_FALSE(can_give(variables, annual, "soil"));
  const TileYear year = year_of({member(1, {1, 1})});
  EXPECT_THROW(Aggregate()(year, "soil"), Error);
  EXPECT_TRUE(annual_only("dsoc"));
  EXPECT_FALSE(annual_only("nee"));
}

}  // namespace
}  // namespace fluxtile
