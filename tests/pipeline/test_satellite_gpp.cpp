// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "model/year_inputs.h"
#include "pipeline/world/satellite_gpp.h"
#include "stages/gap_filling.h"

namespace fluxtile::world {
namespace {

TEST(SatelliteGpp, HidesTheCloudyShareInSummerOnly) {
  const SatelliteGpp satellite{Random(4)};
  int hidden = 0, all = 0;
  for (int i = 0; i < 400; ++i) {
    const double x = 2500.0 * i, y = 1700000 + 1300.0 * i;
    for (int c = 0; c < 46; ++c) {
      const bool gap = std::isnan(satellite.observed(5, x, y, 2010 + i % 5, c));
      if (c * 8 < 60 || c * 8 >= 330) {
        EXPECT_FALSE(gap);
      } else {
        ++all;
        hidden += gap ? 1 : 0;
      }
    }
  }
  EXPECT_NEAR(double{1.0} * hidden / all, 0.15, 0.04);
}

TEST(SatelliteGpp, ErrsByNoiseAndABiasThatStaysInPlace) {
  const SatelliteGpp satellite{Random(5)};
  double bias_square = 0, noise_square = 0, nearby = 0;
  constexpr int places = 120, years = 20;
  for (int i = 0; i < places; ++i) {
    const double x = 50000.0 * i, y = 1500000 + 91000.0 * (i % 7);
    double sum = 0, near_sum = 0, square = 0;
    for (int year = 0; year < years; ++year) {
      const double e = std::log(double{satellite.observed(10, x, y, 2000 + year, 0)} / 10);
      sum += e / years;
      square += e * e / years;
      near_sum +=
          std::log(double{satellite.observed(10, x + 3000, y, 2000 + year, 0)} / 10) / years;
    }
    bias_square += sum * sum / places;
    noise_square += (square - sum * sum) / places;
    nearby += sum * near_sum / places;
  }
  EXPECT_NEAR(std::sqrt(bias_square), 0.08, 0.02);
  EXPECT_NEAR(std::sqrt(noise_square), 0.072, 0.012);
  EXPECT_GT(nearby, 0.85 * bias_square);
  EXPECT_EQ(satellite.observed(0, 1, 2, 2000, 3), 0);
}

TEST(CompositeMeans, KeepTheSumOfTheYear) {
  std::vector<float> daily(366);
  for (size_t d = 0; d < daily.size(); ++d) daily[d] = static_cast<float>(d % 37);
  const std::vector<double> means = composite_means(daily);
  ASSERT_EQ(means.size(), 46U);
  double sum = 0, total = 0;
  for (size_t c = 0; c < means.size(); ++c) sum += means[c] * (c < 45 ? 8 : 6);
  for (const float v : daily) total += double{v};
  EXPECT_NEAR(sum, total, 1e-9);
}

// The same days as stages/gap_filling.h makes of the same composites.
TEST(FillComposites, FillsAsIngestionDoes) {
  const Random random(6);
  std::vector<float> composites(2 * 46);
  for (size_t c = 0; c < composites.size(); ++c) {
    const auto k = static_cast<int64_t>(c);
    composites[c] = random.uniform(Subject::satellite_cloud, k) < 0.3 && c % 4 != 0
                        ? NAN
                        : static_cast<float>(10 * random.uniform(Subject::composite, k));
  }
  const std::vector<float> ours = fill_composites(composites, {365, 366});
  ASSERT_EQ(ours.size(), 731U);

  for (int year = 0; year < 2; ++year) {
    GppBlock block;
    block.starts_record = block.ends_record = true;
    for (int y = 0; y < 2; ++y) {
      for (int c = 0; c < 46; ++c) {
        const int first = 8 * c + 365 * y - 365 * year;
        block.spans.push_back({first, c < 45 ? first + 8 : (y == 0 ? 365 : 731) - 365 * year});
      }
    }
    block.values = composites;
    const int days = 365 + year;
    const FilledGpp theirs =
        fill_gaps(block, 1, days, std::vector<uint8_t>(static_cast<size_t>(days), 0), -365 * year,
                  GapRules{}, nullptr);
    for (int d = 0; d < days; ++d) {
      const auto i = static_cast<size_t>(d);
      float value = theirs.series.values[static_cast<size_t>(theirs.series.before[i])];
      for (const GppSegment& s : theirs.series.segments) {
        if (d < s.first || d > s.last) continue;
        const float share = s.to_day > s.from_day
                                ? (static_cast<float>(d) - s.from_day) / (s.to_day - s.from_day)
                                : 0.0F;
        value = s.from_value + share * (s.to_value - s.from_value);
      }
      EXPECT_NEAR(ours[static_cast<size_t>(365 * year) + i], value, 1e-5) << year << " " << d;
    }
  }
}

TEST(FillComposites, HoldsTheEndsAndKnowsAnEmptyRecord) {
  std::vector<float> composites(46, 2.0F);
  composites[0] = composites[1] = composites[45] = NAN;
  const std::vector<float> filled = fill_composites(composites, {365});
  for (const float v : filled) EXPECT_EQ(v, 2.0F);
  for (const float v : fill_composites(std::vector<float>(46, NAN), {365}))
    EXPECT_TRUE(std::isnan(v));
}

}  // namespace
}  // namespace fluxtile::world
