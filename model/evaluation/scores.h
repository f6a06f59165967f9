// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fluxtile {

/// Scores of predictions against observations. Pairs with a NaN on either side are left out.
struct Scores {
  size_t pairs = 0;
  double mse = 0, rmse = 0, bias = 0;  ///< bias = mean(predicted - observed)
  double r2 = 0;   ///< squared Pearson correlation
  double nse = 0;  ///< 1 - MSE / population variance of the observations (the authors' "R2")
  double kge = 0;  ///< Gupta et al. 2009
};
/// All NaN for fewer than 2 pairs; r2, nse, kge NaN where a variance is zero.
Scores scores(const std::vector<double>& predicted, const std::vector<double>& observed);

/// One value of a site and time at some time scale.
struct ScaledValue {
  size_t site = 0;
  int year = 0, period = 0;  ///< period: day 0..364, month 0..11, 0 for a year
  int crop = 0;              ///< Crop_Type of the year, rounded
  double predicted = 0, observed = 0;
};

/// Time scales at which fluxes are scored.
enum class Scale { daily, monthly, annual, anomaly, between_site };
const std::vector<Scale>& all_scales();
std::string to_text(Scale scale);

/// Error of two models on the same pairs and its uncertainty.
struct PairedDifference {
  double first = 0, second = 0;  ///< MSE of each
  double difference = 0;         ///< second - first relative to first: (MSE2 - MSE1) / MSE1
  double low = 0, high = 0;      ///< 95 % interval of the relative difference
  size_t sites = 0, years = 0;
  bool enough = false;  ///< at least 8 sites; without it no difference is claimed
};

/// A squared error of both models at one site block and year (sums over its pairs).
struct BlockError {
  std::string block;
  size_t site = 0;
  int year = 0;
  double first = 0, second = 0;  ///< sums of squared errors
  double pairs = 0;
};
/// Two-way block bootstrap: site blocks and years are drawn with replacement, independently; a
/// site-year counts as often as its block times its year was drawn. Deterministic.
PairedDifference paired_bootstrap(const std::vector<BlockError>& errors, size_t draws,
                                  uint64_t seed);

/// Mean over replicates (worlds) and its 95 % interval (Student's t).
struct ReplicateMean {
  double mean = 0, low = 0, high = 0;
  size_t replicates = 0;
  [[nodiscard]] bool excludes_zero() const { return replicates > 1 && (low > 0 || high < 0); }
};
ReplicateMean mean_of_replicates(const std::vector<double>& values);

}  // namespace fluxtile
