// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/world/landscape.h"

namespace fluxtile::world {

/// Gross primary production of a site, gC m-2 d-1, never negative: a double logistic over the year
/// (green-up and senescence by crop, shifted by the field) times its vigour. Below 0.05 it is 0.
/// `day_of_year`: 0-based, fractions allowed.
double gpp_of(const Site& site, double day_of_year);

}  // namespace fluxtile::world
