// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fluxtile {

/// Scores of predictions against observations. Pairs with a NaN on either side are left out.
struct Scores {
  size_t pairs = 0;
  double mse = 0, rmse = 0, bias = 0;  ///< bias = mean(predicted - observed)
  double r2 = 0;                       ///< squared Pearson correlation
  double nse = 0;  ///< 1 - MSE / population variance of the observations (the authors' "R2")
  double kge =
      0;  ///< Gupta et al. 2009: 1 - |(r, ratio of deviations, ratio of means) - (1, 1, 1)|
};
/// All NaN for fewer than 2 pairs; r2, nse, kge NaN where a variance they divide by is zero, kge
/// also where the mean observation is zero. The vectors are of the same length.
Scores scores(const std::vector<double>& predicted, const std::vector<double>& observed);

/// The value below which `share` (0..1) of the values lie, linear between neighbours. NaN values
/// are left out; NaN where none is left.
double quantile(std::vector<double> values, double share);

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
/// "daily", "monthly", "annual", "anomaly", "between-site".
std::string to_text(Scale scale);

/// Error of two models on the same pairs and its uncertainty.
struct PairedDifference {
  /// What a claim takes: fewer sites, or sites crowded into fewer blocks, say nothing about others.
  static constexpr size_t sites_for_claim = 8, blocks_for_claim = 5;

  double first = 0, second = 0;  ///< MSE of each
  double difference = 0;         ///< second - first relative to first: (MSE2 - MSE1) / MSE1
  double low = 0, high = 0;      ///< 95 % interval of the relative difference, NaN = none
  size_t sites = 0, blocks = 0, years = 0;
  bool enough = false;  ///< sites and blocks suffice; without it no difference is claimed

  /// The difference may be claimed and its interval does not hold zero.
  [[nodiscard]] bool claimed() const { return enough && (low > 0 || high < 0); }
};
/// Why nothing may be claimed, "3 sites", "9 sites in 2 blocks"; empty where `enough`.
std::string why_not_claimed(const PairedDifference& result);

/// A squared error of both models at one site block and year (sums over its pairs).
struct BlockError {
  std::string block;
  size_t site = 0;
  int year = 0;
  double first = 0, second = 0;  ///< sums of squared errors
  double pairs = 0;
};
/// Two-way block bootstrap: site blocks and years are drawn with replacement, independently; a
/// site-year counts as often as its block times its year was drawn. The interval holds the
/// quantiles of the drawn differences, taken further out for few blocks (by Student's t with blocks
/// - 1 degrees of freedom and the factor sqrt(n / (n - 1)); Hesterberg 2015, Am. Stat. 69:371).
/// Deterministic, the same on every machine. NaN interval with fewer than 2 blocks.
PairedDifference paired_bootstrap(const std::vector<BlockError>& errors, size_t draws,
                                  uint64_t seed);

/// Mean over replicates (worlds) and its 95 % interval (Student's t). NaN values are left out.
struct ReplicateMean {
  double mean = 0, low = 0, high = 0;  ///< NaN where there are too few replicates
  size_t replicates = 0;
  [[nodiscard]] bool excludes_zero() const { return replicates > 1 && (low > 0 || high < 0); }
};
ReplicateMean mean_of_replicates(const std::vector<double>& values);

/// Share of Student's t distribution with `degrees` >= 1 degrees of freedom below `t`.
double student_t_share(double t, int degrees);
/// Value of Student's t below which `share` (0 < share < 1) of the distribution lies.
double student_t_quantile(double share, int degrees);

}  // namespace fluxtile
