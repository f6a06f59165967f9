// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "model/delta_carbon.h"
#include "pipeline/world/sites.h"

namespace fluxtile::world {

/// First year that the process model runs for inputs that begin in `first_year`. The soil map tells
/// the carbon of the start of 2008, or of four years before the inputs where that is earlier: sites
/// and rasters of the same years then have lost or gained as much soil carbon since.
int first_settling_year(int first_year);

/// delta-carbon, or the truth of another structure, with the true parameters of some pixels.
struct TrueModel {
  Heterogeneity kind;
  const delta_carbon::ParameterSet& parameters;
  const delta_carbon::SoilColumn& soil;

  /// State after `years`, at least four, run from the equilibrium of the first four.
  [[nodiscard]] delta_carbon::State settled(const std::vector<delta_carbon::Forcing>& years) const;
  /// One calendar year; goes on from `state` and changes it.
  delta_carbon::Fluxes run(const delta_carbon::Forcing& year, delta_carbon::State& state) const;
};

}  // namespace fluxtile::world
