// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "model/package.h"

namespace fluxtile::test {

/// kgml-ag-c for one cell, written as plain loops in float64 straight from its equations: what the
/// network in torch is checked against. Shares nothing with it but the weights.
struct ReferenceYear {
  std::vector<std::array<double, 3>> fluxes;  ///< per day Ra, Rh, NEE, z-scored
  std::vector<double> attention;              ///< per day, after tanh
  double yield_z = 0;
  double residue = 0;         ///< gC m-2
  std::vector<double> state;  ///< 384 after the last day
};

/// `x_z`: [day][19] z-scored; `state`: 384 values.
ReferenceYear reference_year(const Package& package, const std::vector<float>& x_z,
                             const std::vector<double>& state);

}  // namespace fluxtile::test
