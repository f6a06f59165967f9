// SPDX-License-Identifier: Apache-2.0
#include "geo/axis_ticks.h"

#include <algorithm>
#include <cmath>

namespace fluxtile {

std::vector<double> axis_ticks(double low, double high, int wanted) {
  std::vector<double> values;
  if (!(low < high) || !std::isfinite(high - low)) return values;
  const double rough = (high - low) / std::max(wanted, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    step = power * factor;
    if (step >= rough * 0.999) break;
  }
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    values.push_back(k == 0 ? 0 : k * step);
  return values;
}

}  // namespace fluxtile
