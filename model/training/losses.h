// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

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

/// sum over Ra, Rh, NEE of mean(mask (z - z_target)^2). Shapes [B,T,3]; `elements` = B T of the
/// whole batch.
at::Tensor flux_loss(const at::Tensor& z, const at::Tensor& z_target, const at::Tensor& mask,
                     double elements);

/// mean(mask ReLU(|GPP + Ra + Rh + NEE| - 0.01 |Ra + Rh|)) in gC m-2 d-1, network signs (Ra, Rh,
/// NEE as the network gives them). `z` [B,T,3], `gpp` [B,T] physical, mask [B,T].
at::Tensor mass_balance_loss(const at::Tensor& z, const at::Tensor& gpp, const at::Tensor& mask,
                             const FluxScalers& scalers, double elements);

/// Mean over `samples` of the errors [B] that are below the threshold (strictly); the others count
/// as zero. threshold <= 0: plain mean.
at::Tensor self_paced_loss(const at::Tensor& errors, double threshold, double samples);

/// L_tower of step 5 for one site over its years. fluxes: physical, positive = release for Ra, Rh
/// and NEE with the sign of Reco - GPP; [years,365]. Observations float64 with masks. Off-season
/// days [0,105) and [300,365) compare Rh with Reco, [105,300) Ra + Rh; sum over years of the three
/// means, plus ONE mean over all days for NEE. `seasonal` false: the validation form.
at::Tensor tower_loss(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                      const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                      const at::Tensor& nee_observed, const at::Tensor& nee_mask,
                      bool seasonal = true);

/// The same for labels that are monthly means, [years,12]: predicted monthly means against them.
/// Months that lie wholly off-season (January to March, November, December) compare Rh in the
/// seasonal form. Each term is divided as tower_loss divides days, by months.
at::Tensor monthly_tower_loss(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                              const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                              const at::Tensor& nee_observed, const at::Tensor& nee_mask,
                              bool seasonal = true);

/// Tower mass balance: mean of m ReLU(|GPP - Reco + NEE| - 0.01 |Reco|), positive signs, [years,365].
at::Tensor tower_mass_balance(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                              const at::Tensor& gpp, const at::Tensor& mask);

/// sum over k of ReLU((curve[k+1] - curve[k]) / step): a curve must fall (Rh, network sign).
at::Tensor falling_loss(const at::Tensor& curve, double step);
/// sum over k of ReLU(-(curve[k+1] - curve[k]) / step): a curve must rise (yield).
at::Tensor rising_loss(const at::Tensor& curve, double step);
/// ReLU(r_min - pearson(curve, before)) over the points of a response curve.
at::Tensor keep_correlation_loss(const at::Tensor& curve, const at::Tensor& before, double r_min);
/// ReLU(r_min - R2(curve, before)), R2 = 1 - mean((curve - before)^2) / population variance(before).
at::Tensor keep_r2_loss(const at::Tensor& curve, const at::Tensor& before, double r_min);

/// Range of one feature's response curve, in z-scores (published with the model).
struct ResponseRange {
  std::string feature;
  double low = 0, high = 0, interval = 0;
  double ra_r_min = 0, rh_r_min = 0;
  /// low, low + interval m, ..., `multiple` times the interval; Crop_Type always has its two ends.
  [[nodiscard]] std::vector<double> points(int multiple) const;
};
/// Of all 19 inputs, in order.
const std::vector<ResponseRange>& response_ranges();

}  // namespace fluxtile
