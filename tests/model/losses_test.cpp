// SPDX-License-Identifier: Apache-2.0
#include "model/training/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"

namespace fluxtile::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const FluxScalers plain{{0, 1}, {0, 1}, {0, 1}, {0, 1}};

at::Tensor values(const std::vector<double>& v) { return torch::tensor(v, at::kDouble); }
at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  return at::randn(shape, at::detail::createCPUGenerator(seed), at::kDouble);
}
/// 0 and 1, about two of three 1.
at::Tensor random_mask(at::IntArrayRef shape, uint64_t seed) {
  return (random(shape, seed) > -0.4).to(at::kDouble);
}
double number(const at::Tensor& value) { return value.item<double>(); }

/// The derivative of `loss` at x by torch against central differences.
void expect_gradient(const std::function<at::Tensor(const at::Tensor&)>& loss,
                     const at::Tensor& at_x) {
  const at::Tensor x = at_x.clone().requires_grad_(true);
  loss(x).backward();
  constexpr double h = 1e-6;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const auto moved = [&](double by) {
      const at::Tensor other = at_x.clone();
      other.view({-1})[i] += by;
      return number(loss(other));
    };
    EXPECT_NEAR(x.grad().view({-1})[i].item<double>(), (moved(h) - moved(-h)) / (2 * h), 1e-6) << i;
  }
}

TEST(FluxLoss, MaskedDaysStayInTheDenominator) {
  // One sample, two days: errors 1, 2, 3 on the first, hidden ones on the second.
  const at::Tensor z = values({1, 2, 3, 50, 60, 70}).view({1, 2, 3});
  const at::Tensor target = values({0, 0, 0, nan, nan, nan}).view({1, 2, 3});
  EXPECT_DOUBLE_EQ(number(flux_loss(z, target, values({1, 0}).view({1, 2}), 2)), (1 + 4 + 9) / 2.0);
  // A mask a flux.
  const at::Tensor mask = values({1, 0, 1, 0, 0, 0}).view({1, 2, 3});
  EXPECT_DOUBLE_EQ(number(flux_loss(z, target, mask, 2)), (1 + 9) / 2.0);
}

TEST(FluxLoss, MaskedLabelsGiveNoGradient) {
  const at::Tensor z = values({1, 2, 3}).view({1, 1, 3}).requires_grad_(true);
  flux_loss(z, values({0, nan, 0}).view({1, 1, 3}), values({1, 0, 1}).view({1, 1, 3}), 1)
      .backward();
  EXPECT_TRUE(at::equal(z.grad().view({-1}), values({2, 0, 6})));
}

TEST(FluxLoss, ChunksAddUpToTheBatch) {
  const at::Tensor z = random({5, 7, 3}, 1), target = random({5, 7, 3}, 2);
  const at::Tensor mask = random_mask({5, 7}, 3), gpp = random({5, 7}, 4);
  const FluxScalers scalers{{-1.4, 2.6}, {-1, 0.9}, {-0.5, 3}, {2.9, 5.8}};
  const auto part = [&](int64_t from, int64_t to) {
    const auto cut = [&](const at::Tensor& t) { return t.slice(0, from, to); };
    return number(flux_loss(cut(z), cut(target), cut(mask), 35)) +
           number(mass_balance_loss(cut(z), cut(gpp), cut(mask), scalers, 35));
  };
  EXPECT_NEAR(part(0, 2) + part(2, 3) + part(3, 5), part(0, 5), 1e-12);
  EXPECT_NEAR(number(flux_loss(z, target, mask, 35)),
              number((mask.unsqueeze(2) * (z - target).square()).sum() / 35), 1e-12);
}

TEST(MassBalance, CountsWhatExceedsAHundredthOfRespiration) {
  // Days: balanced; 0.5 too much with 10 of respiration; within tolerance; masked.
  const at::Tensor z =
      values({-3, -2, -5, -6, -4, -1.5, -6, -4, -1.95, -6, -4, 90}).view({1, 4, 3});
  const at::Tensor gpp = values({10, 12, 12, 12}).view({1, 4});
  const at::Tensor mask = values({1, 1, 1, 0}).view({1, 4});
  EXPECT_NEAR(number(mass_balance_loss(z, gpp, mask, plain, 4)), (0.5 - 0.1) / 4, 1e-12);
}

TEST(MassBalance, UsesPhysicalUnits) {
  const FluxScalers scalers{{-2, 3}, {-1, 0.5}, {0.5, 2}, {}};
  const at::Tensor z = values({1, 2, -1}).view({1, 1, 3});  // Ra 1, Rh 0, NEE -1.5
  EXPECT_NEAR(
      number(mass_balance_loss(z, values({4}).view({1, 1}), values({1}).view({1, 1}), scalers, 1)),
      3.5 - 0.01, 1e-12);
}

TEST(SelfPaced, DropsErrorsFromTheThresholdOn) {
  const at::Tensor errors = values({0.1, 0.5, 0.49, 3});
  EXPECT_DOUBLE_EQ(number(self_paced_loss(errors, 0.5, 4)), (0.1 + 0.49) / 4);
  EXPECT_DOUBLE_EQ(number(self_paced_loss(errors, 0, 4)), 4.09 / 4);
  const at::Tensor x = errors.clone().requires_grad_(true);
  self_paced_loss(x, 0.5, 4).backward();
  EXPECT_TRUE(at::equal(x.grad(), values({0.25, 0, 0.25, 0})));
}

TEST(SelfPaced, ErrorOfASampleIsItsMaskedMean) {
  const at::Tensor z = values({1, 2, 3, 4, 5, 6}).view({2, 3});
  const at::Tensor target = values({0, nan, 0, 4, 4, 4}).view({2, 3});
  const at::Tensor mask = values({1, 0, 1, 1, 1, 1}).view({2, 3});
  EXPECT_TRUE(at::allclose(sample_errors(z, target, mask), values({10 / 3.0, 5 / 3.0})));
}

TEST(CountyYield, IsHalfOfBothCrops) {
  const at::Tensor corn = values({1, 4}), soybean = values({2, 8, 2});
  EXPECT_DOUBLE_EQ(number(county_yield_loss(corn, soybean, 3, 2, 3)), (0.5 + 4 / 3.0) / 2);
  EXPECT_DOUBLE_EQ(number(county_yield_loss(corn, {}, 0, 2, 0)), 1.25);
  EXPECT_DOUBLE_EQ(number(county_yield_loss({}, soybean, 0, 0, 3)), 2);
  EXPECT_FALSE(county_yield_loss({}, {}, 0, 0, 0).defined());
}

TEST(YieldBounds, BetweenZeroAndHalfOfGpp) {
  const at::Tensor gpp = values({1000, 1000, 1000});
  EXPECT_DOUBLE_EQ(number(yield_bound_loss(values({400, 530, -6}), gpp, 3)), 36 / 3.0);
}

/// Two years of daily or monthly observations and predictions.
struct Towers {
  at::Tensor ra, rh, nee, reco, reco_mask, nee_observed, nee_mask;
  explicit Towers(int64_t steps)
      : ra(random({2, steps}, 1).abs()),
        rh(random({2, steps}, 2).abs()),
        nee(random({2, steps}, 3)),
        reco(random({2, steps}, 4).abs()),
        reco_mask(random_mask({2, steps}, 5)),
        nee_observed(random({2, steps}, 6)),
        nee_mask(random_mask({2, steps}, 7)) {}
};

TEST(TowerLoss, IsASumOverYearsForRecoAndOneMeanForNee) {
  const Towers t(365);
  double expected = 0, nee = 0, plain_reco = 0;
  for (int64_t year = 0; year < 2; ++year) {
    double winter = 0, season = 0, autumn = 0;
    for (int64_t day = 0; day < 365; ++day) {
      const auto at = [&](const at::Tensor& v) { return v[year][day].item<double>(); };
      const double m = at(t.reco_mask), rh = at(t.rh) - at(t.reco);
      const double reco = rh + at(t.ra), n = at(t.nee) - at(t.nee_observed);
      (day < 105   ? winter
       : day < 300 ? season
                   : autumn) += m * (day < 105 || day >= 300 ? rh * rh : reco * reco);
      plain_reco += m * reco * reco / 730;
      nee += at(t.nee_mask) * n * n / 730;
    }
    expected += winter / 105 + season / 195 + autumn / 65;
  }
  const auto loss = [&](bool seasonal) {
    return number(
        tower_loss(t.ra, t.rh, t.nee, t.reco, t.reco_mask, t.nee_observed, t.nee_mask, seasonal));
  };
  EXPECT_NEAR(loss(true), expected + nee, 1e-10);
  EXPECT_NEAR(loss(false), plain_reco + nee, 1e-10);
}

TEST(TowerLoss, IsTakenInFloat64AndIgnoresMaskedObservations) {
  Towers t(365);
  const at::Tensor ra = t.ra.to(at::kFloat), rh = t.rh.to(at::kFloat), nee = t.nee.to(at::kFloat);
  const at::Tensor loss =
      tower_loss(ra, rh, nee, t.reco, t.reco_mask, t.nee_observed, t.nee_mask, true);
  EXPECT_EQ(loss.scalar_type(), at::kDouble);
  t.reco.masked_fill_(t.reco_mask == 0, nan);
  t.nee_observed.masked_fill_(t.nee_mask == 0, nan);
  EXPECT_EQ(number(tower_loss(ra, rh, nee, t.reco, t.reco_mask, t.nee_observed, t.nee_mask, true)),
            number(loss));
}

TEST(MonthlyTowerLoss, EqualsTheDailyLossOnConstantErrors) {
  // Errors that are the same on each day of a window: every mean is that error.
  const auto constant = [](int64_t steps, double v) {
    return at::full({2, steps}, v, at::kDouble);
  };
  for (const bool seasonal : {true, false}) {
    const auto loss = [&](auto&& of, int64_t steps) {
      return number(of(constant(steps, 1.5), constant(steps, 3), constant(steps, -2),
                       constant(steps, 5), constant(steps, 1), constant(steps, 1),
                       constant(steps, 1), seasonal));
    };
    const double daily = loss(tower_loss, 365);
    EXPECT_NEAR(daily, seasonal ? 2 * (4 + 4 + 0.25) + 9 : 0.25 + 9, 1e-12);
    EXPECT_NEAR(loss(monthly_tower_loss, 12), daily, 1e-12);
  }
}

TEST(MonthlyTowerLoss, TakesAllWinterRecoForRh) {
  const Towers t(12);
  double expected = 0;
  for (int64_t year = 0; year < 2; ++year) {
    for (int64_t month = 0; month < 12; ++month) {
      const auto at = [&](const at::Tensor& v) { return v[year][month].item<double>(); };
      const bool winter = month<3, autumn = month> 9;
      const double reco = at(t.rh) + (winter || autumn ? 0 : at(t.ra));
      const double months = winter ? 3 : autumn ? 2 : 7;
      expected += at(t.reco_mask) * std::pow(reco - at(t.reco), 2) / months;
      expected += at(t.nee_mask) * std::pow(at(t.nee) - at(t.nee_observed), 2) / 24;
    }
  }
  EXPECT_NEAR(number(monthly_tower_loss(t.ra, t.rh, t.nee, t.reco, t.reco_mask, t.nee_observed,
                                        t.nee_mask, true)),
              expected, 1e-10);
}

TEST(TowerMassBalance, UsesPositiveSigns) {
  const auto of = [](const std::vector<double>& v) { return values(v).view({1, 3}); };
  // GPP 10 - Reco 6 + NEE: -4 closes; -3 leaves 1; the third day is masked.
  EXPECT_NEAR(number(tower_mass_balance(of({4, 4, 4}), of({2, 2, 2}), of({-4, -3, 9}),
                                        of({10, 10, nan}).nan_to_num(), of({1, 1, 0}))),
              (1 - 0.06) / 3, 1e-12);
}

TEST(CurveShape, OnlyWrongDirectionsCount) {
  const at::Tensor curve = values({1, 3, 2, 2, 2.5});
  EXPECT_DOUBLE_EQ(number(falling_loss(curve, 0.25)), 2.5 / 0.25);
  EXPECT_DOUBLE_EQ(number(rising_loss(curve, 0.25)), 1 / 0.25);
}

TEST(KeepCurve, ComparesShapeNotSize) {
  const at::Tensor before = values({1, 2, 4, 3});
  EXPECT_NEAR(number(keep_correlation_loss(before * 5 - 2, before, 0.8)), 0, 1e-12);
  EXPECT_NEAR(number(keep_correlation_loss(-before, before, 0.8)), 1.8, 1e-12);
  // r = 0 and a flat curve count alike; a flat curve before has no shape to keep.
  EXPECT_NEAR(number(keep_correlation_loss(values({1, -1, 1, -1}), values({1, 1, -1, -1}), 0.8)),
              0.8, 1e-12);
  EXPECT_DOUBLE_EQ(number(keep_correlation_loss(values({2, 2, 2}), values({1, 2, 3}), 0.8)), 0.8);
  EXPECT_DOUBLE_EQ(number(keep_correlation_loss(values({1, 2, 3}), values({2, 2, 2}), 0.8)), 0);
}

TEST(KeepCurve, R2ComparesSizeToo) {
  const at::Tensor before = values({1, 2, 3, 4});  // population variance 1.25
  EXPECT_DOUBLE_EQ(number(keep_r2_loss(before, before, 0.99)), 0);
  EXPECT_NEAR(number(keep_r2_loss(before + 1, before, 0.99)), 0.99 - (1 - 1 / 1.25), 1e-12);
}

TEST(KeepCurve, SoilCarbonKeepsTheSizeOfRh) {
  const at::Tensor before = values({1, 2, 3, 4}), after = before * 3;
  EXPECT_NEAR(number(keep_response_loss(response_range("TPH"), after, after, before, before)), 0,
              1e-12);
  EXPECT_NEAR(number(keep_response_loss(response_range("TSOC"), after, after, before, before)),
              0.99 - (1 - 4 * 7.5 / 1.25), 1e-12);
}

TEST(LossGradients, AgreeWithDifferences) {
  const at::Tensor z = random({2, 4, 3}, 11);
  expect_gradient(
      [](const at::Tensor& x) {
        return flux_loss(x, random({2, 4, 3}, 12), random_mask({2, 4}, 13), 8) +
               mass_balance_loss(x, random({2, 4}, 14).abs() * 4, random_mask({2, 4}, 15),
                                 {{-1, 2}, {-1, 1}, {0, 3}, {}}, 8);
      },
      z);
  const at::Tensor curve = random({6}, 16), before = random({6}, 17);
  expect_gradient([](const at::Tensor& x) { return falling_loss(x, 0.25); }, curve);
  expect_gradient([](const at::Tensor& x) { return rising_loss(x, 0.25); }, curve);
  expect_gradient([&](const at::Tensor& x) { return keep_correlation_loss(x, before, 0.9); },
                  curve);
  expect_gradient([&](const at::Tensor& x) { return keep_r2_loss(x, before, 0.99); }, curve);
  expect_gradient(
      [](const at::Tensor& x) {
        return yield_bound_loss(x, values({3, 3, 3, 3, 3, 3}), 6) + self_paced_loss(x * x, 1.5, 6);
      },
      curve);
}

TEST(LossGradients, TowerTermsAgreeWithDifferences) {
  const Towers daily(365), monthly(12);
  // Only some days are moved; the others stay as they are.
  const std::vector<int64_t> days = {0, 104, 105, 299, 300, 364};
  const std::vector<int64_t> months = {0, 3, 11, 2, 9, 10};
  const auto moved = [&](const at::Tensor& all, const at::Tensor& by) {
    const at::Tensor years = at::tensor({0, 0, 0, 1, 1, 1}, at::kLong);
    const at::Tensor steps = at::tensor(all.size(1) == 12 ? months : days, at::kLong);
    return all + at::zeros_like(all).index_put({years, steps}, by);
  };
  expect_gradient(
      [&](const at::Tensor& x) {
        const at::Tensor ra = moved(daily.ra, x), rh = moved(daily.rh, 2 * x),
                         nee = moved(daily.nee, -x);
        return tower_loss(ra, rh, nee, daily.reco, daily.reco_mask, daily.nee_observed,
                          daily.nee_mask) +
               monthly_tower_loss(moved(monthly.ra, x), moved(monthly.rh, 2 * x),
                                  moved(monthly.nee, -x), monthly.reco, monthly.reco_mask,
                                  monthly.nee_observed, monthly.nee_mask) +
               tower_mass_balance(ra, rh, nee, daily.reco * 3, daily.reco_mask);
      },
      at::zeros({6}, at::kDouble));
}

TEST(ResponseRanges, HaveTheirNumbersOfPoints) {
  const std::vector<size_t> three_intervals = {7, 7, 6, 7, 6, 6, 7, 2, 8, 6,
                                               9, 7, 7, 7, 8, 6, 8, 6, 8};
  ASSERT_EQ(response_ranges().size(), three_intervals.size());
  for (size_t f = 0; f < three_intervals.size(); ++f) {
    const ResponseRange& range = response_ranges()[f];
    const std::vector<double> z = range.points(3);
    EXPECT_EQ(z.size(), three_intervals[f]) << range.feature;
    EXPECT_EQ(z.front(), range.low) << range.feature;
    EXPECT_LE(z.back(), range.high + 1e-9) << range.feature;
  }
  EXPECT_EQ(response_range("TSOC").points(1).size(), 23U);
  EXPECT_EQ(response_range("GPP").points(1).size(), 23U);
  EXPECT_EQ(response_range("Year").points(1).size(), 18U);
  EXPECT_NEAR(response_range("TMAX_AIR").points(1).back(), 2.5, 1e-12);
  EXPECT_THAT(response_range("Crop_Type").points(1), testing::ElementsAre(-1, 1));
}

TEST(ResponseRanges, UnknownFeatureIsNamed) {
  try {
    (void)response_range("TSOX");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_THAT(std::string(error.what()), testing::HasSubstr("TSOX"));
  }
}

}  // namespace
}  // namespace fluxtile::test
