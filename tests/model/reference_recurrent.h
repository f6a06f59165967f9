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
  std::vector<double> state;                  ///< after the last day, in the engines' order
};

/// `x_z`: [day][input] z-scored; `state`: h of both layers, an LSTM's cells behind them; empty = 0.
RecurrentYear reference_recurrent(const Package& package, const std::vector<float>& x_z,
                                  const std::vector<double>& state = {});

}  // namespace fluxtile::test
