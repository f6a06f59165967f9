// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation/scores.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace fluxtile {
namespace {
using testing::DoubleNear;

const double kNan = std::nan("");

/// Standard normal numbers that are the same on every standard library.
class Normal {
 public:
  explicit Normal(uint64_t seed) : random_(seed) {}
  double operator()() {
    const double u = (static_cast<double>(random_() >> 11U) + 0.5) / 9007199254740992.0;
    const double v = (static_cast<double>(random_() >> 11U) + 0.5) / 9007199254740992.0;
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

 private:
  std::mt19937_64 random_;
};

TEST(Scores, ByHand) {
  // Observed 1 2 3 4: mean 2.5, variance 1.25. Predicted 2 2 4 4: mean 3, variance 1.
  // Errors 1 0 1 0: MSE 0.5, bias 0.5. Covariance 1: r = 1 / sqrt(1.25).
  const Scores s = scores({2, 2, 4, 4}, {1, 2, 3, 4});
  EXPECT_EQ(s.pairs, 4U);
  EXPECT_DOUBLE_EQ(s.mse, 0.5);
  EXPECT_DOUBLE_EQ(s.rmse, std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(s.bias, 0.5);
  EXPECT_DOUBLE_EQ(s.r2, 0.8);
  EXPECT_DOUBLE_EQ(s.nse, 0.6);
  const double r = 1 / std::sqrt(1.25), alpha = 1 / std::sqrt(1.25), beta = 1.2;
  EXPECT_DOUBLE_EQ(s.kge, 1 - std::hypot(r - 1, alpha - 1, beta - 1));
}

TEST(Scores, APerfectPredictionAndItsMirrorImage) {
  const Scores same = scores({1, 5, 2}, {1, 5, 2});
  EXPECT_EQ(same.mse, 0);
  EXPECT_DOUBLE_EQ(same.nse, 1);
  EXPECT_DOUBLE_EQ(same.kge, 1);
  // The mirror image is correlated as well, and worse than the mean.
  const Scores mirror = scores({-1, -5, -2}, {1, 5, 2});
  EXPECT_DOUBLE_EQ(mirror.r2, 1);
  EXPECT_LT(mirror.nse, 0);
}

TEST(Scores, PairsWithANanAreLeftOut) {
  const Scores whole = scores({2, 2, 4, 4}, {1, 2, 3, 4});
  const Scores gaps = scores({2, kNan, 2, 4, 7, 4}, {1, 1, 2, 3, kNan, 4});
  EXPECT_EQ(gaps.pairs, 4U);
  EXPECT_EQ(gaps.mse, whole.mse);
  EXPECT_EQ(gaps.kge, whole.kge);
}

TEST(Scores, WhatCannotBeToldIsNan) {
  for (const Scores& s : {scores({}, {}), scores({1}, {2}), scores({1, kNan}, {2, 3})}) {
    for (const double v : {s.mse, s.rmse, s.bias, s.r2, s.nse, s.kge}) EXPECT_TRUE(std::isnan(v));
  }
  // Observations that do not vary, though their mean is not a round number.
  const Scores constant = scores({0.1, 0.2, 0.4}, {0.1, 0.1, 0.1});
  EXPECT_GT(constant.mse, 0);
  EXPECT_TRUE(std::isnan(constant.nse));
  EXPECT_TRUE(std::isnan(constant.r2));
  EXPECT_TRUE(std::isnan(constant.kge));
  const Scores flat = scores({0.1, 0.1, 0.1}, {0.1, 0.2, 0.4});
  EXPECT_FALSE(std::isnan(flat.nse));
  EXPECT_TRUE(std::isnan(flat.r2));
  // No ratio of means around zero.
  EXPECT_TRUE(std::isnan(scores({1, 2}, {-1, 1}).kge));
  EXPECT_FALSE(std::isnan(scores({1, 2}, {-1, 1}).nse));
}

TEST(Quantile, IsLinearBetweenNeighbours) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile({4, 1, kNan, 3, 2}, 1), 4);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.1), 7);
  EXPECT_TRUE(std::isnan(quantile({kNan}, 0.5)));
}

TEST(StudentT, QuantilesOfPrintedTables) {
  // Printed to four or five digits in any table of Student's t.
  const struct {
    double share;
    int degrees;
    double value;
  } rows[] = {{0.975, 1, 12.7062}, {0.975, 2, 4.30265}, {0.975, 3, 3.18245},  {0.975, 4, 2.77645},
              {0.975, 5, 2.57058}, {0.975, 9, 2.26216}, {0.975, 10, 2.22814}, {0.95, 6, 1.94318},
              {0.995, 7, 3.49948}, {0.9, 30, 1.31042},  {0.975, 120, 1.97993}};
  for (const auto& row : rows)
    EXPECT_NEAR(student_t_quantile(row.share, row.degrees), row.value, 6e-6 * row.value)
        << row.share << " " << row.degrees;
}

TEST(StudentT, AgreesWithClosedForms) {
  // One degree of freedom is Cauchy's distribution, two have a closed form, many are normal.
  for (const double p : {0.51, 0.7, 0.9, 0.99, 0.9999}) {
    EXPECT_NEAR(student_t_quantile(p, 1) / std::tan(3.14159265358979324 * (p - 0.5)), 1, 1e-11);
    EXPECT_NEAR(student_t_quantile(p, 2) / ((2 * p - 1) * std::sqrt(2 / (4 * p * (1 - p)))), 1,
                1e-11);
  }
  EXPECT_NEAR(student_t_quantile(0.975, 1000000), 1.959966, 1e-5);
  EXPECT_EQ(student_t_quantile(0.5, 3), 0);
  EXPECT_EQ(student_t_quantile(0.1, 3), -student_t_quantile(0.9, 3));
  for (const int degrees : {1, 2, 5, 8})
    EXPECT_NEAR(student_t_share(student_t_quantile(0.3, degrees), degrees), 0.3, 1e-14);
  EXPECT_TRUE(std::isnan(student_t_quantile(1, 3)));
  EXPECT_TRUE(std::isnan(student_t_quantile(0.9, 0)));
}

TEST(ReplicateMean, ByHand) {
  // Mean 2, variance 1 with n - 1, standard error 1 / sqrt(3).
  const ReplicateMean m = mean_of_replicates({1, 2, 3, kNan});
  EXPECT_EQ(m.replicates, 3U);
  EXPECT_DOUBLE_EQ(m.mean, 2);
  EXPECT_NEAR(m.high - m.mean, 4.302653 / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(m.mean - m.low, m.high - m.mean, 1e-12);
  EXPECT_FALSE(m.excludes_zero());
  EXPECT_TRUE(mean_of_replicates({1, 1.1, 0.9}).excludes_zero());
  EXPECT_TRUE(mean_of_replicates({-1, -1.1, -0.9}).excludes_zero());
}

TEST(ReplicateMean, OneReplicateTellsNoInterval) {
  const ReplicateMean one = mean_of_replicates({5});
  EXPECT_EQ(one.mean, 5);
  EXPECT_TRUE(std::isnan(one.low));
  EXPECT_FALSE(one.excludes_zero());
  EXPECT_TRUE(std::isnan(mean_of_replicates({}).mean));
}

TEST(ReplicateMean, IntervalCoversTheTruth) {
  for (const int n : {2, 6, 20}) {
    Normal normal(static_cast<uint64_t>(n));
    int covered = 0;
    constexpr int kTimes = 4000;
    for (int k = 0; k < kTimes; ++k) {
      std::vector<double> values;
      for (int i = 0; i < n; ++i) values.push_back(0.3 + 2 * normal());
      const ReplicateMean m = mean_of_replicates(values);
      covered += m.low <= 0.3 && 0.3 <= m.high ? 1 : 0;
    }
    EXPECT_THAT(static_cast<double>(covered) / kTimes, DoubleNear(0.95, 0.0125)) << n;
  }
}

/// Squared errors of two models at `blocks` x `years` site-years of 12 pairs. A block and a year
/// have effects of their own on how the models compare; the true relative difference is -0.2.
std::vector<BlockError> drawn_errors(Normal& normal, size_t blocks, int years, double by_block,
                                     double by_year) {
  std::vector<double> of_year;
  for (int y = 0; y < years; ++y) of_year.push_back(by_year * normal());
  std::vector<BlockError> errors;
  for (size_t b = 0; b < blocks; ++b) {
    const double of_block = by_block * normal(), level = std::exp(0.4 * normal());
    for (int y = 0; y < years; ++y) {
      BlockError error{"block " + std::to_string(b), b, 2001 + y, 0, 0, 12};
      for (int k = 0; k < 12; ++k) {
        error.first += level * (1 + 0.2 * normal());
        error.second += level * (0.8 + of_block + of_year[static_cast<size_t>(y)] + 0.2 * normal());
      }
      errors.push_back(error);
    }
  }
  return errors;
}

TEST(PairedBootstrap, ByHand) {
  const PairedDifference d = paired_bootstrap(
      {{"a", 0, 2001, 10, 5, 10}, {"a", 0, 2002, 20, 10, 10}, {"b", 1, 2001, 10, 20, 5}}, 500, 1);
  EXPECT_DOUBLE_EQ(d.first, 1.6);
  EXPECT_DOUBLE_EQ(d.second, 1.4);
  EXPECT_DOUBLE_EQ(d.difference, -0.125);
  EXPECT_EQ(d.sites, 2U);
  EXPECT_EQ(d.blocks, 2U);
  EXPECT_EQ(d.years, 2U);
  EXPECT_FALSE(d.enough);
  EXPECT_FALSE(d.claimed());
  // Block a alone halves the error, block b alone doubles it: two blocks tell no more than that.
  EXPECT_DOUBLE_EQ(d.low, -0.5);
  EXPECT_DOUBLE_EQ(d.high, 1);
}

TEST(PairedBootstrap, IdenticalModelsDifferByNothing) {
  Normal normal(1);
  std::vector<BlockError> errors = drawn_errors(normal, 10, 4, 0.1, 0.1);
  for (BlockError& error : errors) error.second = error.first;
  const PairedDifference d = paired_bootstrap(errors, 1000, 1);
  EXPECT_EQ(d.difference, 0);
  EXPECT_EQ(d.low, 0);
  EXPECT_EQ(d.high, 0);
  EXPECT_TRUE(d.enough);
  EXPECT_FALSE(d.claimed());
  for (BlockError& error : errors) error.first = error.second = 0;
  EXPECT_EQ(paired_bootstrap(errors, 100, 1).difference, 0);
}

TEST(PairedBootstrap, DependsOnSeedNotOnOrder) {
  Normal normal(2);
  std::vector<BlockError> errors = drawn_errors(normal, 12, 5, 0.1, 0.1);
  const PairedDifference d = paired_bootstrap(errors, 400, 7);
  std::reverse(errors.begin(), errors.end());
  const PairedDifference reversed = paired_bootstrap(errors, 400, 7);
  EXPECT_NEAR(reversed.low, d.low, 1e-12);
  EXPECT_NEAR(reversed.high, d.high, 1e-12);
  EXPECT_NE(paired_bootstrap(errors, 400, 8).low, d.low);
}

TEST(PairedBootstrap, FewSitesOrBlocksMakeNoClaim) {
  Normal normal(3);
  std::vector<BlockError> errors = drawn_errors(normal, 7, 4, 0, 0);
  EXPECT_FALSE(paired_bootstrap(errors, 200, 1).enough);
  EXPECT_EQ(why_not_claimed(paired_bootstrap(errors, 200, 1)), "7 sites");
  errors = drawn_errors(normal, 8, 4, 0, 0);
  EXPECT_TRUE(paired_bootstrap(errors, 200, 1).claimed());
  EXPECT_EQ(why_not_claimed(paired_bootstrap(errors, 200, 1)), "");
  // The same eight sites crowded into four blocks.
  for (BlockError& error : errors) error.block = "block " + std::to_string(error.site / 2);
  EXPECT_EQ(why_not_claimed(paired_bootstrap(errors, 200, 1)), "8 sites in 4 blocks");
  // Sites of one block: nothing to draw.
  for (BlockError& error : errors) error.block = "one";
  EXPECT_TRUE(std::isnan(paired_bootstrap(errors, 200, 1).low));
  EXPECT_FALSE(paired_bootstrap(errors, 200, 1).claimed());
  EXPECT_TRUE(std::isnan(paired_bootstrap({}, 200, 1).difference));
  EXPECT_EQ(why_not_claimed(paired_bootstrap({}, 200, 1)), "0 sites");
}

TEST(PairedBootstrap, SiteYearsWithoutPairsDoNotCount) {
  Normal normal(4);
  std::vector<BlockError> errors = drawn_errors(normal, 9, 3, 0.1, 0);
  const PairedDifference d = paired_bootstrap(errors, 300, 1);
  errors.push_back({"empty", 99, 1990, 0, 0, 0});
  const PairedDifference with_empty = paired_bootstrap(errors, 300, 1);
  EXPECT_EQ(with_empty.sites, d.sites);
  EXPECT_EQ(with_empty.low, d.low);
}

TEST(PairedBootstrap, IntervalCoversTheTrueDifference) {
  // Few blocks and many, with effects of blocks alone and of blocks and years. Two-way drawing is
  // known to be somewhat wide where single site-years are noisy; it must not be narrow.
  const struct {
    size_t blocks;
    int years;
    double by_block, by_year;
  } designs[] = {{8, 6, 0.2, 0}, {12, 8, 0.2, 0}, {30, 10, 0.2, 0.05}};
  for (const auto& design : designs) {
    Normal normal(design.blocks);
    constexpr int kTimes = 600;
    int covered = 0;
    for (int k = 0; k < kTimes; ++k) {
      const PairedDifference d = paired_bootstrap(
          drawn_errors(normal, design.blocks, design.years, design.by_block, design.by_year), 400,
          static_cast<uint64_t>(k));
      covered += d.low <= -0.2 && -0.2 <= d.high ? 1 : 0;
    }
    EXPECT_THAT(static_cast<double>(covered) / kTimes, DoubleNear(0.95, 0.03)) << design.blocks;
  }
}

}  // namespace
}  // namespace fluxtile
