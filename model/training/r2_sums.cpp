// SPDX-License-Identifier: Apache-2.0
#include "model/training/r2_sums.h"

#include <limits>

namespace fluxtile {

void R2Sums::add(const std::string& variable, const Sums& sums) {
  if (sums.count == 0) return;
  Sums& all = sums_[variable];
  all.count += sums.count;
  all.squared_error += sums.squared_error;
  all.sum += sums.sum;
  all.squares += sums.squares;
}

void R2Sums::add(const R2Sums& other) {
  for (const auto& [variable, sums] : other.sums_) add(variable, sums);
}

std::map<std::string, double> R2Sums::r2() const {
  std::map<std::string, double> out;
  for (const auto& [variable, s] : sums_) {
    const double deviations = s.squares - s.sum * s.sum / s.count;
    out[variable] = s.count < 2 || !(deviations > 1e-12 * s.squares)
                        ? std::numeric_limits<double>::quiet_NaN()
                        : 1 - s.squared_error / deviations;
  }
  return out;
}

}  // namespace fluxtile
