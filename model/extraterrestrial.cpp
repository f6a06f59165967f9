// SPDX-License-Identifier: Apache-2.0
#include "model/extraterrestrial.h"

#include <algorithm>
#include <cmath>

namespace fluxtile {

double extraterrestrial_radiation(double latitude, double day_of_year) {
  constexpr double pi = 3.14159265358979323846, solar_constant = 0.0820;  // MJ m-2 min-1
  const double phi = latitude * pi / 180;
  const double angle = 2 * pi * day_of_year / 365;
  const double inverse_distance = 1 + 0.033 * std::cos(angle);
  const double declination = 0.409 * std::sin(angle - 1.39);
  const double sunset = std::acos(std::clamp(-std::tan(phi) * std::tan(declination), -1.0, 1.0));
  return 24 * 60 / pi * solar_constant * inverse_distance *
         (sunset * std::sin(phi) * std::sin(declination) +
          std::cos(phi) * std::cos(declination) * std::sin(sunset));
}

}  // namespace fluxtile
