// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/world/world.h"

namespace fluxtile::world {

/// Writes the true fluxes of a world in the form of a run's products, into `folder`:
/// <region>_<variable>_annual.tif (one band a year, sums, gC m-2; as a run does, at most 12 years a
/// file) and <region>_<variable>_monthly_<year>.tif (twelve bands, means, gC m-2 d-1; without
/// yield). Variables: ra, rh, reco, nee, gpp, yield. The extent is that of the run's products: the
/// tight box of the region's cells; cells without a truth are nodata. `regions`: the written
/// regions.geojson. Tag FLUXTILE_SYNTHETIC=YES. Atomic.
void write_truth(const World& world, const std::string& regions, const std::string& folder);

}  // namespace fluxtile::world
