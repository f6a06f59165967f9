// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/evaluation/scores.h"
#include "model/training/site_years.h"
#include "model/training/training.h"

namespace fluxtile {

/// Pairs of one variable (Ra, Rh, Reco, NEE) at a time scale over the site-years with role `role`.
/// Observations are the table's truth where it has one and `against_truth`, else its labels (daily,
/// or monthly where there are only monthly ones; then there is no daily scale).
///  - monthly: means of days with both values, months with at least 15 of them; annual: sums, gC
///    m-2 yr-1, of years with at least 330 days (12 months);
///  - anomaly: monthly minus the month x crop climatology of the observations in the site-years with
///    role train, for observed and predicted alike;
///  - between_site: a site's mean annual sum over its years.
std::vector<ScaledValue> scaled_values(const SiteYears& table, const Roles& roles, Role role,
                                       const Predictions& predictions, const std::string& variable,
                                       Scale scale, bool against_truth);

/// Scores over all sites of a region ("" = all), and their distribution over sites.
struct RegionScores {
  std::string region, variable;
  Scale scale = Scale::daily;
  Scores all;
  size_t sites = 0;
  double nse_median = 0, nse_q25 = 0, nse_q75 = 0;     ///< of the sites' own NSE
  double rmse_median = 0, rmse_q25 = 0, rmse_q75 = 0;  ///< of the sites' own RMSE
};
std::vector<RegionScores> region_scores(const SiteYears& table, const Roles& roles, Role role,
                                        const Predictions& predictions, bool against_truth);

/// Squared errors by site and year, for paired_bootstrap().
std::vector<BlockError> block_errors(const SiteYears& table, const Roles& roles, Role role,
                                     const Predictions& first, const Predictions& second,
                                     const std::string& variable, Scale scale, bool against_truth);

/// Baselines that need no network. Fitted on the labels of the site-years with role train, all
/// regions together; predicted for all site-years.
///  - climatology: month x crop means of Reco and NEE (and Ra, Rh where there are labels);
Predictions climatology_baseline(const SiteYears& table, const Roles& roles);
///  - the line Reco = a + b GPP + c e^(0.07 T), T = daily mean air temperature (degC), least
///    squares on monthly means; NEE = Reco - GPP (the input).
Predictions line_baseline(const SiteYears& table, const Roles& roles);

/// Bias and slope of Reco and NEE fitted per region on train labels (monthly means): corrected
/// predictions. A region with fewer than 12 monthly values keeps slope 1.
Predictions bias_and_slope(const SiteYears& table, const Roles& roles,
                           const Predictions& predictions);

}  // namespace fluxtile
