// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace fluxtile::world {

/// A linear map: value = bias + sum of weight * feature. Rounded to float32.
struct LinearHead {
  std::vector<double> weight;
  double bias = 0;
};

/// Least squares with a penalty on the weights (not on the bias): normal equations of the centred
/// features, solved by Cholesky's method in double. `features`: [feature][sample]; `penalty` is
/// relative to the number of samples (added to the covariance's diagonal). Throws Error(internal)
/// if the matrix is not positive definite.
LinearHead fit_ridge(const std::vector<std::vector<double>>& features,
                     const std::vector<double>& target, double penalty);

/// Share of the target's variance that `value` explains (1 = all).
double explained(const std::vector<double>& value, const std::vector<double>& target);

}  // namespace fluxtile::world
