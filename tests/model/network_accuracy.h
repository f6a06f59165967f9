// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/engine.h"
#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile::test {

/// Daily Ra, Rh, NEE of a year as the network gives them (z-scored): [flux][cell][day].
using NetworkYear = std::array<std::vector<std::vector<double>>, 3>;

/// The network in float64, written as plain loops, for every cell of `inputs` (with all_cells()).
NetworkYear reference_network(const Package& package, const YearInputs& inputs);

/// The same by an engine, without the rounding that physical units would add: the package is
/// rewritten so that its fluxes come out z-scored and its network stays the same.
NetworkYear engine_network(const Package& package, const YearInputs& inputs,
                           const EngineOptions& options);

/// How far one series is from another, over all days and cells of a flux.
struct Distance {
  double max = 0, rms = 0, mean = 0;  ///< of the absolute difference of z
  double annual = 0;  ///< largest |difference of a cell's annual sums| / sum of its |daily|,
                      ///< in physical units
};

/// `flux`: 0 Ra, 1 Rh, 2 NEE. The sum of |daily| is that of `expected`.
Distance distance(const Package& package, size_t flux, const NetworkYear& year,
                  const NetworkYear& expected);

}  // namespace fluxtile::test
