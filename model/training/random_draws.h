// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxtile {

/// Random numbers that are the same with every compiler and standard library: SplitMix64 (Steele et
/// al. 2014) from a key of a few numbers. For initial weights, orders and samples.
class RandomDraws {
 public:
  explicit RandomDraws(uint64_t seed, uint64_t what = 0, uint64_t which = 0) noexcept;
  /// A key that holds text too; equal text and seed give equal numbers.
  RandomDraws(uint64_t seed, std::string_view text) noexcept;

  uint64_t next() noexcept;
  /// In [0, 1), 53 bits.
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }
  /// In [0, n); n > 0.
  size_t below(size_t n) noexcept {
    return static_cast<size_t>(uniform() * static_cast<double>(n));
  }
  /// Brings `items` into a random order.
  template <typename T>
  void shuffle(std::vector<T>& items) noexcept {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  uint64_t state_;
};

}  // namespace fluxtile
