// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/gpp.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

struct Season {
  double peak;                   // gC m-2 d-1
  double green_up, green_width;  // 0-based day of year of half the rise; days
  double senescence, fade_width;
};

Season season_of(int code) {
  switch (code) {
    case corn:
      return {18.0, 168, 8.5, 253, 9.0};
    case soybeans:
      return {11.5, 184, 7.5, 254, 6.5};
    case grass:
      return {6.5, 114, 14, 289, 14};
    case forest:
      return {9.0, 127, 8, 282, 11};
    case developed:
      return {2.2, 118, 14, 286, 15};
    default:
      return {0, 150, 10, 250, 10};
  }
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

double gpp_of(const Site& site, double day_of_year) {
  const Season s = season_of(site.code);
  if (s.peak == 0) return 0;
  const double day = day_of_year - site.shift;
  const double rise = logistic((day - s.green_up) / s.green_width);
  const double fall = logistic((day - s.senescence) / s.fade_width);
  const double rate = s.peak * site.vigour * std::max(0.0, rise - fall);
  return rate < 0.05 ? 0.0 : rate;
}

}  // namespace fluxtile::world
