// SPDX-License-Identifier: Apache-2.0
#include "stages/assemble.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace fluxtile {
namespace {

const float kNone = std::nanf("");

/// Three cells over two climate cells, one static, 8-day composites from 100 days before the year
/// to 100 days after it.
struct Draft {
  std::shared_ptr<Sources> sources = std::make_shared<Sources>();
  Assemble::Options options;
  TileStatics tile;
  GppBlock gpp;
  std::shared_ptr<ClimateBlock> climate = std::make_shared<ClimateBlock>();
  std::shared_ptr<SparseWeights> weights = std::make_shared<SparseWeights>();
  YearStep step{2018, false, 365, true};
  std::vector<Member> members = {{"global", 0, -1, 1.0}};
  Package package;
  std::string chain;

  Draft() {
    options.run_first_year = 2018;
    options.start = {2018, 1, 1};
    tile.cells = {{10, 3}, {11, 3}, {74, 3}};
    tile.static_names = {"TBKDS"};
    tile.statics = {1, 2, 3};
    tile.crops = {{2018, false, {1, 5, 1}, {}}};
    for (int first = -104; first < 465; first += 8) {
      int end = first + 8;
      if (first < 0 && end > 0) end = 0;
      if (first < 365 && end > 365) end = 365;
      gpp.spans.push_back({first, end});
      for (int cell = 0; cell < 3; ++cell)
        gpp.values.push_back(static_cast<float>(first) * 0.01F + static_cast<float>(cell) + 3);
    }
    climate->days = 365;
    climate->cells = 2;
    climate->variables = {"RADN", "TMAX_AIR"};
    for (int d = 0; d < 365; ++d)
      for (const float value : {10.0F, -1.0F, 20.0F, 1.0F})
        climate->values.push_back(value + 0.001F * static_cast<float>(d));
    *weights = {{0, 1, 3, 4}, {0, 0, 1, 1}, {1, 0.5F, 0.5F, 1}};
    PackageInput year;
    year.name = "Year";
    year.min = 2000;
    year.max = 2015;
    package.inputs = {year};
  }
  [[nodiscard]] AssembledYear run() const {
    const Assemble assemble(sources, options);
    return assemble(tile, gpp, {climate, weights}, step, members, package, chain);
  }
  float& gpp_at(size_t span, size_t cell) { return gpp.values[span * 3 + cell]; }
  /// First and last composite of a stretch of days without values in one cell.
  void gap(size_t cell, int first, int last) {
    for (size_t k = 0; k < gpp.spans.size(); ++k)
      if (gpp.spans[k].first >= first && gpp.spans[k].end <= last + 1) gpp_at(k, cell) = kNone;
  }
};

TEST(Assemble, PassesOnWhatTheStagesRead) {
  const Draft draft;
  const AssembledYear year = draft.run();
  EXPECT_EQ(year.inputs->days, 365U);
  // Lanes of batches come from the lattice alone: 39 a row.
  EXPECT_EQ(year.inputs->position, (std::vector<int32_t>{10 + 117, 11 + 117, 74 + 117}));
  EXPECT_EQ(year.inputs->month[0], 0);
  EXPECT_EQ(year.inputs->month[31], 1);
  EXPECT_EQ(year.inputs->month[364], 11);
  EXPECT_EQ(year.members[0].cell, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(year.members[0].crop, (std::vector<float>{1, 5, 1}));
  EXPECT_EQ(year.weights[0], (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(year.month_chains.size(), 12U);
  EXPECT_EQ(year.month_chains.back(), year.chain);
  for (const auto flag : year.inputs->flags) EXPECT_EQ(flag, 0);
}

TEST(Assemble, YearRules) {
  Draft draft;
  EXPECT_EQ(draft.run().inputs->year_feature, 2015);
  draft.options.year_rule = "as-is";
  EXPECT_EQ(draft.run().inputs->year_feature, 2018);
  draft.options.year_rule = "2007";
  EXPECT_EQ(draft.run().inputs->year_feature, 2007);
  draft.options.year_rule = "clamp";
  draft.package.inputs[0].max.reset();
  EXPECT_EQ(draft.run().inputs->year_feature, 2018);
}

TEST(Assemble, CellsThatCannotRunAreNoMembersAndFlagged) {
  Draft draft;
  draft.gap(0, 100, 180);
  draft.weights->offset = {0, 1, 1, 2};  // the second cell has no climate
  draft.weights->index = {0, 1};
  draft.weights->weight = {1, 1};
  const AssembledYear year = draft.run();
  EXPECT_EQ(year.too_long_gaps, 1);
  EXPECT_EQ(year.without_climate, 1);
  EXPECT_EQ(year.members[0].cell, (std::vector<int32_t>{2}));
  EXPECT_EQ(year.weights[0], (std::vector<float>{0, 0, 1}));
  for (size_t m = 0; m < 12; ++m) {
    EXPECT_EQ(year.inputs->flags[m * 3], not_modelled);
    EXPECT_EQ(year.inputs->flags[m * 3 + 1], not_modelled);
    EXPECT_EQ(year.inputs->flags[m * 3 + 2], 0);
  }
}

TEST(Assemble, ACellWithoutCropThisYearDoesNotRun) {
  Draft draft;
  draft.tile.crops[0].type[1] = kNone;
  const AssembledYear year = draft.run();
  EXPECT_EQ(year.members[0].cell, (std::vector<int32_t>{0, 2}));
  EXPECT_EQ(year.weights[0][1], 0);
}

TEST(Assemble, FractionModeRunsAMemberACropTypeAndWeighsByShare) {
  Draft draft;
  draft.options.crop_types = {1, 5};
  draft.members = {{"a", 0, 1, 0.5}, {"a", 0, 5, 0.5}, {"b", 1, 1, 0.5}, {"b", 1, 5, 0.5}};
  draft.tile.crops = {{2018, false, {}, {0.25F, 0, 1, 0.5F, 0.75F, 0}}};
  const AssembledYear year = draft.run();
  EXPECT_EQ(year.members[0].cell, (std::vector<int32_t>{0, 2}));
  EXPECT_EQ(year.members[0].crop, (std::vector<float>{1, 1}));
  EXPECT_EQ(year.members[1].cell, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(year.members[3].crop, (std::vector<float>{5, 5}));
  EXPECT_EQ(year.weights[0], (std::vector<float>{0.125F, 0, 0.5F}));
  EXPECT_EQ(year.weights[3], (std::vector<float>{0.25F, 0.375F, 0}));
  for (size_t m = 0; m < 4; ++m) EXPECT_EQ(year.members[m].member, m);
}

TEST(Assemble, FrostIsTheInterpolatedTmax) {
  Draft draft;
  draft.sources->gpp.dormant_zero = true;
  for (size_t cell = 0; cell < 3; ++cell) draft.gap(cell, 0, 31);
  const AssembledYear year = draft.run();
  EXPECT_EQ(year.inputs->flags[0], gap_filled_gpp | dormant_zero);
  // Half of -1 and half of 1: 0 on the first day, above it later; never below.
  EXPECT_EQ(year.inputs->flags[1], gap_filled_gpp);
  EXPECT_EQ(year.inputs->flags[2], gap_filled_gpp);
}

TEST(Assemble, FlagsOfIncompleteAndSubstitutedYears) {
  Draft draft;
  draft.step.days = 320;  // to 16 November
  draft.step.complete = false;
  draft.climate->days = 320;
  AssembledYear year = draft.run();
  EXPECT_EQ(year.inputs->flags[0], 0);
  EXPECT_EQ(year.inputs->flags[8 * 3], 0);
  EXPECT_EQ(year.inputs->flags[9 * 3], provisional);  // the residue pulse of day 298
  EXPECT_EQ(year.inputs->flags[10 * 3], provisional | incomplete_period);
  draft.step.days = 298;  // the pulse is not reached
  year = draft.run();
  EXPECT_EQ(year.inputs->flags[9 * 3], incomplete_period);
  draft.step.days = 100;
  draft.tile.crops[0].substituted = true;
  year = draft.run();
  EXPECT_EQ(year.inputs->flags[0], crop_year_substituted);
  EXPECT_EQ(year.inputs->flags[3 * 3], crop_year_substituted | incomplete_period);
}

TEST(Assemble, APeriodThatStartsLaterReadsFromJanuary) {
  Draft draft;
  draft.options.start = {2018, 4, 11};
  AssembledYear year = draft.run();
  EXPECT_EQ(year.inputs->first_result_day, 100U);
  EXPECT_EQ(year.inputs->days, 365U);
  EXPECT_EQ(year.inputs->flags[3 * 3], incomplete_period);
  EXPECT_EQ(year.inputs->flags[4 * 3], 0);
  draft.step.spinup = true;
  EXPECT_EQ(draft.run().inputs->first_result_day, 0U);
}

// ---------------------------------------------------------------------------------- digest chain

/// The first month whose chain differs; 12 = none.
size_t first_difference(const AssembledYear& a, const AssembledYear& b) {
  for (size_t m = 0; m < 12; ++m)
    if (a.month_chains[m] != b.month_chains[m]) {
      for (size_t k = m; k < 12; ++k) EXPECT_NE(a.month_chains[k], b.month_chains[k]);
      return m;
    }
  return 12;
}

TEST(Chain, IsTheSameForTheSameInputs) {
  EXPECT_EQ(first_difference(Draft().run(), Draft().run()), 12U);
}

TEST(Chain, ChangesFromTheMonthOfAChangedClimateValueOn) {
  const AssembledYear before = Draft().run();
  for (const size_t day : {0, 58, 59, 200, 364}) {
    Draft draft;
    draft.climate->values[day * 4 + 3] += 0.5F;
    EXPECT_EQ(first_difference(before, draft.run()), before.inputs->month[day]) << day;
  }
}

TEST(Chain, ChangesFromTheMonthOfAChangedCompositeOn) {
  const AssembledYear before = Draft().run();
  for (const bool linear : {false, true}) {
    Draft base;
    base.sources->gpp.linear = linear;
    const AssembledYear first = base.run();
    for (size_t k = 14; k < 58; k += 3) {
      Draft draft;
      draft.sources->gpp.linear = linear;
      draft.gpp_at(k, 1) += 0.5F;
      const auto& span = draft.gpp.spans[k];
      // A line towards it begins behind the middle of the composite before.
      const int day = linear ? std::max(0, span.first - 4) : span.first;
      if (day < 0 || day >= 365) continue;
      EXPECT_EQ(first_difference(first, draft.run()), first.inputs->month[static_cast<size_t>(day)])
          << span.first;
    }
  }
  EXPECT_EQ(first_difference(before, Draft().run()), 12U);
}

TEST(Chain, CompositesThatTheYearDoesNotUseDoNotCount) {
  const AssembledYear before = Draft().run();
  Draft draft;
  draft.gpp_at(0, 0) += 1;
  draft.gpp.values.back() += 1;
  EXPECT_EQ(first_difference(before, draft.run()), 12U);
}

TEST(Chain, AnEndOfABridgeCountsFromWhereTheBridgeBegins) {
  Draft base;
  base.gap(2, 136, 159);  // from 17 May to 9 June
  const AssembledYear before = base.run();
  Draft draft;
  draft.gap(2, 136, 159);
  EXPECT_EQ(first_difference(before, draft.run()), 12U);
  for (size_t k = 0; k < draft.gpp.spans.size(); ++k)
    if (draft.gpp.spans[k].first >= 160) {
      draft.gpp_at(k, 2) += 1;  // the value the bridge leads to
      break;
    }
  const size_t month = first_difference(before, draft.run());
  EXPECT_EQ(month, 4U);
  EXPECT_NE(Draft().run().chain, before.chain);
}

TEST(Chain, EverythingThatStandsForTheWholeYearChangesItFromJanuaryOn) {
  const AssembledYear before = Draft().run();
  const auto changed = [&](const std::function<void(Draft&)>& change) {
    Draft draft;
    change(draft);
    return first_difference(before, draft.run());
  };
  EXPECT_EQ(changed([](Draft& d) { d.tile.statics[1] += 1; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.tile.crops[0].type[0] = 5; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.tile.crops[0].type[0] = kNone; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.tile.crops[0].substituted = true; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.tile.cells[0].column = 9; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.weights->weight[1] = 0.25F; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.members[0].weight = 0.5; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.options.year_rule = "as-is"; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.options.start = {2018, 2, 1}; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.chain = "another year before"; }), 0U);
  EXPECT_EQ(changed([](Draft& d) { d.gap(0, 200, 260); }), 0U);  // not modelled this year
}

TEST(Chain, DaysThatArriveLaterLeaveTheMonthsBeforeAlone) {
  Draft shorter;
  shorter.step.days = 120;
  shorter.step.complete = false;
  const AssembledYear a = shorter.run(), b = Draft().run();
  ASSERT_EQ(a.month_chains.size(), 4U);
  for (size_t m = 0; m < 4; ++m) EXPECT_EQ(a.month_chains[m], b.month_chains[m]) << m;
  EXPECT_NE(a.chain, b.chain);
}

TEST(Chain, AHeldEndThatBecomesRealIsAChangeEvenIfTheValueIsTheSame) {
  const auto with_record = [](int end) {
    Draft draft;
    draft.gpp.ends_record = true;
    while (draft.gpp.spans.back().end > end) draft.gpp.spans.pop_back();
    draft.gpp.values.assign(draft.gpp.spans.size() * 3, 4.0F);
    return draft.run();
  };
  const AssembledYear before = with_record(300), after = with_record(340);
  EXPECT_NE(before.chain, after.chain);
  EXPECT_EQ(first_difference(before, after), 9U);
}

}  // namespace
}  // namespace fluxtile
