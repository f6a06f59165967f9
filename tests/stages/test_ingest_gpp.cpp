// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_gpp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/stop.h"
#include "tests/stages/drawn_inputs.h"

namespace fluxtile {
namespace {

class IngestGppTest : public StageTest {
 protected:
  IngestGppTest() { sources_->operations.push_back({}); }
  ~IngestGppTest() override { Stop::clear(); }

  /// A composite of one raster over the days [first, end).
  void composite(int64_t first, int64_t end, const DrawnRaster& raster) {
    CompositeRef composite;
    composite.layer.path =
        draw("gpp" + std::to_string(sources_->gpp.composites.size()) + ".tif", raster);
    composite.first = first;
    composite.end = end;
    sources_->gpp.composites.push_back(composite);
  }
  void flat(int64_t first, int64_t end, double value) {
    composite(first, end, {4, 4, std::vector<double>(16, value)});
  }
  [[nodiscard]] IngestGpp ingest() const {
    return IngestGpp(metres(), sources_, std::make_shared<LayerReader>());
  }
  [[nodiscard]] GppBlock read(std::vector<CellIndex> cells, int year = 2018) const {
    return ingest()(tile_of(std::move(cells)), {year, false, days_in_year(year), true});
  }

  std::shared_ptr<Sources> sources_ = std::make_shared<Sources>();
};

TEST_F(IngestGppTest, SpansCountFromTheNewYear) {
  flat(day(2017, 12, 27), day(2018, 1, 1), 1);
  flat(day(2018, 1, 1), day(2018, 1, 9), 2);
  flat(day(2019, 1, 1), day(2019, 1, 9), 3);
  const GppBlock block = read(cells(1, 1));
  ASSERT_EQ(block.spans.size(), 3U);
  EXPECT_EQ(block.spans[0].first, -5);
  EXPECT_EQ(block.spans[0].end, 0);
  EXPECT_EQ(block.spans[1].first, 0);
  EXPECT_EQ(block.spans[2].first, 365);
  EXPECT_EQ(block.values, (std::vector<float>{1, 2, 3}));
  EXPECT_TRUE(block.starts_record);
  EXPECT_TRUE(block.ends_record);
}

TEST_F(IngestGppTest, WhatIsKnownIsNotRead) {
  flat(day(2018, 1, 1), day(2018, 1, 9), -1);
  flat(day(2018, 1, 9), day(2018, 1, 17), 2);
  const GppBlock all = read(cells(2, 1));
  EXPECT_EQ(all.below_zero, (std::vector<int64_t>{2, 0}));
  EXPECT_EQ(all.negative, 2);
  sources_->gpp.composites[0].layer.path = file("not-there.tif");
  const auto known = [&](const CompositeRef& composite, float* values, int64_t& below_zero) {
    if (composite.first != day(2018, 1, 1)) return false;
    std::fill_n(values, 2, 7.0F);
    below_zero = 1;
    return true;
  };
  const GppBlock some =
      ingest()(tile_of(cells(2, 1)), {2018, false, days_in_year(2018), true}, known);
  EXPECT_EQ(some.values, (std::vector<float>{7, 7, 2, 2}));
  EXPECT_EQ(some.below_zero, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(some.negative, 1);
}

TEST_F(IngestGppTest, ReadsAsFarAsAGapCanReachAndOneMore) {
  for (int year = 2016; year <= 2020; ++year)
    for (int d = 0; d < days_in_year(year); d += 8) {
      CompositeRef composite;
      composite.first = to_days({year, 1, 1}) + d;
      composite.end = std::min(composite.first + 8, to_days({year + 1, 1, 1}));
      sources_->gpp.composites.push_back(composite);
    }
  const auto& all = sources_->gpp.composites;
  for (const int max_gap : {0, 8, 32, 100}) {
    sources_->gpp.max_gap = max_gap;
    const auto [first, last] = ingest().composites_of({2018, false, 365, true});
    EXPECT_GE(all[first + 1].end, day(2018, 1, 1) - max_gap) << max_gap;
    EXPECT_LT(all[first].end, day(2018, 1, 1) - max_gap) << max_gap;
    EXPECT_GT(all[last - 1].first, day(2019, 1, 1) + max_gap) << max_gap;
    EXPECT_LE(all[last - 2].first, day(2019, 1, 1) + max_gap) << max_gap;
  }
  // A year behind the record is held from what its end says.
  const auto [first, last] = ingest().composites_of({2022, false, 365, true});
  EXPECT_EQ(last, all.size());
  EXPECT_LT(all[first].end, day(2021, 1, 1) - 100);
}

TEST_F(IngestGppTest, ConvertsUnitsAndClipsNegativeValues) {
  sources_->gpp.conversion = {1000, 0};
  composite(day(2018, 1, 1), day(2018, 1, 9), {2, 1, {0.004, -0.001}});
  EXPECT_EQ(read(cells(2, 1)).values, (std::vector<float>{4, 0}));
  EXPECT_EQ(read(cells(2, 1)).negative, 1);
  sources_->gpp.negative_zero = false;
  const GppBlock kept = read(cells(2, 1));
  EXPECT_FLOAT_EQ(kept.values[1], -1);
  EXPECT_EQ(kept.negative, 1);  // counted either way
}

TEST_F(IngestGppTest, NegativeValuesCountInTheirOwnYearAlone) {
  flat(day(2017, 12, 27), day(2018, 1, 1), -1);
  flat(day(2018, 1, 1), day(2018, 1, 9), -1);
  EXPECT_EQ(read(cells(1, 1), 2018).negative, 1);
  EXPECT_EQ(read(cells(1, 1), 2017).negative, 1);
}

TEST_F(IngestGppTest, AnIntervalSumIsDividedByTheDaysTheCompositeStandsFor) {
  sources_->gpp.interval_sum = true;
  flat(day(2018, 1, 1), day(2018, 1, 9), 40);
  flat(day(2018, 12, 27), day(2019, 1, 1), 40);  // cut at the new year: 5 days
  EXPECT_EQ(read(cells(1, 1)).values, (std::vector<float>{5, 8}));
}

TEST_F(IngestGppTest, NodataNeighboursDropOutOfBilinear) {
  // Cells of 20 m; the centre of target cell (1, 1) lies a quarter into the square of four centres.
  composite(day(2018, 1, 1), day(2018, 1, 9), {2, 2, {1, 2, 3, 4}, 0, 0, 20});
  composite(day(2018, 1, 9), day(2018, 1, 17), {2, 2, {1, 2, 3, -9999}, 0, 0, 20});
  composite(day(2018, 1, 17), day(2018, 1, 25), {2, 2, {-9999, -9999, -9999, -9999}, 0, 0, 20});
  const GppBlock block = read({{1, 1}});
  const double w[4] = {0.5625, 0.1875, 0.1875, 0.0625};
  EXPECT_FLOAT_EQ(block.values[0], static_cast<float>(w[0] + 2 * w[1] + 3 * w[2] + 4 * w[3]));
  EXPECT_FLOAT_EQ(block.values[1],
                  static_cast<float>((w[0] + 2 * w[1] + 3 * w[2]) / (w[0] + w[1] + w[2])));
  EXPECT_TRUE(std::isnan(block.values[2]));
}

TEST_F(IngestGppTest, CellsOutsideTheRasterHaveNoValue) {
  flat(day(2018, 1, 1), day(2018, 1, 9), 7);
  const GppBlock block = read({{0, 0}, {100, 100}});
  EXPECT_EQ(block.values[0], 7);
  EXPECT_TRUE(std::isnan(block.values[1]));
  EXPECT_TRUE(std::isnan(read({{100, 100}}).values[0]));
}

TEST_F(IngestGppTest, RastersOnDifferentLatticesMeetInOneRecord) {
  composite(day(2018, 1, 1), day(2018, 1, 9), {2, 1, {1, 2}});
  composite(day(2018, 1, 9), day(2018, 1, 17), {2, 1, {3, 4}, 10});  // one cell further right
  const GppBlock block = read(cells(2, 1));
  EXPECT_EQ(block.values[0], 1);
  EXPECT_EQ(block.values[1], 2);
  EXPECT_TRUE(std::isnan(block.values[2]));
  EXPECT_EQ(block.values[3], 3);
}

TEST_F(IngestGppTest, ACellDoesNotKnowItsTile) {
  std::vector<double> values;
  for (int k = 0; k < 40 * 40; ++k)
    values.push_back(k % 7 == 0 ? -9999 : std::sin(k) * 3 + 0.01 * k);
  composite(day(2018, 1, 1), day(2018, 1, 9), {40, 40, values, -13.7, 11.3, 13.3});
  const auto all = cells(30, 30);
  for (const auto method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area}) {
    sources_->gpp.resample = method;
    const GppBlock whole = read(all);
    for (size_t i = 0; i < all.size(); i += 17) {
      const GppBlock alone = read({all[i]});
      EXPECT_EQ(std::memcmp(&whole.values[i], alone.values.data(), sizeof(float)), 0)
          << to_string(method) << " " << i;
    }
  }
}

TEST_F(IngestGppTest, ABrokenCompositeIsAnErrorThatNamesItNeverAGap) {
  flat(day(2018, 1, 1), day(2018, 1, 9), 7);
  const std::string path = sources_->gpp.composites.front().layer.path;
  std::filesystem::resize_file(path, 30);
  try {
    (void)read(cells(1, 1));
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), path);
  }
}

TEST_F(IngestGppTest, StopsWhenAsked) {
  flat(day(2018, 1, 1), day(2018, 1, 9), 7);
  Stop::request(15);
  try {
    (void)read(cells(1, 1));
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
  }
}

}  // namespace
}  // namespace fluxtile
