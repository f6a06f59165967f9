// SPDX-License-Identifier: Apache-2.0
#include "model/lane_batches.h"

#include <algorithm>

namespace fluxtile {

LaneBatches::LaneBatches(const std::vector<int32_t>& position, size_t lanes, size_t period)
    : lanes_(lanes) {
  const size_t groups = lanes / period;
  const auto modulus = static_cast<int64_t>(period);
  const auto lane_of = [&](int32_t p) {  // floored, so that positions left of the origin fit in
    return static_cast<size_t>((p % modulus + modulus) % modulus);
  };
  std::vector<size_t> length(period, 0);
  for (const int32_t p : position) ++length[lane_of(p)];
  const size_t longest = *std::max_element(length.begin(), length.end());
  batches_.assign((longest + groups - 1) / groups * lanes, padding);
  std::fill(length.begin(), length.end(), 0);
  for (size_t entry = 0; entry < position.size(); ++entry) {
    const size_t lane = lane_of(position[entry]);
    const size_t turn = length[lane]++;
    batches_[turn / groups * lanes + turn % groups * period + lane] = static_cast<int32_t>(entry);
  }
}

}  // namespace fluxtile
