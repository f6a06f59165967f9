// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "model/package.h"

namespace fluxtile::test {

/// A network (kgml-ag-c, gru or lstm) for one cell, written as plain loops in float64 straight from
/// its equations: what the engines are checked against. Shares nothing with them but the weights.
struct ReferenceYear {
  std::vector<std::array<double, 3>> fluxes;  ///< per day Ra, Rh, NEE, z-scored
  std::vector<double> attention;              ///< per day, after tanh; kgml-ag-c alone
  double yield_z = 0;
  double residue = 0;         ///< gC m-2
  std::vector<double> state;  ///< after the last day, in the engines' order
};

/// `x_z`: [day][input] z-scored; `state`: as many values as the architecture has.
ReferenceYear reference_year(const Package& package, const std::vector<float>& x_z,
                             const std::vector<double>& state);

}  // namespace fluxtile::test
