// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "pipeline/world/weather.h"

namespace fluxtile::world {

/// RADN (MJ m-2 d-1), TMAX_AIR, TDIF_AIR (degC), HMAX_AIR, HDIF_AIR (kPa), WIND (km d-1), PRECN
/// (mm d-1): the first seven inputs of kgml-ag-c, as the recipe `gridmet` forms them.
std::array<double, 7> climate_inputs(const DayWeather& weather);

}  // namespace fluxtile::world
