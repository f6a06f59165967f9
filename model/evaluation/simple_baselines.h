// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/training/site_years.h"
#include "model/training/training.h"

namespace fluxtile {

/// Baselines that need no network. Fitted on the labels of the site-years with role train, all
/// regions together; predicted for all site-years. Both throw Error(data) where no training label
/// tells what they need.

/// Month x crop means of Reco and NEE (and Ra, Rh where there are labels). A month in which a crop
/// was never seen gets the mean of the other crops, a month that was never seen the mean of all.
Predictions climatology_baseline(const SiteYears& table, const Roles& roles);

/// The line Reco = a + b GPP + c e^(0.07 T), least squares on monthly means. T is the mean air
/// temperature, TMAX_AIR - TDIF_AIR / 2 (degC); GPP is the input. NEE = Reco - GPP. Predictions are
/// daily: GPP is the day's, and the temperature term of a month, c e^(0.07 mean T), goes to its
/// days in proportion to e^(0.07 T), so that monthly means are those of the monthly line.
Predictions line_baseline(const SiteYears& table, const Roles& roles);

/// Bias and slope of Reco and NEE fitted per region on train labels (monthly means): corrected
/// predictions; Ra, Rh and annual values stay. A region with fewer than 12 monthly values, or whose
/// predictions do not vary, keeps slope 1; one without any keeps its predictions.
Predictions bias_and_slope(const SiteYears& table, const Roles& roles,
                           const Predictions& predictions);

}  // namespace fluxtile
