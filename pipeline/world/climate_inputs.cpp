// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/climate_inputs.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {

std::array<double, 7> climate_inputs(const DayWeather& weather) {
  const double tmax = weather.tmax - 273.15, tmin = weather.tmin - 273.15;
  const double e1 = saturation_vapour_pressure(tmin) * weather.rh_max / 100;
  const double e2 = saturation_vapour_pressure(tmax) * weather.rh_min / 100;
  return {weather.radiation * 0.0864, tmax,        tmax - tmin, std::max(e1, e2), std::abs(e1 - e2),
          weather.wind * 86.4,        weather.rain};
}

}  // namespace fluxtile::world
