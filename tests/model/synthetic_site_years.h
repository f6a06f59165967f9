// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "model/training/site_years.h"

namespace fluxtile::test {

/// Crop fields with seasons, made by a few lines of arithmetic: the 19 inputs of kgml-ag-c and
/// daily Ra, Rh, Reco, NEE and annual Yield that follow from them, with NEE = Reco - GPP on every
/// day. Corn and soybean take turns. Regions are "A", "B", ... in turn, with blocks of two sites.
SiteYears crop_fields(uint32_t seed, size_t sites, size_t years, size_t regions = 1);

/// The same as towers see it: Reco and NEE alone, NaN in `gaps` of the days.
SiteYears tower_fields(uint32_t seed, size_t sites, size_t years, double gaps = 0.3);

}  // namespace fluxtile::test
