// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace fluxtile {

/// What R2 = 1 - mean((y' - y)^2) / population variance(y) needs, by variable; parts can be added
/// up. float64.
class R2Sums {
 public:
  struct Sums {
    double count = 0, squared_error = 0, sum = 0, squares = 0;
  };
  void add(const std::string& variable, const Sums& sums);
  void add(const R2Sums& other);
  /// NaN for a variable with less than two labels or labels that do not vary.
  [[nodiscard]] std::map<std::string, double> r2() const;

 private:
  std::map<std::string, Sums> sums_;
};

}  // namespace fluxtile
