// SPDX-License-Identifier: Apache-2.0
#include "stages/coming_reads.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "drawn_inputs.h"

namespace fluxtile {
namespace {

using Passes = ComingReads::Passes;

/// Units of 32 x 32 cells in a row, over a raster of the same cells that begins at their corner.
class ComingReadsTest : public StageTest {
 protected:
  ComingReadsTest() {
    YearStep year;
    year.year = 2018;
    YearStep spinup = year;
    spinup.spinup = true;
    YearStep next = year;
    next.year = 2019;
    steps_ = {spinup, year, next};
    grid_.crs = Crs::from_user_input("EPSG:5070");
    grid_.width = 32 * 300;
    grid_.height = 40;
    const double placed[6] = {0, 10, 0, 0, 0, -10};
    std::copy(placed, placed + 6, grid_.geotransform);
    for (int64_t k = 0; k < 300; ++k) {
      TileUnit unit;
      unit.window = {32 * k, 0, 32, 32};
      units_.push_back(unit);
    }
  }
  static std::shared_ptr<const LaterReads> after(ComingReads& coming, const TileUnit& unit,
                                                 const ComingReads::Stand& now,
                                                 const Passes& passes, const SourceGrid& grid) {
    return coming.after(unit, now, passes, grid, Operation(), Resampling::bilinear);
  }
  /// Columns of the first cells that are read, in the order in which they are.
  std::vector<int64_t> columns(ComingReads& coming, size_t unit, const ComingReads::Stand& now,
                               const Passes& passes) const {
    const auto later = after(coming, units_[unit], now, passes, grid_);
    std::vector<int64_t> found;
    int64_t when = later->earliest;
    for (const auto& read : later->reads) {
      EXPECT_GE(read.when, when);
      when = read.when;
      found.push_back((read.window.column + 1) / 32);
    }
    return found;
  }

  std::vector<YearStep> steps_;
  SourceGrid grid_;
  std::vector<TileUnit> units_;
};

TEST_F(ComingReadsTest, WindowsHoldAllThatAUnitReads) {
  ComingReads coming(metres(), steps_);
  coming.expect({units_[0], units_[5]});
  for (const Resampling method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area}) {
    const auto later = coming.after(units_[0], {}, {}, grid_, Operation(), method);
    ASSERT_EQ(later->reads.size(), 1U);
    std::vector<CellIndex> cells;
    for (int64_t i = 0; i < 32 * 32; ++i) cells.push_back({32 * 5 + i % 32, i / 32});
    const SourceWindow all =
        make_weights(metres(), cells, grid_, Transform(Operation()), method).window;
    const SourceWindow common = all.intersection(later->reads[0].window);
    EXPECT_EQ(common.cells(), all.cells()) << to_string(method);
    EXPECT_LE(later->reads[0].window.cells(), (all.cells() * 5) / 4) << "and little more";
  }
}

TEST_F(ComingReadsTest, UnitsLeaveTheListAsTheyRead) {
  ComingReads coming(metres(), steps_);
  coming.expect({units_[0], units_[1], units_[2]});
  EXPECT_EQ(columns(coming, 0, {}, {}), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(columns(coming, 2, {}, {}), (std::vector<int64_t>{0, 1})) << "also those before it";
  EXPECT_EQ(columns(coming, 0, {ComingReads::statics, true}, {}), (std::vector<int64_t>{0, 1, 2}));
  { const ComingReads::Reading reading(&coming, units_[1], ComingReads::statics); }
  EXPECT_EQ(columns(coming, 0, {}, {}), (std::vector<int64_t>{2}));
  const Passes year{coming.pass_of(steps_[1]), coming.pass_of(steps_[1])};
  EXPECT_EQ(columns(coming, 0, {year.first, false}, year), (std::vector<int64_t>{1, 2}));
  coming.ended(units_[0]);
  coming.ended(units_[1]);
  const auto later = after(coming, units_[2], {}, {}, grid_);
  EXPECT_TRUE(later->reads.empty());
}

TEST_F(ComingReadsTest, ACompositeAtTheTurnOfAYearIsReadForBoth) {
  ComingReads coming(metres(), steps_);
  coming.expect({units_[0], units_[1]});
  EXPECT_EQ(coming.pass_of(steps_[0]), 1U);
  EXPECT_EQ(coming.pass_of(steps_[2]), 3U);
  const Passes both{2, 3};
  EXPECT_EQ(columns(coming, 0, {2, false}, both), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(columns(coming, 0, {3, false}, both), (std::vector<int64_t>{1}));
  { const ComingReads::Reading reading(&coming, units_[1], 2); }
  EXPECT_EQ(columns(coming, 0, {3, false}, both), (std::vector<int64_t>{1})) << "it has one to go";
  { const ComingReads::Reading reading(&coming, units_[1], 3); }
  EXPECT_TRUE(columns(coming, 0, {3, false}, both).empty());
}

TEST_F(ComingReadsTest, WhatComesMuchLaterIsNotForeseen) {
  ComingReads coming(metres(), steps_);
  coming.expect(units_);
  EXPECT_EQ(columns(coming, 0, {}, {}).size(), 256U);
  EXPECT_EQ(columns(coming, 299, {}, {}).size(), 299U);
}

TEST_F(ComingReadsTest, WhatCannotBeForeseenFailsNobody) {
  ComingReads coming(metres(), steps_);
  coming.expect({units_[0], units_[1]});
  SourceGrid strange = grid_;
  strange.x_axis = {5};  // which cells lie there?
  strange.y_axis = {5, 15};
  EXPECT_THROW(
      make_weights(metres(), {{0, 0}}, strange, Transform(Operation()), Resampling::bilinear),
      Error);
  const auto later = after(coming, units_[0], {}, {}, strange);
  ASSERT_NE(later, nullptr);
  EXPECT_TRUE(later->reads.empty());
}

TEST_F(ComingReadsTest, OfUnitsThatWereNotExpectedNothingIsKnown) {
  ComingReads coming(metres(), steps_);
  EXPECT_EQ(after(coming, units_[0], {}, {}, grid_), nullptr);
  coming.expect({units_[0]});
  EXPECT_EQ(after(coming, units_[1], {}, {}, grid_), nullptr);
  TileUnit elsewhere = units_[0];
  elsewhere.region = 1;
  EXPECT_EQ(after(coming, elsewhere, {}, {}, grid_), nullptr);
  coming.ended(units_[1]);
  const int64_t first = after(coming, units_[0], {}, {}, grid_)->earliest;
  coming.expect({units_[0], units_[1]});
  EXPECT_GT(after(coming, units_[0], {}, {}, grid_)->earliest, first)
      << "a later run comes after an earlier one";
}

}  // namespace
}  // namespace fluxtile
