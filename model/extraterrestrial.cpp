// SPDX-License-Identifier: Apache-2.0
#include "model/extraterrestrial.h"

#include <algorithm>
#include <cmath>

namespace fluxtile {
namespace {
constexpr double kPi = 3.14159265358979323846;
}  // namespace

Parallel::Parallel(double latitude)
    : sine_(std::sin(latitude * kPi / 180)),
      cosine_(std::cos(latitude * kPi / 180)),
      tangent_(std::tan(latitude * kPi / 180)) {}

SolarDay::SolarDay(double day_of_year) {
  constexpr double solar_constant = 0.0820;  // MJ m-2 min-1
  const double angle = 2 * kPi * day_of_year / 365;
  const double inverse_distance = 1 + 0.033 * std::cos(angle);
  const double declination = 0.409 * std::sin(angle - 1.39);
  strength_ = 24 * 60 / kPi * solar_constant * inverse_distance;
  sine_ = std::sin(declination);
  cosine_ = std::cos(declination);
  tangent_ = std::tan(declination);
}

double extraterrestrial_radiation(const Parallel& parallel, const SolarDay& day) {
  const double cosine_of_sunset = std::clamp(-parallel.tangent_ * day.tangent_, -1.0, 1.0);
  const double sine_of_sunset = std::sqrt(1 - cosine_of_sunset * cosine_of_sunset);
  return day.strength_ * (std::acos(cosine_of_sunset) * parallel.sine_ * day.sine_ +
                          parallel.cosine_ * day.cosine_ * sine_of_sunset);
}

}  // namespace fluxtile
