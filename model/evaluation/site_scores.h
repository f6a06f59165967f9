// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/evaluation/scores.h"
#include "model/training/site_years.h"
#include "model/training/training.h"

namespace fluxtile {

/// Variables that are scored: Ra, Rh, Reco, NEE.
const std::vector<std::string>& scored_variables();

/// Monthly means of a site-year; NaN where a month has fewer than 15 days that count.
using MonthlyMeans = std::array<double, SiteYears::months>;

/// What a site-year's labels (or truth) say of a variable: daily values, or monthly means where no
/// day has a value. Both null where the variable is not known. `Reco` is Ra + Rh where only those
/// are known.
struct Observations {
  std::vector<float> daily;    ///< empty or 365 values
  std::vector<float> monthly;  ///< empty or 12 values
  [[nodiscard]] bool none() const { return daily.empty() && monthly.empty(); }
};
Observations observations(const SiteYears& table, const std::string& variable, size_t site,
                          size_t year, bool against_truth);

/// Monthly means of `values` [365] over the days on which `counted` [365] is a number as well.
MonthlyMeans monthly_means(const float* values, const float* counted, int year);
/// Monthly means of what was observed: of the days, or the monthly values themselves.
MonthlyMeans monthly_means(const Observations& observed, int year);

/// Crop_Type of a site-year, rounded; 0 where the table has no such input.
int crop_of(const SiteYears& table, size_t site, size_t year);

/// Mean over site-years of the observed monthly means, by crop and month: [crop][month]. NaN where
/// no site-year tells.
std::map<int, MonthlyMeans> month_crop_means(const SiteYears& table, const Roles& roles, Role role,
                                             const std::string& variable, bool against_truth);

/// Rows of the same name and region are one site (folds of a cross-validation repeat them).
/// Pairs of one variable (Ra, Rh, Reco, NEE) at a time scale over the site-years with role `role`.
/// Observations are the table's truth where it has one and `against_truth`, else its labels (daily,
/// or monthly where there are only monthly ones; then there is no daily scale).
///  - monthly: means of days with both values, months with at least 15 of them;
///  - annual: sums, gC m-2 yr-1, of years with at least 330 days (12 months); 365 times the mean of
///    the days with both values, so that a gap does not count as a day without flux;
///  - anomaly: monthly minus the month x crop climatology of the observations in the site-years
///    with role train (of the same fold), for observed and predicted alike; months without a
///    climatology are left out;
///  - between_site: a site's mean annual sum over its years (year 0, period 0).
std::vector<ScaledValue> scaled_values(const SiteYears& table, const Roles& roles, Role role,
                                       const Predictions& predictions, const std::string& variable,
                                       Scale scale, bool against_truth);

/// Scores of one site alone.
struct SiteScores {
  std::string site;
  Scores scores;
};

/// Scores over all sites of a region ("" = all), and their distribution over sites.
struct RegionScores {
  std::string region, variable;
  Scale scale = Scale::daily;
  Scores all;
  size_t sites = 0;
  double nse_median = 0, nse_q25 = 0, nse_q75 = 0;     ///< of the sites' own NSE
  double rmse_median = 0, rmse_q25 = 0, rmse_q75 = 0;  ///< of the sites' own RMSE
  std::vector<SiteScores> by_site;                     ///< in the table's order
};
/// Every region, variable and scale with at least one pair; all regions together first. A site with
/// one pair has an RMSE and no NSE. KGE, which compares means, is NaN for anomalies.
std::vector<RegionScores> region_scores(const SiteYears& table, const Roles& roles, Role role,
                                        const Predictions& predictions, bool against_truth);

/// Squared errors by site and year, for paired_bootstrap(), over the pairs that both have. A site
/// without a block is a block of its own. Choose a region by BlockError::site.
std::vector<BlockError> block_errors(const SiteYears& table, const Roles& roles, Role role,
                                     const Predictions& first, const Predictions& second,
                                     const std::string& variable, Scale scale, bool against_truth);

}  // namespace fluxtile
