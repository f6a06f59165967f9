// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "model/package.h"
#include "model/training/schedule.h"

namespace fluxtile {

/// Loss terms of KGML-ag-Carbon (Liu et al. 2024; each checked against numbers that the authors'
/// own code gave). All means run over ALL elements: masked ones count as zero and stay in the
/// denominator. Where a mini-batch is cut into chunks, `elements` of the whole batch are passed so
/// that sums of chunks give the batch's loss exactly.
struct FluxScalers {
  Scaler ra, rh, nee, gpp;
};

/// sum over Ra, Rh, NEE of mean(mask (z - z_target)^2). Shapes [B,T,3], mask [B,T] or [B,T,3];
/// `elements` = B T of the whole batch. In all terms a label whose mask is 0 may be NaN.
at::Tensor flux_loss(const at::Tensor& z, const at::Tensor& z_target, const at::Tensor& mask,
                     double elements);

/// mean(mask ReLU(|GPP + Ra + Rh + NEE| - 0.01 |Ra + Rh|)) in gC m-2 d-1, network signs (Ra, Rh,
/// NEE as the network gives them). `z` [B,T,3], `gpp` [B,T] physical, mask [B,T].
at::Tensor mass_balance_loss(const at::Tensor& z, const at::Tensor& gpp, const at::Tensor& mask,
                             const FluxScalers& scalers, double elements);

/// Error of each sample: mean over its days of mask (z - z_target)^2. Shapes [B,T] -> [B].
at::Tensor sample_errors(const at::Tensor& z, const at::Tensor& z_target, const at::Tensor& mask);

/// Mean over `samples` of the errors [B] that are below the threshold (strictly); the others count
/// as zero. threshold <= 0: plain mean.
at::Tensor self_paced_loss(const at::Tensor& errors, double threshold, double samples);

/// Yields of counties, step 3: (self-paced mean over corn + self-paced mean over soybean) / 2.
/// Errors: squared differences of z-scored yields, [counties of the chunk]; undefined: none of that
/// crop. `*_samples`: counties of the whole batch.
at::Tensor county_yield_loss(const at::Tensor& corn_errors, const at::Tensor& soybean_errors,
                             double threshold, double corn_samples, double soybean_samples);

/// Bounds of the yield, step 3: mean ReLU(yield - 0.5 GPP) + mean ReLU(-yield), gC m-2 yr-1.
/// `yield`, `annual_gpp`: [B]; `samples`: of the whole batch.
at::Tensor yield_bound_loss(const at::Tensor& yield, const at::Tensor& annual_gpp, double samples);

/// L_tower of step 5 for one site over its years. fluxes: physical, positive = release for Ra, Rh
/// and NEE with the sign of Reco - GPP; [years,365]. Observations float64 with masks. Off-season
/// days [0,105) and [300,365) compare Rh with Reco, [105,300) Ra + Rh; sum over years of the three
/// means, plus ONE mean over all days for NEE. `seasonal` false: the validation form, one mean over
/// all days for Reco too. Result float64; the sum over sites is divided by their number outside.
at::Tensor tower_loss(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                      const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                      const at::Tensor& nee_observed, const at::Tensor& nee_mask,
                      bool seasonal = true);

/// The same for monthly means, [years,12], of predictions and labels.
/// Months that lie wholly off-season (January to March, November, December) compare Rh in the
/// seasonal form. Each term is divided as tower_loss divides days, by months.
at::Tensor monthly_tower_loss(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                              const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                              const at::Tensor& nee_observed, const at::Tensor& nee_mask,
                              bool seasonal = true);

/// Tower mass balance: mean of m ReLU(|GPP - Reco + NEE| - 0.01 |Reco|), positive signs,
/// [years,365].
at::Tensor tower_mass_balance(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                              const at::Tensor& gpp, const at::Tensor& mask);

/// sum over k of ReLU((curve[k+1] - curve[k]) / step): a curve must fall (Rh, network sign).
at::Tensor falling_loss(const at::Tensor& curve, double step);
/// sum over k of ReLU(-(curve[k+1] - curve[k]) / step): a curve must rise (yield).
at::Tensor rising_loss(const at::Tensor& curve, double step);
/// ReLU(r_min - pearson(curve, before)) over the points of a response curve. A curve that was flat
/// before has no shape to keep: 0; one that is flat now counts as r = 0.
at::Tensor keep_correlation_loss(const at::Tensor& curve, const at::Tensor& before, double r_min);
/// ReLU(r_min - R2(curve, before)), R2 = 1 - mean((curve - before)^2) / population
/// variance(before); 0 where that variance is.
at::Tensor keep_r2_loss(const at::Tensor& curve, const at::Tensor& before, double r_min);

/// Range of one feature's response curve, in z-scores (published with the model).
struct ResponseRange {
  std::string feature;
  double low = 0, high = 0, interval = 0;
  double ra_r_min = 0, rh_r_min = 0;
  /// low, low + m interval, low + 2 m interval, ... up to high, m = `multiple`; Crop_Type always
  /// has its two ends.
  [[nodiscard]] std::vector<double> points(int multiple) const;
};
/// Of all 19 inputs, in order.
const std::vector<ResponseRange>& response_ranges();
/// Of one input; throws Error(data) naming the ones there are.
const ResponseRange& response_range(const std::string& feature);

/// L_keep of one feature: keep_correlation_loss of Ra and of Rh with the range's limits; for TSOC
/// the Rh term is keep_r2_loss.
at::Tensor keep_response_loss(const ResponseRange& range, const at::Tensor& ra,
                              const at::Tensor& rh, const at::Tensor& ra_before,
                              const at::Tensor& rh_before);

}  // namespace fluxtile
