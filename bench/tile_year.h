// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/year_inputs.h"

namespace fluxtile {

/// One year (365 days) of a tile of 256 columns and `rows` rows: random climate, composites, soil.
YearInputs tile_year(int32_t rows);

}  // namespace fluxtile
