// SPDX-License-Identifier: Apache-2.0
#include "pipeline/region_year.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geo/product_writer.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

class RegionYearTest : public SmallRun {
 protected:
  /// All rows of the first region, read in strips of `rows`.
  template <typename Read>
  static auto whole(const Run& run, int64_t rows, Read read) {
    RegionYear year(run.stages, *run.ledger, 0, 1);
    const CellWindow window = run.plan().regions[0].window;
    decltype(read(year)) all;
    for (int64_t row = 0; row < window.height; row += rows) {
      const int64_t here = std::min(rows, window.height - row);
      year.move_to(row, here);
      const auto strip = read(year);
      EXPECT_EQ(strip.size(), static_cast<size_t>(here * window.width));
      all.insert(all.end(), strip.begin(), strip.end());
    }
    return all;
  }
  /// Place of a cell in the first region's window.
  static size_t place(const Run& run, const CellIndex& cell) {
    const CellWindow w = run.plan().regions[0].window;
    return static_cast<size_t>((cell.row - w.row) * w.width + cell.column - w.column);
  }
};

TEST_F(RegionYearTest, PutsTileYearsTogether) {
  Run run = open();
  tiles(run);
  const auto reco =
      whole(run, 1000, [](const RegionYear& year) { return year.values("reco", -1, 0); });
  const auto july =
      whole(run, 1000, [](const RegionYear& year) { return year.values("nee", 6, 31); });
  const auto quality = whole(run, 1000, [](const RegionYear& year) { return year.quality(-1); });
  const auto shares = whole(run, 1000, [](const RegionYear& year) { return year.shares(); });
  size_t seen = 0;
  for (const auto& unit : run.plan().units) {
    if (unit.region != 0) continue;
    const TileYear year = *run.ledger->valid_tile_year(unit, 1);
    const CellYear annual = Aggregate()(year, "reco"), monthly = Aggregate()(year, "nee");
    for (size_t i = 0; i < year.cells.size(); ++i) {
      const size_t at = place(run, year.cells[i]);
      if (annual.share[i] == 0) continue;
      ++seen;
      EXPECT_EQ(reco[at], static_cast<float>(annual.annual[i]));
      EXPECT_EQ(july[at], static_cast<float>(monthly.sums[6 * year.cells.size() + i] / 31));
      EXPECT_EQ(shares[at], 1);
      EXPECT_NE(quality[at], kQualityNodata);
    }
  }
  EXPECT_GT(seen, 10U);
  size_t valued = 0;
  for (size_t k = 0; k < reco.size(); ++k) {
    valued += reco[k] != kNodata ? 1 : 0;
    EXPECT_EQ(reco[k] == kNodata, shares[k] == 0);
    EXPECT_EQ(reco[k] == kNodata, quality[k] == kQualityNodata);
    EXPECT_TRUE(std::isfinite(reco[k]));
  }
  EXPECT_EQ(valued, seen);
}

TEST_F(RegionYearTest, StripsOfAnyHeightAreTheSame) {
  Run run = open();
  tiles(run);
  const auto read = [](const RegionYear& year) { return year.values("ra", 4, 0); };
  const auto flags = [](const RegionYear& year) { return year.quality(4); };
  for (const int64_t rows : {1, 3, 8, 100}) {
    EXPECT_EQ(whole(run, rows, read), whole(run, 1000, read)) << rows;
    EXPECT_EQ(whole(run, rows, flags), whole(run, 1000, flags)) << rows;
  }
}

TEST_F(RegionYearTest, CellsOfAFailedTileAreNodataAndMarked) {
  Run run = open();
  tiles(run);
  const TileUnit lost = run.plan().units.front();
  ASSERT_EQ(lost.region, 0U);
  const TileYear year = *run.ledger->valid_tile_year(lost, 1);
  ASSERT_FALSE(year.cells.empty());
  run.ledger->forget_all({lost});
  const auto values = whole(run, 3, [](const RegionYear& y) { return y.values("gpp", -1, 0); });
  const auto quality = whole(run, 3, [](const RegionYear& y) { return y.quality(6); });
  for (const auto& cell : year.cells) {
    EXPECT_EQ(values[place(run, cell)], kNodata);
    EXPECT_EQ(quality[place(run, cell)], failed_tile);
  }
  // Every cell of the tile inside the region is marked, and none outside it.
  EXPECT_EQ(std::count(quality.begin(), quality.end(), failed_tile), lost.cells);
}

TEST_F(RegionYearTest, MonthsCountTheDaysOfTheResults) {
  Run run = open({"period.start=2018-03-10", "period.end=2018-11-20"});
  tiles(run);
  const RegionYear year(run.stages, *run.ledger, 0, 1);
  EXPECT_EQ(year.month_days(1), 0);
  EXPECT_EQ(year.month_days(2), 22);
  EXPECT_EQ(year.month_days(3), 30);
  EXPECT_EQ(year.month_days(10), 20);
  EXPECT_EQ(year.month_days(11), 0);
}

TEST_F(RegionYearTest, DailyValuesAddUpToTheirMonth) {
  Run run = open({"outputs.products=[{variables: [nee], period: daily, format: netcdf}]"});
  ASSERT_TRUE(run.plan().daily);
  tiles(run);
  const auto april = whole(run, 5, [](const RegionYear& y) { return y.values("nee", 3, 0); });
  std::vector<double> sum(april.size(), 0.0);
  for (int day = 90; day < 120; ++day) {
    const auto values = whole(run, 5, [&](const RegionYear& y) { return y.daily("nee", day); });
    for (size_t k = 0; k < sum.size(); ++k) {
      EXPECT_EQ(values[k] == kNodata, april[k] == kNodata);
      sum[k] += static_cast<double>(values[k]);
    }
  }
  for (size_t k = 0; k < sum.size(); ++k)
    EXPECT_NEAR(april[k] == kNodata ? 0 : sum[k] - april[k], 0, 1e-3);
}

}  // namespace
}  // namespace fluxtile
