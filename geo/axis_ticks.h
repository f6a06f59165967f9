// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace fluxtile {

/// Round numbers (1, 2, 2.5 or 5 times a power of ten apart) from `low` to `high`, about `wanted`
/// intervals of them. Empty unless low < high.
std::vector<double> axis_ticks(double low, double high, int wanted = 5);

}  // namespace fluxtile
