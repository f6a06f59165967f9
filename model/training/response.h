// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/package.h"
#include "model/training/losses.h"
#include "model/training/parallel_gradient.h"

namespace fluxtile {

/// Sites and years on which response curves are formed: z-scored inputs [site,year,day,feature].
struct CheckSet {
  at::Tensor x_z;        ///< [S,Y,T,F]
  Scaler ra, rh;         ///< of the network's outputs
  int spinup_years = 2;  ///< run from zero state first: the set's first years, in order
};

/// Mean Ra, Rh (gC m-2 d-1, network sign) and yield (z-score) over sites and years of a check set,
/// at each value of one feature: [points]. yield is empty where the network has none.
struct ResponseCurve {
  std::vector<double> ra, rh, yield;
};

/// A feature is replaced by each value on every day; zero state, a spin-up that is part of the run,
/// then all years. A chunk is a point and a group of at most `response_group` sites; chunk = point
/// * groups + group. Dropout of a chunk's n-th year (spin-up first) is that of
/// restart_response_dropout(). Throws Error(data) for a set with fewer years than the spin-up.
ResponseCurve response_curve(ParallelGradient& work, const CheckSet& set, size_t feature,
                             const std::vector<double>& z_values, uint64_t seed, uint64_t step,
                             bool training);

/// Sites that are run together.
constexpr int64_t response_group = 32;
/// Starts the dropout of one simulated year of a chunk, so that a year can be run again alone.
void restart_response_dropout(DropoutStream& dropout, uint64_t seed, uint64_t step, uint64_t chunk,
                              uint64_t year) noexcept;

/// Loss of a curve as a function of its means: value, and its derivative to each mean of ra, rh and
/// yield (same shapes; empty = zero).
struct CurveLoss {
  double value = 0;
  ResponseCurve derivative;
};

/// falling_loss() of Rh (L_SOC, L_Rh-GPP), rising_loss() of the yield, keep_response_loss() of Ra
/// and Rh (L_keep), of curves. `step`: distance of neighbouring points.
CurveLoss falling_rh_loss(const ResponseCurve& curve, double step);
CurveLoss rising_yield_loss(const ResponseCurve& curve, double step);
CurveLoss keep_curve_loss(const ResponseCurve& curve, const ResponseCurve& before,
                          const ResponseRange& range);

/// Gradient of a loss on a response curve in two passes: the means without gradient, then each
/// chunk again with dL/dmean, from its last year back to its first. The gradient is exact (same
/// dropout in both passes) and runs through all simulated years, spin-up included; memory is that
/// of back-propagation through one year of one chunk a thread, and of the hidden states between
/// years. Points that the loss does not depend on are not run again. Training mode; leaves the
/// gradient in the network's parameters and returns the loss.
double response_gradient(ParallelGradient& work, const CheckSet& set, size_t feature,
                         const std::vector<double>& z_values,
                         const std::function<CurveLoss(const ResponseCurve&)>& loss, uint64_t seed,
                         uint64_t step);

}  // namespace fluxtile
