// SPDX-License-Identifier: Apache-2.0
#include "stages/gap_filling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "geo/calendar.h"
#include "geo/time_axis.h"
#include "model/feature_expander.h"
#include "stages/ingest_gpp.h"
#include "tests/stages/gap_reference.h"

namespace fluxtile {
namespace {

const float kNone = std::nanf("");
bool never(int32_t, int) { return false; }

std::vector<uint8_t> months_of(int year, int days) {
  std::vector<uint8_t> month;
  for (int d = 0; d < days; ++d)
    month.push_back(static_cast<uint8_t>(from_day_of_year(year, d).month - 1));
  return month;
}

/// Composites of 8 days from 1 January of 2018 on, cut at the new year, one value each.
struct OneCell {
  GppBlock block;
  int days = 365, run_first = 0;
  GapRules rules;
  std::function<bool(int32_t, int)> frozen = never;

  /// `first`: of the first composite, days from 1 January.
  explicit OneCell(const std::vector<float>& values, int first = 0, bool starts = true,
                   bool ends = true) {
    for (size_t k = 0; k < values.size(); ++k) {
      const auto begin = first + 8 * static_cast<int32_t>(k);
      block.spans.push_back({begin, begin + 8});
    }
    block.values = values;
    block.starts_record = starts;
    block.ends_record = ends;
  }
  [[nodiscard]] FilledGpp fill() const {
    return fill_gaps(block, 1, days, months_of(2018, days), run_first, rules, frozen);
  }
  /// Daily values as a network would see them.
  [[nodiscard]] std::vector<float> daily() const {
    const FilledGpp filled = fill();
    YearInputs inputs;
    inputs.year = 2018;
    inputs.days = static_cast<size_t>(days);
    inputs.month = months_of(2018, days);
    inputs.cells = 1;
    inputs.position = {0};
    inputs.gpp = filled.series;
    inputs.flags = filled.flags;
    std::vector<float> values;
    expand_features(inputs, 0, 1, {"GPP"}, values);
    return values;
  }
};

/// `count` composites, those from `first` to `last` without a value.
std::vector<float> with_hole(size_t count, size_t first, size_t last) {
  std::vector<float> values;
  for (size_t k = 0; k < count; ++k)
    values.push_back(k >= first && k <= last ? kNone : static_cast<float>(k));
  return values;
}

TEST(GapFilling, StepGivesEachDayItsComposite) {
  OneCell cell(with_hole(46, 99, 99));
  const auto daily = cell.daily();
  for (size_t d = 0; d < 365; ++d) EXPECT_EQ(daily[d], static_cast<float>(d / 8)) << d;
  for (const auto flag : cell.fill().flags) EXPECT_EQ(flag, 0);
}

TEST(GapFilling, LinearRunsThroughTheMiddles) {
  OneCell cell({8, 16, 0}, 0);
  cell.days = 24;
  cell.rules.linear = true;
  const auto daily = cell.daily();
  // Middles: day 3.5, 11.5, 19.5.
  EXPECT_EQ(daily[0], 8);
  EXPECT_EQ(daily[3], 8);
  EXPECT_FLOAT_EQ(daily[4], 8.5F);
  EXPECT_FLOAT_EQ(daily[11], 15.5F);
  EXPECT_FLOAT_EQ(daily[12], 15.0F);
  EXPECT_FLOAT_EQ(daily[19], 1.0F);
  EXPECT_EQ(daily[20], 0);
  EXPECT_EQ(daily[23], 0);
}

TEST(GapFilling, LinearTakesTheMiddleOfTheCutInterval) {
  OneCell cell({});
  cell.block.spans = {{352, 360}, {360, 365}, {365, 373}};
  cell.block.values = {1, 3, 8};
  cell.block.starts_record = false;
  cell.block.ends_record = false;
  cell.rules.linear = true;
  const FilledGpp filled = cell.fill();
  // 355.5 -> 1, 362 -> 3, 368.5 -> 8
  const auto at = [&](size_t d) {
    const auto& s = filled.series;
    return (1 - s.weight[d]) * s.values[static_cast<size_t>(s.before[d])] +
           s.weight[d] * s.values[static_cast<size_t>(s.after[d])];
  };
  EXPECT_FLOAT_EQ(at(362), 3);
  EXPECT_NEAR(at(360), 1 + 2 * 4.5 / 6.5, 1e-5);
  EXPECT_NEAR(at(364), 3 + 5 * 2 / 6.5, 1e-5);
}

TEST(GapFilling, AGapOfExactlyMaxGapIsBridged) {
  OneCell cell(with_hole(46, 10, 13));  // 32 days
  const auto daily = cell.daily();
  // From day 79 (9) to day 112 (14).
  for (size_t d = 80; d < 112; ++d)
    EXPECT_NEAR(daily[d], 9 + 5 * (static_cast<double>(d) - 79) / 33, 1e-5) << d;
  EXPECT_EQ(daily[79], 9);
  EXPECT_EQ(daily[112], 14);
  const auto flags = cell.fill().flags;
  EXPECT_EQ(flags[1], 0);               // February
  EXPECT_EQ(flags[2], gap_filled_gpp);  // from 22 March
  EXPECT_EQ(flags[3], gap_filled_gpp);  // to 22 April
  EXPECT_EQ(flags[4], 0);
}

TEST(GapFilling, OneDayMoreMakesTheYearNodata) {
  OneCell cell(with_hole(46, 10, 13));
  cell.rules.max_gap = 31;
  const FilledGpp filled = cell.fill();
  EXPECT_EQ(filled.too_long, 1);
  EXPECT_TRUE(filled.series.segments.empty());
  for (const auto flag : filled.flags) EXPECT_EQ(flag, not_modelled);
}

TEST(GapFilling, LinearCountsTheDaysBetweenTheMiddles) {
  OneCell cell(with_hole(46, 10, 12));
  cell.rules.linear = true;  // middles 75.5 and 107.5: days 76 to 107
  cell.rules.max_gap = 32;
  EXPECT_EQ(cell.fill().too_long, 0);
  EXPECT_NEAR(cell.daily()[76], 9 + 4 * 0.5 / 32, 1e-5);
  EXPECT_NEAR(cell.daily()[107], 13 - 4 * 0.5 / 32, 1e-5);
  cell.rules.max_gap = 31;
  EXPECT_EQ(cell.fill().too_long, 1);
}

TEST(GapFilling, TheStartOfTheRecordIsHeldBackwards) {
  OneCell cell(with_hole(42, 99, 99), 32);
  EXPECT_EQ(cell.daily()[0], 0);
  EXPECT_EQ(cell.fill().flags[0], gap_filled_gpp);
  EXPECT_EQ(cell.fill().flags[1] & gap_filled_gpp, 1);
  cell.rules.max_gap = 31;
  EXPECT_EQ(cell.fill().too_long, 1);
  cell.rules.max_gap = 32;
  cell.run_first = -1;  // a day earlier, the gap is one longer
  EXPECT_EQ(cell.fill().too_long, 1);
}

TEST(GapFilling, WaitingForCompositesIsHeldAndDoesNotCount) {
  OneCell cell(with_hole(20, 99, 99));  // the record ends on day 159, 9 June
  cell.days = 300;
  const auto daily = cell.daily();
  EXPECT_EQ(daily[160], 19);
  EXPECT_EQ(daily[299], 19);
  const auto flags = cell.fill().flags;
  EXPECT_EQ(flags[4], 0);
  EXPECT_EQ(flags[5], gap_filled_gpp | provisional);
  EXPECT_EQ(flags[9], gap_filled_gpp | provisional);
}

TEST(GapFilling, LastDaysOfALinearRecordAreProvisional) {
  OneCell cell(with_hole(46, 99, 99));
  cell.block.spans.back().end = 365;  // middle 362
  cell.rules.linear = true;
  EXPECT_EQ(cell.daily()[364], 45);
  EXPECT_EQ(cell.fill().flags[11], provisional);
  EXPECT_EQ(cell.fill().flags[10], 0);
  cell.rules.linear = false;
  EXPECT_EQ(cell.fill().flags[11], 0);
}

TEST(GapFilling, MissingAtTheEndOfTheRecordIsAGapThenWaits) {
  OneCell cell(with_hole(20, 18, 19));  // last value day 143, the record ends on day 159
  cell.days = 200;
  EXPECT_EQ(cell.daily()[199], 17);
  EXPECT_EQ(cell.fill().flags[5], gap_filled_gpp | provisional);
  EXPECT_EQ(cell.fill().flags[4], gap_filled_gpp | provisional);  // from 25 May on
  EXPECT_EQ(cell.fill().flags[3], 0);
  cell.rules.max_gap = 15;
  EXPECT_EQ(cell.fill().too_long, 1);
}

TEST(GapFilling, WithoutAnyValueTheYearIsNodata) {
  OneCell cell(with_hole(46, 0, 45));
  EXPECT_EQ(cell.fill().too_long, 1);
}

TEST(GapFilling, FrozenDaysOfAGapAreZeroAndSplitIt) {
  OneCell cell(with_hole(46, 2, 9));  // days 16 to 79, 64 of them
  cell.rules.dormant_zero = true;
  cell.frozen = [](int32_t, int d) { return d >= 20 && d < 60; };
  const auto daily = cell.daily();
  EXPECT_EQ(daily[15], 1);
  EXPECT_NEAR(daily[16], 0.8, 1e-6);  // from 1 on day 15 to 0 on day 20
  EXPECT_EQ(daily[20], 0);
  EXPECT_EQ(daily[59], 0);
  EXPECT_NEAR(daily[60], 10.0 / 21, 1e-6);  // from 0 on day 59 to 10 on day 80
  EXPECT_EQ(daily[80], 10);
  EXPECT_EQ(cell.fill().flags[0], gap_filled_gpp | dormant_zero);
  EXPECT_EQ(cell.fill().flags[2], gap_filled_gpp | dormant_zero);  // 1 March is day 59
  EXPECT_EQ(cell.fill().flags[3], 0);
  cell.frozen = [](int32_t, int d) { return d >= 20 && d < 47; };  // leaves 33 days
  EXPECT_EQ(cell.fill().too_long, 1);
  cell.rules.dormant_zero = false;
  cell.frozen = [](int32_t, int) { return true; };
  EXPECT_EQ(cell.fill().too_long, 1);
}

TEST(GapFilling, FrostOnDaysWithAValueChangesNothing) {
  OneCell cell(with_hole(46, 99, 99));
  cell.rules.dormant_zero = true;
  cell.frozen = [](int32_t, int) { return true; };
  EXPECT_EQ(cell.daily()[100], 12);
  EXPECT_TRUE(cell.fill().series.segments.empty());
}

TEST(GapFilling, AFrozenWinterBridgesMoreThanMaxGapAcrossTheNewYear) {
  // No composite from 80 days before the new year to 56 days after it.
  OneCell cell(with_hole(64, 0, 16), -80, false, false);
  cell.rules.dormant_zero = true;
  cell.frozen = [](int32_t, int d) { return d < 56 || d >= 310; };
  EXPECT_EQ(cell.fill().too_long, 0);
  EXPECT_EQ(cell.daily()[0], 0);
  EXPECT_EQ(cell.daily()[55], 0);
  EXPECT_EQ(cell.daily()[56], 17);
  cell.frozen = [](int32_t, int d) { return d >= 1 && d < 56; };  // 1 January hangs in the air
  EXPECT_EQ(cell.fill().too_long, 1);

  // The same at the other end: nothing from day 320 to 64 days after the year.
  OneCell end(with_hole(56, 40, 55), 0, false, false);
  end.rules.dormant_zero = true;
  end.frozen = [](int32_t, int d) { return d >= 320; };
  EXPECT_EQ(end.fill().too_long, 0);
  EXPECT_EQ(end.daily()[364], 0);
  end.frozen = [](int32_t, int d) { return d >= 320 && d < 364; };
  EXPECT_EQ(end.fill().too_long, 1);
}

// ------------------------------------------------------------------- against the plain reference

struct RandomRecord {
  std::shared_ptr<Sources> sources = std::make_shared<Sources>();
  std::vector<std::vector<double>> values;  ///< [composite][cell]
};

/// Composites from some day of 2016 to some day of 2019; some files are missing, and every cell has
/// gaps of its own, from single composites to whole seasons.
RandomRecord random_record(std::mt19937& random, size_t cells, const GapRules& rules,
                           Interval interval) {
  const auto uniform = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const int64_t from = to_days({2015, 12, 1}) + uniform(0, 200),
                to = to_days({2018, 12, 1}) + uniform(0, 400);
  std::vector<int64_t> starts;
  for (int year = 2015; year <= 2020; ++year) {
    const int64_t january = to_days({year, 1, 1});
    for (int d = 0; d < days_in_year(year);) {
      const int64_t start = january + d;
      const bool lost = uniform(0, 30) == 0;
      if (start >= from && start < to && !lost) starts.push_back(start);
      d += interval == Interval::days16  ? 16
           : interval == Interval::days8 ? 8
           : interval == Interval::day   ? 1
                                         : days_in_month(year, from_days(start).month);
    }
  }
  RandomRecord record;
  record.sources->gpp.max_gap = rules.max_gap;
  record.sources->gpp.linear = rules.linear;
  for (const auto& span : composite_spans(starts, interval)) {
    CompositeRef composite;
    composite.first = span.first;
    composite.end = span.end;
    record.sources->gpp.composites.push_back(composite);
  }
  const size_t count = starts.size();
  record.values.assign(count, std::vector<double>(cells));
  for (size_t i = 0; i < cells; ++i) {
    const int64_t holes = uniform(0, 8);
    for (size_t k = 0; k < count; ++k)
      record.values[k][i] = static_cast<double>(uniform(0, 1500)) / 100;
    for (int64_t h = 0; h < holes; ++h) {
      // Lengths around max_gap are the ones that decide; ends of the record get their share.
      const int64_t length = uniform(1, 2 * rules.max_gap + 12);
      const int64_t choice = uniform(0, 7);
      const int64_t first = choice == 0   ? starts.front()
                            : choice == 1 ? starts.back() + 16 - length
                            : choice == 2 ? to_days({2017, 1, 1}) - uniform(0, length)
                            : choice == 3 ? to_days({2018, 1, 1}) - uniform(0, length)
                                          : uniform(starts.front(), starts.back());
      for (size_t k = 0; k < count; ++k) {
        const auto& c = record.sources->gpp.composites[k];
        if (c.first >= first && c.first < first + length) record.values[k][i] = std::nan("");
      }
    }
  }
  return record;
}

GppBlock block_of(const RandomRecord& record, const IngestGpp& ingest, const YearStep& step,
                  size_t cells) {
  const auto [first, last] = ingest.composites_of(step);
  const auto& all = record.sources->gpp.composites;
  const int64_t start = to_days({step.year, 1, 1});
  GppBlock block;
  block.starts_record = first == 0;
  block.ends_record = last == all.size();
  for (size_t k = first; k < last; ++k) {
    block.spans.push_back(
        {static_cast<int32_t>(all[k].first - start), static_cast<int32_t>(all[k].end - start)});
    for (size_t i = 0; i < cells; ++i)
      block.values.push_back(static_cast<float>(record.values[k][i]));
  }
  return block;
}

/// The record around a year, for messages.
std::string drawn(const std::vector<ReferenceComposite>& composites, int64_t start) {
  std::string text = ", record ends on " + std::to_string(composites.back().end - start) + ":";
  for (const auto& c : composites) {
    if (c.end < start - 150 || c.first > start + 520) continue;
    text += " " + std::to_string(c.first - start) + (std::isnan(c.value) ? "x" : "");
  }
  return text;
}

class AgainstTheReference : public testing::TestWithParam<std::tuple<bool, int, Interval>> {};

TEST_P(AgainstTheReference, EveryDayOfEveryCell) {
  GapRules rules;
  Interval interval{};
  std::tie(rules.linear, rules.max_gap, interval) = GetParam();
  std::mt19937 random(static_cast<unsigned>(rules.max_gap) * 2 + (rules.linear ? 1 : 0) +
                      1000 * static_cast<unsigned>(interval));
  constexpr size_t cells = 120;
  int64_t modelled = 0, refused = 0;
  for (int trial = 0; trial < 3; ++trial) {
    const RandomRecord record = random_record(random, cells, rules, interval);
    const IngestGpp ingest(Lattice{}, record.sources, nullptr);
    const int run_first_year = 2016 + trial % 2;
    for (int year = run_first_year; year <= 2020; ++year) {
      const int whole = days_in_year(year);
      const int days = trial % 3 == 2 && year == 2019 ? 200 : whole;
      const YearStep step{year, false, days, days == whole};
      const int64_t start = to_days({year, 1, 1});
      const int run_first = static_cast<int>(to_days({run_first_year, 1, 1}) - start);
      const auto month = months_of(year, days);
      const FilledGpp filled = fill_gaps(block_of(record, ingest, step, cells), cells, days, month,
                                         run_first, rules, never);
      YearInputs inputs;
      inputs.year = year;
      inputs.days = static_cast<size_t>(days);
      inputs.month = month;
      inputs.cells = cells;
      inputs.position.assign(cells, 0);
      inputs.gpp = filled.series;
      inputs.flags = filled.flags;
      const FeatureExpander expander(inputs, {"GPP"});
      std::vector<float> daily(static_cast<size_t>(days));
      int64_t too_long = 0;
      for (size_t i = 0; i < cells; ++i) {
        std::vector<ReferenceComposite> composites;
        for (size_t k = 0; k < record.values.size(); ++k) {
          const auto& c = record.sources->gpp.composites[k];
          composites.push_back({c.first, c.end, record.values[k][i]});
        }
        const ReferenceYear expected = reference_year(
            composites, {rules.linear, rules.max_gap, start + run_first}, start, days);
        const bool runs = filled.flags[i] != not_modelled;
        ASSERT_EQ(runs, expected.modelled)
            << "year " << year << " cell " << i << " trial " << trial << drawn(composites, start);
        ++(runs ? modelled : refused);
        if (!runs) {
          ++too_long;
          for (size_t m = 0; m < 12; ++m) EXPECT_EQ(filled.flags[m * cells + i], not_modelled);
          continue;
        }
        std::vector<uint16_t> flags(12, 0);
        expander.expand(static_cast<int32_t>(i), 1, daily.data());
        for (size_t d = 0; d < daily.size(); ++d) {
          ASSERT_NEAR(daily[d], expected.values[d], 2e-5) << "year " << year << " day " << d;
          if (expected.filled[d]) flags[month[d]] |= gap_filled_gpp;
          if (expected.provisional[d]) flags[month[d]] |= provisional;
        }
        for (size_t m = 0; m < 12; ++m)
          ASSERT_EQ(filled.flags[m * cells + i], flags[m]) << "year " << year << " month " << m;
      }
      EXPECT_EQ(filled.too_long, too_long);
    }
  }
  // Neither answer may be the only one that was tried.
  EXPECT_GT(modelled, 50);
  EXPECT_GT(refused, 50);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, AgainstTheReference,
    testing::Combine(testing::Bool(), testing::Values(0, 7, 8, 16, 31, 32, 33, 100),
                     testing::Values(Interval::days8, Interval::days16, Interval::month)));
INSTANTIATE_TEST_SUITE_P(Daily, AgainstTheReference,
                         testing::Combine(testing::Bool(), testing::Values(8, 32),
                                          testing::Values(Interval::day)));

}  // namespace
}  // namespace fluxtile
