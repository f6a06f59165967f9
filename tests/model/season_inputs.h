// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile::test {

/// A year (365 days) of `cells` cells as a package's network meets it in the field: invented
/// weather of the Corn Belt with its season, spells and rain, GPP of one growing season, soils
/// within the package's range.
YearInputs season_inputs(const Package& package, uint32_t seed, size_t cells);

}  // namespace fluxtile::test
