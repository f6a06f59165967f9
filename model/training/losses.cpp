// SPDX-License-Identifier: Apache-2.0
#include "model/training/losses.h"

#include <torch/types.h>

namespace fluxtile {
namespace {

constexpr double mass_balance_tolerance = 0.01;                   // share of the respiration
constexpr double largest_harvest_share = 0.5;                     // of the year's GPP
constexpr int64_t season_begin = 105, season_end = 300;           // 0-based days
constexpr int64_t season_first_month = 3, season_last_month = 9;  // April, October

at::Tensor physical(const at::Tensor& z, const Scaler& scaler) {
  return z * scaler.std + scaler.mean;
}

/// mask (predicted - observed)^2, 0 where the mask is, whatever the observation holds.
at::Tensor masked_squares(const at::Tensor& predicted, const at::Tensor& observed,
                          const at::Tensor& mask) {
  return mask * (predicted - observed.masked_fill(mask == 0, 0)).square();
}

at::Tensor float64(const at::Tensor& values) { return values.to(at::kDouble); }

/// mask ReLU(|imbalance| - 0.01 |respiration|).
at::Tensor excess_imbalance(const at::Tensor& imbalance, const at::Tensor& respiration,
                            const at::Tensor& mask) {
  return mask * at::relu(imbalance.abs() - mass_balance_tolerance * respiration.abs());
}

/// Fit of Reco and NEE; time steps [begin, end) are the growing season. All float64, [years,steps].
at::Tensor fit_of_towers(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                         const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                         const at::Tensor& nee_observed, const at::Tensor& nee_mask, int64_t begin,
                         int64_t end, bool seasonal) {
  const at::Tensor all = masked_squares(ra + rh, float64(reco_observed), float64(reco_mask));
  at::Tensor reco;
  if (seasonal) {
    const at::Tensor off = masked_squares(rh, float64(reco_observed), float64(reco_mask));
    reco = (off.slice(1, 0, begin).mean(1) + off.slice(1, end).mean(1) +
            all.slice(1, begin, end).mean(1))
               .sum();
  } else {
    reco = all.mean();
  }
  return reco + masked_squares(nee, float64(nee_observed), float64(nee_mask)).mean();
}

at::Tensor differences(const at::Tensor& curve) {
  return curve.slice(0, 1) - curve.slice(0, 0, curve.size(0) - 1);
}

bool flat(const at::Tensor& curve) { return (curve == curve[0]).all().item<bool>(); }

}  // namespace

at::Tensor flux_loss(const at::Tensor& z, const at::Tensor& z_target, const at::Tensor& mask,
                     double elements) {
  const at::Tensor by_flux = mask.dim() == 2 ? mask.unsqueeze(2).expand_as(z) : mask;
  return masked_squares(z, z_target, by_flux).sum() / elements;
}

at::Tensor mass_balance_loss(const at::Tensor& z, const at::Tensor& gpp, const at::Tensor& mask,
                             const FluxScalers& scalers, double elements) {
  const at::Tensor respiration =
      physical(z.select(2, 0), scalers.ra) + physical(z.select(2, 1), scalers.rh);
  const at::Tensor imbalance = gpp + respiration + physical(z.select(2, 2), scalers.nee);
  return excess_imbalance(imbalance, respiration, mask).sum() / elements;
}

at::Tensor sample_errors(const at::Tensor& z, const at::Tensor& z_target, const at::Tensor& mask) {
  return masked_squares(z, z_target, mask).mean(1);
}

at::Tensor self_paced_loss(const at::Tensor& errors, double threshold, double samples) {
  if (threshold <= 0) return errors.sum() / samples;
  return at::where(errors < threshold, errors, at::zeros_like(errors)).sum() / samples;
}

at::Tensor county_yield_loss(const at::Tensor& corn_errors, const at::Tensor& soybean_errors,
                             double threshold, double corn_samples, double soybean_samples) {
  at::Tensor corn, soybean;
  if (corn_errors.defined()) corn = self_paced_loss(corn_errors, threshold, corn_samples) / 2;
  if (soybean_errors.defined())
    soybean = self_paced_loss(soybean_errors, threshold, soybean_samples) / 2;
  if (!corn.defined()) return soybean;
  return soybean.defined() ? corn + soybean : corn;
}

at::Tensor yield_bound_loss(const at::Tensor& yield, const at::Tensor& annual_gpp, double samples) {
  return (at::relu(yield - largest_harvest_share * annual_gpp) + at::relu(-yield)).sum() / samples;
}

at::Tensor tower_loss(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                      const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                      const at::Tensor& nee_observed, const at::Tensor& nee_mask, bool seasonal) {
  return fit_of_towers(float64(ra), float64(rh), float64(nee), reco_observed, reco_mask,
                       nee_observed, nee_mask, season_begin, season_end, seasonal);
}

at::Tensor monthly_tower_loss(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                              const at::Tensor& reco_observed, const at::Tensor& reco_mask,
                              const at::Tensor& nee_observed, const at::Tensor& nee_mask,
                              bool seasonal) {
  return fit_of_towers(float64(ra), float64(rh), float64(nee), reco_observed, reco_mask,
                       nee_observed, nee_mask, season_first_month, season_last_month + 1, seasonal);
}

at::Tensor tower_mass_balance(const at::Tensor& ra, const at::Tensor& rh, const at::Tensor& nee,
                              const at::Tensor& gpp, const at::Tensor& mask) {
  const at::Tensor reco = float64(ra) + float64(rh);
  return excess_imbalance(float64(gpp) - reco + float64(nee), reco, float64(mask)).mean();
}

at::Tensor falling_loss(const at::Tensor& curve, double step) {
  return at::relu(differences(curve) / step).sum();
}

at::Tensor rising_loss(const at::Tensor& curve, double step) {
  return at::relu(-differences(curve) / step).sum();
}

at::Tensor keep_correlation_loss(const at::Tensor& curve, const at::Tensor& before, double r_min) {
  if (flat(before)) return (curve * 0).sum();
  if (flat(curve)) return (curve * 0).sum() + r_min;
  const at::Tensor a = curve - curve.mean(), b = before - before.mean();
  return at::relu(r_min - (a * b).sum() / (a.square().sum() * b.square().sum()).sqrt());
}

at::Tensor keep_r2_loss(const at::Tensor& curve, const at::Tensor& before, double r_min) {
  if (flat(before)) return (curve * 0).sum();
  const at::Tensor variance = (before - before.mean()).square().mean();
  return at::relu(r_min - 1 + (curve - before).square().mean() / variance);
}

at::Tensor keep_response_loss(const ResponseRange& range, const at::Tensor& ra,
                              const at::Tensor& rh, const at::Tensor& ra_before,
                              const at::Tensor& rh_before) {
  const at::Tensor of_ra = keep_correlation_loss(ra, ra_before, range.ra_r_min);
  return of_ra + (range.feature == "TSOC" ? keep_r2_loss(rh, rh_before, range.rh_r_min)
                                          : keep_correlation_loss(rh, rh_before, range.rh_r_min));
}

}  // namespace fluxtile
