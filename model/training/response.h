// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/training/parallel_gradient.h"

namespace fluxtile {

/// Sites and years on which response curves are formed: z-scored inputs [site,year,day,feature].
struct CheckSet {
  at::Tensor x_z;  ///< [S,Y,T,F]
};

/// Mean Ra, Rh (gC m-2 d-1, network sign) and yield (z-score) over sites and years of a check set,
/// at each value of one feature: [points].
struct ResponseCurve {
  std::vector<double> ra, rh, yield;
};

/// A feature is replaced by each value on every day; zero state, a spin-up of two years that is
/// part of the run, then all years. One chunk a point and group of sites.
ResponseCurve response_curve(ParallelGradient& work, const CheckSet& set, size_t feature,
                             const std::vector<double>& z_values, uint64_t seed, uint64_t step,
                             bool training);

/// Loss of a curve as a function of its means: value, and its derivative to each mean of ra, rh and
/// yield (same shapes; empty = zero).
struct CurveLoss {
  double value = 0;
  ResponseCurve derivative;
};

/// Gradient of a loss on a response curve in two passes: the means without gradient, then each
/// chunk again with dL/dmean. The gradient is exact (same dropout in both passes) and runs through
/// all simulated years, spin-up included; memory is that of one chunk. Leaves the gradient in the
/// network's parameters and returns the loss.
double response_gradient(ParallelGradient& work, const CheckSet& set, size_t feature,
                         const std::vector<double>& z_values,
                         const std::function<CurveLoss(const ResponseCurve&)>& loss, uint64_t seed,
                         uint64_t step);

}  // namespace fluxtile
