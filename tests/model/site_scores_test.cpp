// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation/site_scores.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "base/error.h"
#include "model/evaluation/simple_baselines.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {
using testing::ElementsAre;
using testing::SizeIs;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kDays = SiteYears::days;

/// A table without labels: inputs Crop_Type, GPP, TMAX_AIR, TDIF_AIR, all 1 but the crop.
SiteYears empty_table(const std::vector<SiteYears::Site>& sites, const std::vector<int>& years) {
  SiteYears table;
  table.sites = sites;
  table.years = years;
  table.features = {{"GPP", "gC m-2 d-1", ""},
                    {"TMAX_AIR", "degC", ""},
                    {"Crop_Type", "1", ""},
                    {"TDIF_AIR", "degC", ""}};
  table.inputs.assign(sites.size() * years.size() * kDays * table.features.size(), 1);
  return table;
}

void set_input(SiteYears& table, size_t site, size_t year, size_t day, const std::string& feature,
               double value) {
  table.inputs[(table.site_year(site, year) * kDays + day) * table.features.size() +
               table.feature(feature)] = static_cast<float>(value);
}

void set_crop(SiteYears& table, size_t site, size_t year, int crop) {
  for (size_t d = 0; d < kDays; ++d) set_input(table, site, year, d, "Crop_Type", crop);
}

std::vector<float> days_of(const SiteYears& table, double value) {
  return std::vector<float>(table.sites.size() * table.years.size() * kDays,
                            static_cast<float>(value));
}

double uniform(std::mt19937& random) { return static_cast<double>(random()) / 4294967296.0; }

/// Four sites in two regions, three years, noisy seasonal Reco and NEE with gaps; the last year is
/// for tests.
struct Example {
  SiteYears table = empty_table({{"A1", "A", "a", 0, 0, ""},
                                 {"A2", "A", "a", 0, 0, ""},
                                 {"B1", "B", "b", 0, 0, ""},
                                 {"B2", "B", "", 0, 0, ""}},
                                {2001, 2002, 2003});
  Roles roles;
  Predictions predictions;

  Example() {
    std::mt19937 random(5);
    for (size_t s = 0; s < 4; ++s)
      for (size_t y = 0; y < 3; ++y) {
        roles.push_back(y < 2 ? Role::train : Role::test);
        set_crop(table, s, y, (s + y) % 2 == 0 ? 1 : 5);
      }
    for (const char* variable : {"Reco", "NEE"}) {
      std::vector<float>& labels = table.daily[variable] = days_of(table, 0);
      std::vector<float>& predicted = predictions.daily[variable] = labels;
      for (size_t i = 0; i < labels.size(); ++i) {
        const double season = 5 - 4 * std::cos(static_cast<double>(i % kDays) / 58.1);
        labels[i] = uniform(random) < 0.05 ? kNan : static_cast<float>(season + uniform(random));
        predicted[i] = static_cast<float>(season + uniform(random));
      }
    }
  }
};

TEST(ScaledValues, ByHand) {
  SiteYears table = empty_table({{"S", "R", "b", 0, 0, ""}}, {2001, 2002});
  set_crop(table, 0, 0, 1);
  set_crop(table, 0, 1, 1);
  const Roles roles{Role::train, Role::test};
  table.daily["Reco"] = days_of(table, 2);  // the first year is the climatology: 2
  Predictions predictions;
  predictions.daily["Reco"] = days_of(table, 4);
  // In the test year, January is 3 with 16 days missing, February 5 with 14 days missing.
  for (size_t d = 0; d < 31; ++d) table.daily["Reco"][kDays + d] = d < 16 ? kNan : 3;
  for (size_t d = 31; d < 59; ++d) table.daily["Reco"][kDays + d] = d < 45 ? kNan : 5;
  const auto values = [&](Scale scale) {
    return scaled_values(table, roles, Role::test, predictions, "Reco", scale, false);
  };
  EXPECT_THAT(values(Scale::daily), SizeIs(365 - 16 - 14));
  EXPECT_EQ(values(Scale::daily)[0].period, 16);
  EXPECT_EQ(values(Scale::daily)[0].year, 2002);
  EXPECT_EQ(values(Scale::daily)[0].crop, 1);

  // January has 15 days and counts, February has 14 and does not.
  const auto months = values(Scale::monthly);
  ASSERT_THAT(months, SizeIs(11));
  EXPECT_EQ(months[0].period, 0);
  EXPECT_DOUBLE_EQ(months[0].observed, 3);
  EXPECT_DOUBLE_EQ(months[0].predicted, 4);
  EXPECT_EQ(months[1].period, 2);
  EXPECT_DOUBLE_EQ(months[1].observed, 2);

  // The climatology is subtracted from both sides.
  const auto anomalies = values(Scale::anomaly);
  ASSERT_THAT(anomalies, SizeIs(11));
  EXPECT_DOUBLE_EQ(anomalies[0].observed, 1);
  EXPECT_DOUBLE_EQ(anomalies[0].predicted, 2);
  EXPECT_DOUBLE_EQ(anomalies[1].observed, 0);

  // 335 days: January's 15, February's 14, 306 others.
  const auto annual = values(Scale::annual);
  ASSERT_THAT(annual, SizeIs(1));
  EXPECT_DOUBLE_EQ(annual[0].predicted, 365 * 4);
  EXPECT_NEAR(annual[0].observed, 365.0 / 335 * (15 * 3 + 14 * 5 + 306 * 2), 1e-9);
  for (size_t d = 100; d < 106; ++d) table.daily["Reco"][kDays + d] = kNan;  // 329 are too few
  EXPECT_THAT(values(Scale::annual), SizeIs(0));
}

TEST(ScaledValues, AnotherCropHasNoClimatology) {
  SiteYears table = empty_table({{"S", "R", "b", 0, 0, ""}}, {2001, 2002});
  set_crop(table, 0, 0, 1);
  set_crop(table, 0, 1, 5);
  table.daily["Reco"] = days_of(table, 2);
  Predictions predictions;
  predictions.daily["Reco"] = days_of(table, 4);
  const Roles roles{Role::train, Role::test};
  EXPECT_THAT(scaled_values(table, roles, Role::test, predictions, "Reco", Scale::anomaly, false),
              SizeIs(0));
  EXPECT_THAT(scaled_values(table, roles, Role::test, predictions, "Reco", Scale::monthly, false),
              SizeIs(12));
}

TEST(ScaledValues, MonthlyLabels) {
  SiteYears table = empty_table({{"S", "R", "b", 0, 0, ""}}, {2001, 2002});
  const Roles roles{Role::train, Role::test};
  table.monthly["NEE"].assign(24, 1);
  for (size_t m = 0; m < 12; ++m) table.monthly["NEE"][12 + m] = static_cast<float>(m);
  Predictions predictions;
  predictions.daily["NEE"] = days_of(table, 0);
  for (size_t d = 0; d < 31; ++d)
    predictions.daily["NEE"][kDays + d] = static_cast<float>(d);  // January's mean is 15
  const auto values = [&](Scale scale) {
    return scaled_values(table, roles, Role::test, predictions, "NEE", scale, false);
  };
  EXPECT_THAT(values(Scale::daily), SizeIs(0));
  const auto months = values(Scale::monthly);
  ASSERT_THAT(months, SizeIs(12));
  EXPECT_DOUBLE_EQ(months[0].predicted, 15);
  EXPECT_DOUBLE_EQ(months[3].observed, 3);
  EXPECT_DOUBLE_EQ(values(Scale::anomaly)[3].observed, 2);
  const auto annual = values(Scale::annual);
  ASSERT_THAT(annual, SizeIs(1));
  EXPECT_DOUBLE_EQ(annual[0].predicted, 15 * 31);
  EXPECT_DOUBLE_EQ(annual[0].observed, 1 * 28 + 2 * 31 + 3 * 30 + 4 * 31 + 5 * 30 + 6 * 31 +
                                           7 * 31 + 8 * 30 + 9 * 31 + 10 * 30 + 11 * 31);
  table.monthly["NEE"][12 + 5] = kNan;  // eleven months are no year
  EXPECT_THAT(values(Scale::monthly), SizeIs(11));
  EXPECT_THAT(values(Scale::annual), SizeIs(0));
}

TEST(ScaledValues, ALeapYearHas29DaysInFebruary) {
  SiteYears table = empty_table({{"S", "R", "b", 0, 0, ""}}, {2003, 2004, 2005});
  const Roles roles(3, Role::test);
  table.daily["Reco"] = days_of(table, 0);
  for (size_t y = 0; y < 3; ++y) table.daily["Reco"][y * kDays + 59] = 29;
  Predictions predictions;
  predictions.daily["Reco"] = days_of(table, 0);
  const auto months =
      scaled_values(table, roles, Role::test, predictions, "Reco", Scale::monthly, false);
  for (const size_t y : {0U, 1U, 2U}) {
    EXPECT_DOUBLE_EQ(months[y * 12 + 1].observed, y == 1 ? 1 : 0);
    EXPECT_DOUBLE_EQ(months[y * 12 + 2].observed, y == 1 ? 0 : 29.0 / 31);
  }
  EXPECT_EQ(SiteYears::month_begin(1900)[2], 59);
  EXPECT_EQ(SiteYears::month_begin(2000)[2], 60);
  EXPECT_EQ(SiteYears::month_begin(2000)[12], 365);
}

TEST(ScaledValues, DailyLabelsComeBeforeMonthlyOnesYearByYear) {
  SiteYears table = empty_table({{"S", "R", "b", 0, 0, ""}, {"M", "R", "b", 0, 0, ""}}, {2001});
  table.daily["NEE"] = days_of(table, kNan);
  std::fill_n(table.daily["NEE"].begin(), kDays, 7.0F);
  table.monthly["NEE"].assign(24, 3);
  Predictions predictions;
  predictions.daily["NEE"] = days_of(table, 0);
  const Roles roles(2, Role::test);
  const auto months =
      scaled_values(table, roles, Role::test, predictions, "NEE", Scale::monthly, false);
  ASSERT_THAT(months, SizeIs(24));
  EXPECT_EQ(months[0].observed, 7);
  EXPECT_EQ(months[12].observed, 3);
}

TEST(ScaledValues, AnomaliesOfAFoldKnowItsOwnTrainingYearsAlone) {
  // The same site in two folds: what one trains on, the other tests.
  SiteYears table =
      empty_table({{"S", "R", "b", 0, 0, "", 0}, {"S", "R", "b", 0, 0, "", 1}}, {2001, 2002});
  table.daily["Reco"] = days_of(table, 1);
  for (const size_t site : {0U, 1U})
    std::fill_n(table.daily["Reco"].begin() + (2 * site + 1) * kDays, kDays, 5.0F);
  Predictions predictions;
  predictions.daily["Reco"] = days_of(table, 2);
  const Roles roles{Role::train, Role::test, Role::test, Role::train};
  const auto values =
      scaled_values(table, roles, Role::test, predictions, "Reco", Scale::anomaly, false);
  ASSERT_THAT(values, SizeIs(24));
  for (const ScaledValue& value : values) {
    // 2002 against 2001's normal of 1; 2001 against 2002's of 5.
    EXPECT_DOUBLE_EQ(value.observed, value.year == 2002 ? 4 : -4);
    EXPECT_DOUBLE_EQ(value.predicted, value.year == 2002 ? 1 : -3);
  }
}

TEST(ScaledValues, TruthIsReadOnlyWhereAsked) {
  SiteYears table = empty_table({{"S", "R", "b", 0, 0, ""}}, {2001});
  table.daily["Ra"] = days_of(table, 1);
  table.daily["Rh"] = days_of(table, 2);
  table.truth["Reco"] = days_of(table, 10);
  Predictions predictions;
  predictions.daily["Reco"] = days_of(table, 0);
  const Roles roles{Role::test};
  const auto observed = [&](bool against_truth) {
    return scaled_values(table, roles, Role::test, predictions, "Reco", Scale::monthly,
                         against_truth)[0]
        .observed;
  };
  EXPECT_EQ(observed(true), 10);
  EXPECT_EQ(observed(false), 3);  // Ra + Rh
  EXPECT_THROW(
      {
        predictions.daily["Reco"].pop_back();
        observed(true);
      },
      Error);
}

TEST(ScaledValues, BetweenSitesComparesMeansOverYears) {
  SiteYears table =
      empty_table({{"S", "R", "b", 0, 0, ""}, {"T", "R", "c", 0, 0, ""}}, {2001, 2002});
  table.daily["Reco"] = days_of(table, 1);
  Predictions predictions;
  predictions.daily["Reco"] = days_of(table, 2);
  std::fill_n(table.daily["Reco"].begin() + 3 * kDays, kDays, 3.0F);
  std::fill_n(table.daily["Reco"].begin() + kDays, kDays, kNan);
  const Roles roles(4, Role::test);
  const auto values =
      scaled_values(table, roles, Role::test, predictions, "Reco", Scale::between_site, false);
  ASSERT_THAT(values, SizeIs(2));
  EXPECT_EQ(values[0].site, 0U);
  EXPECT_DOUBLE_EQ(values[0].observed, 365);
  EXPECT_EQ(values[1].site, 1U);
  EXPECT_DOUBLE_EQ(values[1].observed, 2 * 365);
  EXPECT_DOUBLE_EQ(values[1].predicted, 2 * 365);
}

TEST(RegionScores, AgreeWithTheirPairs) {
  const Example e;
  const auto rows = region_scores(e.table, e.roles, Role::test, e.predictions, false);
  // All regions together and two regions; two variables; five scales.
  ASSERT_THAT(rows, SizeIs(3 * 2 * 5));
  EXPECT_EQ(rows[0].region, "");
  EXPECT_EQ(rows[0].sites, 4U);
  EXPECT_EQ(rows[10].region, "A");
  EXPECT_EQ(rows[10].sites, 2U);
  for (const RegionScores& row : rows) {
    std::vector<double> predicted, observed, nse;
    for (const ScaledValue& v : scaled_values(e.table, e.roles, Role::test, e.predictions,
                                              row.variable, row.scale, false)) {
      if (!row.region.empty() && e.table.sites[v.site].region != row.region) continue;
      predicted.push_back(v.predicted);
      observed.push_back(v.observed);
    }
    const Scores expected = scores(predicted, observed);
    EXPECT_EQ(row.all.pairs, expected.pairs);
    EXPECT_EQ(row.all.rmse, expected.rmse);
    if (row.scale == Scale::anomaly)
      EXPECT_TRUE(std::isnan(row.all.kge));
    else
      EXPECT_EQ(row.all.kge, expected.kge);
    ASSERT_EQ(row.by_site.size(), row.sites);
    for (const SiteScores& site : row.by_site) nse.push_back(site.scores.nse);
    if (row.scale == Scale::monthly) {
      EXPECT_EQ(row.nse_median, quantile(nse, 0.5));
      EXPECT_LT(row.nse_q25, row.nse_q75);
      EXPECT_GT(row.nse_median, 0.5);
    }
    // One year of a site has an error and no variance.
    if (row.scale == Scale::annual) {
      EXPECT_TRUE(std::isnan(row.nse_median));
      EXPECT_GT(row.rmse_median, 0);
    }
  }
}

TEST(RegionScores, DoNotDependOnTheOrderOfSites) {
  const Example e;
  const std::vector<size_t> order{2, 0, 3, 1};
  const SiteYears table = e.table.subset(order);
  Roles roles;
  Predictions predictions;
  const size_t years = e.table.years.size();
  for (const size_t s : order) {
    for (size_t y = 0; y < years; ++y) roles.push_back(e.roles[s * years + y]);
    for (const auto& [variable, days] : e.predictions.daily) {
      auto& to = predictions.daily[variable];
      const auto begin = days.begin() + static_cast<std::ptrdiff_t>(s * years * kDays);
      to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(years * kDays));
    }
  }
  const auto before = region_scores(e.table, e.roles, Role::test, e.predictions, false);
  const auto after = region_scores(table, roles, Role::test, predictions, false);
  ASSERT_EQ(before.size(), after.size());
  for (const RegionScores& row : before) {
    const auto same = std::find_if(after.begin(), after.end(), [&](const RegionScores& other) {
      return other.region == row.region && other.variable == row.variable &&
             other.scale == row.scale;
    });
    ASSERT_NE(same, after.end());
    EXPECT_EQ(same->all.pairs, row.all.pairs);
    EXPECT_NEAR(same->all.mse, row.all.mse, 1e-12 * row.all.mse);
    if (!std::isnan(row.all.nse)) {
      EXPECT_NEAR(same->all.nse, row.all.nse, 1e-9);
    }
    EXPECT_EQ(same->rmse_median, row.rmse_median);
    EXPECT_EQ(same->rmse_q75, row.rmse_q75);
  }
}

TEST(BlockErrors, SumToTheScores) {
  const Example e;
  Predictions second = e.predictions;
  for (float& v : second.daily["Reco"]) v += 1;
  second.daily["Reco"][2 * kDays + 7] = kNan;  // a day that only one of them has
  for (const Scale scale : all_scales()) {
    const auto errors =
        block_errors(e.table, e.roles, Role::test, e.predictions, second, "Reco", scale, false);
    ASSERT_THAT(errors, SizeIs(4));
    EXPECT_EQ(errors[0].block, "a");
    EXPECT_EQ(errors[3].block, "site B2");  // a block of its own
    EXPECT_EQ(errors[0].year, scale == Scale::between_site ? 0 : 2003);
    double sum = 0, pairs = 0;
    for (const BlockError& error : errors) {
      sum += error.second;
      pairs += error.pairs;
    }
    std::vector<double> predicted, observed;
    for (const ScaledValue& v :
         scaled_values(e.table, e.roles, Role::test, second, "Reco", scale, false)) {
      predicted.push_back(v.predicted);
      observed.push_back(v.observed);
    }
    const Scores expected = scores(predicted, observed);
    EXPECT_EQ(pairs, static_cast<double>(expected.pairs));
    EXPECT_NEAR(sum / pairs, expected.mse, 1e-9 * expected.mse);
  }
}

TEST(ClimatologyBaseline, IsTheMeanOfMonthAndCrop) {
  SiteYears table =
      empty_table({{"S", "R", "b", 0, 0, ""}, {"T", "Q", "c", 0, 0, ""}}, {2001, 2002, 2003});
  const int crops[] = {1, 1, 5, 5, 1, 1};
  const double value[] = {1, 3, 10, 20, 100, 100};
  Roles roles(6, Role::train);
  roles[4] = roles[5] = Role::test;
  table.daily["Reco"] = days_of(table, 0);
  for (size_t i = 0; i < 6; ++i) {
    set_crop(table, i / 3, i % 3, crops[i]);
    for (size_t d = 0; d < kDays; ++d)
      table.daily["Reco"][i * kDays + d] = static_cast<float>(value[i] + (d < 31 ? 1000 : 0));
  }
  // February of crop 5 was never seen.
  for (size_t d = 31; d < 59; ++d) {
    table.daily["Reco"][2 * kDays + d] = kNan;
    table.daily["Reco"][3 * kDays + d] = kNan;
  }
  const Predictions p = climatology_baseline(table, roles);
  EXPECT_THAT(p.daily, SizeIs(1));
  const std::vector<float>& reco = p.daily.at("Reco");
  EXPECT_EQ(reco[0], 1002);
  EXPECT_EQ(reco[40], 2);
  EXPECT_EQ(reco[4 * kDays + 364], 2);  // a test year: only training labels count
  EXPECT_EQ(reco[2 * kDays], 1015);
  EXPECT_EQ(reco[2 * kDays + 100], 15);
  EXPECT_EQ(reco[2 * kDays + 40], 2);  // from the other crop
  EXPECT_THROW(climatology_baseline(table, Roles(6, Role::test)), Error);
}

TEST(LineBaseline, FindsTheLineItWasMadeWith) {
  SiteYears table =
      empty_table({{"S", "R", "b", 0, 0, ""}, {"T", "Q", "c", 0, 0, ""}}, {2001, 2002});
  std::mt19937 random(3);
  for (size_t i = 0; i < 4 * kDays; ++i) {
    const size_t s = i / (2 * kDays), y = i / kDays % 2, d = i % kDays;
    const double t = 10 - 15 * std::cos(static_cast<double>(d) / 58.1) + 6 * uniform(random);
    const double range = 8 + 4 * uniform(random);
    set_input(table, s, y, d, "TDIF_AIR", range);
    set_input(table, s, y, d, "TMAX_AIR", t + range / 2);
    set_input(table, s, y, d, "GPP", 12 * uniform(random));
  }
  // Labels: monthly means that lie on the line at the month's mean temperature.
  table.monthly["Reco"].assign(48, kNan);
  for (size_t s = 0; s < 2; ++s)
    for (size_t y = 0; y < 2; ++y)
      for (size_t m = 0; m < 12; ++m) {
        double t = 0, gpp = 0;
        const int begin = SiteYears::month_begin(2001)[m],
                  end = SiteYears::month_begin(2001)[m + 1];
        for (int d = begin; d < end; ++d) {
          const float* x = table.input(s, y) + static_cast<size_t>(d) * table.features.size();
          t += static_cast<double>(x[1] - x[3] / 2) / (end - begin);
          gpp += static_cast<double>(x[0]) / (end - begin);
        }
        table.monthly["Reco"][table.site_year(s, y) * 12 + m] =
            static_cast<float>(0.4 + 0.3 * gpp + 0.8 * std::exp(0.07 * t));
      }
  const Roles roles{Role::train, Role::train, Role::test, Role::test};
  const Predictions p = line_baseline(table, roles);
  const auto rows = region_scores(table, roles, Role::test, p, false);
  ASSERT_THAT(rows, SizeIs(testing::Ge(3U)));
  EXPECT_EQ(rows[0].scale, Scale::monthly);
  EXPECT_LT(rows[0].all.rmse, 1e-5);
  EXPECT_GT(rows[0].all.nse, 1 - 1e-9);
  // NEE is Reco - GPP, every day.
  for (size_t d = 0; d < 4 * kDays; ++d)
    EXPECT_NEAR(p.daily.at("NEE")[d], p.daily.at("Reco")[d] - table.inputs[d * 4], 1e-5);
  // Days differ within a month, warm ones respire more.
  EXPECT_NE(p.daily.at("Reco")[200], p.daily.at("Reco")[201]);
  EXPECT_THROW(line_baseline(table, Roles(4, Role::test)), Error);
  table.features[0].name = "gross";
  EXPECT_THROW(line_baseline(table, roles), Error);
}

TEST(BiasAndSlope, CorrectsEachRegionByItsOwnTrainingLabels) {
  Example e;
  // Region A: labels are 3 + 0.5 times what is predicted; region B has eleven months.
  const size_t region = 2 * 3 * kDays;
  std::vector<float>& labels = e.table.daily["Reco"];
  const std::vector<float>& predicted = e.predictions.daily["Reco"];
  for (size_t i = 0; i < region; ++i) labels[i] = 3 + predicted[i] / 2;
  for (size_t i = region; i < labels.size(); ++i) labels[i] = kNan;
  for (size_t d = 0; d < 334; ++d) labels[region + d] = 2 * predicted[region + d];
  const Predictions corrected = bias_and_slope(e.table, e.roles, e.predictions);
  for (size_t i = 0; i < region; ++i)
    ASSERT_NEAR(corrected.daily.at("Reco")[i], 3 + predicted[i] / 2, 1e-4);
  const double shift = corrected.daily.at("Reco")[region] - predicted[region];
  EXPECT_GT(shift, 1);
  for (size_t i = region; i < labels.size(); ++i)
    ASSERT_NEAR(corrected.daily.at("Reco")[i] - predicted[i], shift, 1e-4);  // slope 1
  // Without training labels nothing changes.
  const Predictions same = bias_and_slope(e.table, Roles(12, Role::test), e.predictions);
  EXPECT_THAT(same.daily.at("Reco"), testing::ElementsAreArray(predicted));
}

// ---- measured fields ----

/// Rows of a CSV file with a header, by column name.
std::vector<std::map<std::string, std::string>> csv_rows(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    std::vector<std::string> values;
    for (std::string cell; std::getline(cells, cell, ',');) values.push_back(cell);
    if (names.empty()) {
      names = values;
      continue;
    }
    auto& row = rows.emplace_back();
    for (size_t i = 0; i < names.size() && i < values.size(); ++i) row[names[i]] = values[i];
  }
  return rows;
}

/// Three fields, 2001 to 2004: GPP of the table with negative values as 0, as the rasters have it;
/// monthly Reco and NEE.
struct Mead {
  SiteYears trusted, whole;  ///< labels of months with nee_qc >= 0.5, and of all months

  explicit Mead(const std::string& folder) {
    trusted = empty_table({{"US-Ne1", "Nebraska", "1", 0, 0, ""},
                           {"US-Ne2", "Nebraska", "2", 0, 0, ""},
                           {"US-Ne3", "Nebraska", "3", 0, 0, ""}},
                          {2001, 2002, 2003, 2004});
    for (const char* variable : {"Reco", "NEE"}) trusted.monthly[variable].assign(3 * 48, kNan);
    std::map<int, std::vector<std::pair<double, double>>>
        weather;  // highest and lowest of the days
    for (auto& row : csv_rows(folder + "/daily_weather.csv"))
      weather[std::stoi(row.at("date").substr(0, 4))].emplace_back(std::stod(row.at("tmax_degC")),
                                                                   std::stod(row.at("tmin_degC")));
    for (int year = 2001; year <= 2004; ++year) {
      std::vector<std::pair<double, double>>& days = weather.at(year);
      if (days.size() == 366) {
        // The table has no 31 December here; the month keeps the mean of all its days.
        double all = 0, kept = 0;
        for (size_t d = 335; d < 366; ++d) all += (days[d].first + days[d].second) / 2 / 31;
        for (size_t d = 335; d < 365; ++d) kept += (days[d].first + days[d].second) / 2 / 30;
        for (size_t d = 335; d < 365; ++d) {
          days[d].first += all - kept;
          days[d].second += all - kept;
        }
      }
      for (size_t s = 0; s < 3; ++s)
        for (size_t d = 0; d < kDays; ++d) {
          const auto y = static_cast<size_t>(year - 2001);
          set_input(trusted, s, y, d, "TMAX_AIR", days[d].first);
          set_input(trusted, s, y, d, "TDIF_AIR", days[d].first - days[d].second);
        }
    }
    whole = trusted;
    for (auto& row : csv_rows(folder + "/fluxes_monthly.csv")) {
      const int year = std::stoi(row.at("month").substr(0, 4));
      const auto m = static_cast<size_t>(std::stoi(row.at("month").substr(4)) - 1);
      const auto s = static_cast<size_t>(row.at("site").back() - '1');
      const auto y = static_cast<size_t>(year - 2001);
      if (year > 2004) continue;
      const double gpp = std::max(0.0, std::stod(row.at("gpp_gC_m-2_d-1")));
      for (SiteYears* table : {&trusted, &whole}) {
        for (int d = SiteYears::month_begin(year)[m]; d < SiteYears::month_begin(year)[m + 1];
             ++d) {
          set_input(*table, s, y, static_cast<size_t>(d), "GPP", gpp);
          set_input(*table, s, y, static_cast<size_t>(d), "Crop_Type", std::stod(row.at("crop")));
        }
        if (table == &trusted && std::stod(row.at("nee_qc")) < 0.5) continue;
        const size_t at = table->site_year(s, y) * 12 + m;
        table->monthly["Reco"][at] = std::stof(row.at("reco_gC_m-2_d-1"));
        table->monthly["NEE"][at] = std::stof(row.at("nee_gC_m-2_d-1"));
      }
    }
  }
};

/// Pairs of all fields and both directions of the two-year blocks.
struct MeadPairs {
  std::vector<double> predicted, observed;
  [[nodiscard]] Scores score() const { return scores(predicted, observed); }
};

/// Roles of one field's test block; training on the other block of the field itself or of the
/// others.
Roles mead_roles(size_t field, size_t test_block, bool transfer) {
  Roles roles(12, Role::none);
  for (size_t s = 0; s < 3; ++s)
    for (size_t y = 0; y < 4; ++y) {
      if (s == field && y / 2 == test_block) roles[s * 4 + y] = Role::test;
      if ((s != field) == transfer && y / 2 != test_block) roles[s * 4 + y] = Role::train;
    }
  return roles;
}

using Baseline = Predictions (*)(const SiteYears&, const Roles&);
MeadPairs mead_pairs(const Mead& mead, Baseline baseline, bool transfer,
                     const std::string& variable, Scale scale) {
  // Annual sums are those of whole years.
  const SiteYears& scored = scale == Scale::annual ? mead.whole : mead.trusted;
  MeadPairs pairs;
  for (size_t field = 0; field < 3; ++field)
    for (size_t block = 0; block < 2; ++block) {
      const Roles roles = mead_roles(field, block, transfer);
      for (const ScaledValue& v : scaled_values(
               scored, roles, Role::test, baseline(mead.trusted, roles), variable, scale, false)) {
        pairs.predicted.push_back(v.predicted);
        pairs.observed.push_back(v.observed);
      }
    }
  return pairs;
}

/// The numbers of a table row of the data set's own description, as printed.
std::vector<std::string> printed_numbers(const std::string& path, const std::string& row_begin) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, row_begin.size(), row_begin) != 0) continue;
    std::istringstream cells(line.substr(line.find('|', 1) + 1));
    std::vector<std::string> numbers;
    for (std::string cell; std::getline(cells, cell, '|');) {
      cell.erase(std::remove(cell.begin(), cell.end(), ' '), cell.end());
      if (!cell.empty()) numbers.push_back(cell);
    }
    return numbers;
  }
  return {};
}

/// A number with as many decimals as `printed` has.
std::string as_printed(double value, const std::string& printed) {
  const size_t point = printed.find('.');
  const int decimals =
      point == std::string::npos ? 0 : static_cast<int>(printed.size() - point - 1);
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

class MeadFields : public test::NeedsFolder<test::kRealData> {
 protected:
  [[nodiscard]] std::string mead_folder() const { return given_folder() + "/mead-ne"; }
};

TEST_F(MeadFields, LineAndClimatologyGiveTheNumbersPrintedWithTheData) {
  const std::string folder = mead_folder();
  const Mead mead(folder);
  const std::pair<const char*, bool> splits[] = {{"| calibration", false},
                                                 {"| transfer: the other", true}};
  for (const auto& [row, transfer] : splits) {
    const std::vector<std::string> printed = printed_numbers(folder + "/README.md", row);
    ASSERT_THAT(printed, SizeIs(5)) << row;
    const Scores reco = mead_pairs(mead, line_baseline, transfer, "Reco", Scale::monthly).score();
    const Scores nee = mead_pairs(mead, line_baseline, transfer, "NEE", Scale::monthly).score();
    const Scores annual = mead_pairs(mead, line_baseline, transfer, "Reco", Scale::annual).score();
    EXPECT_EQ(annual.pairs, 12U);
    const double values[] = {reco.nse, nee.nse, reco.mse, nee.mse, annual.rmse};
    for (size_t i = 0; i < 5; ++i)
      EXPECT_EQ(as_printed(values[i], printed[i]), printed[i]) << row << " column " << i;
    // With the month x crop mean removed the line explains next to nothing.
    EXPECT_LT(mead_pairs(mead, line_baseline, transfer, "Reco", Scale::anomaly).score().nse, 0.2);
  }
  const std::vector<std::string> printed =
      printed_numbers(folder + "/README.md", "| transfer, month");
  ASSERT_THAT(printed, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    const Scores s =
        mead_pairs(mead, climatology_baseline, true, i == 0 ? "Reco" : "NEE", Scale::monthly)
            .score();
    EXPECT_EQ(as_printed(s.nse, printed[i]), printed[i]);
  }
}

TEST_F(MeadFields, TheLineAgreesWithNormalEquations) {
  const Mead mead(mead_folder());
  // Cramer's rule on the normal equations of US-Ne2, trained on 2003-2004.
  const Roles roles = mead_roles(1, 0, false);
  double a[3][3] = {}, b[3] = {};
  const auto factors = [&](size_t y, size_t m, double* x) {
    const std::vector<int>& months_of = SiteYears::month_begin(mead.trusted.years[y]);
    const int begin = months_of[m], end = months_of[m + 1];
    double t = 0;
    for (int d = begin; d < end; ++d) {
      const float* in = mead.trusted.input(1, y) + static_cast<size_t>(d) * 4;
      t += (in[1] + (in[1] - in[3])) / 2;
      x[1] = in[0];
    }
    x[0] = 1;
    x[2] = std::exp(0.07 * t / (end - begin));
  };
  for (size_t y = 2; y < 4; ++y)
    for (size_t m = 0; m < 12; ++m) {
      const float reco = mead.trusted.monthly.at("Reco")[mead.trusted.site_year(1, y) * 12 + m];
      if (std::isnan(reco)) continue;
      double x[3] = {};
      factors(y, m, x);
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) a[i][j] += x[i] * x[j];
        b[i] += x[i] * reco;
      }
    }
  const auto determinant = [](const double(&d)[3][3]) {
    return d[0][0] * (d[1][1] * d[2][2] - d[1][2] * d[2][1]) -
           d[0][1] * (d[1][0] * d[2][2] - d[1][2] * d[2][0]) +
           d[0][2] * (d[1][0] * d[2][1] - d[1][1] * d[2][0]);
  };
  double unknown[3];
  for (int k = 0; k < 3; ++k) {
    double replaced[3][3];
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) replaced[i][j] = j == k ? b[i] : a[i][j];
    unknown[k] = determinant(replaced) / determinant(a);
  }
  const auto months =
      scaled_values(mead.whole, roles, Role::test, line_baseline(mead.trusted, roles), "Reco",
                    Scale::monthly, false);
  ASSERT_THAT(months, SizeIs(24));
  for (const ScaledValue& v : months) {
    double x[3] = {};
    factors(static_cast<size_t>(v.year - 2001), static_cast<size_t>(v.period), x);
    EXPECT_NEAR(v.predicted, unknown[0] + unknown[1] * x[1] + unknown[2] * x[2], 2e-5);
  }
}

}  // namespace
}  // namespace fluxtile
