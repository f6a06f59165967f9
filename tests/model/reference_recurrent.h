// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "model/package.h"

namespace fluxtile::test {

/// The baselines `gru` and `lstm` for one cell, written as plain loops in float64 straight from
/// PyTorch's equations of GRU and LSTM. Shares nothing with the engines but the weights.
struct RecurrentYear {
  std::vector<std::array<double, 64>> units;  ///< per day, of the last layer
  std::vector<std::array<double, 3>> fluxes;  ///< per day Ra, Rh, NEE, z-scored
};

/// `x_z`: [day][input] z-scored. Starts from the zero state.
RecurrentYear reference_recurrent(const Package& package, const std::vector<float>& x_z);

}  // namespace fluxtile::test
