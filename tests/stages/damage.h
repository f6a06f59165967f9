// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/digest.h"

namespace fluxtile {

/// As a writer of another kind or time would have left it: whole, with a trailer that fits.
inline std::string sealed(std::string body) {
  const uint64_t sum = xxh3_64(body.data(), body.size());
  return body.append(reinterpret_cast<const char*>(&sum), sizeof sum);
}

/// Every bit of a sample of bytes, flipped one at a time, and every length that is too short:
/// `parse` must take none of them.
template <typename Parse>
void expect_no_damage_passes(const std::string& bytes, Parse parse) {
  ASSERT_TRUE(parse(bytes));
  size_t tried = 0;
  for (size_t at = 0; at < bytes.size(); at += at < 1000 || at + 100 > bytes.size() ? 1 : 7) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_FALSE(parse(flipped)) << "byte " << at << ", bit " << bit;
      ++tried;
    }
  }
  EXPECT_GT(tried, 8000U);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(parse(bytes.substr(0, length))) << length;
  EXPECT_FALSE(parse(bytes + bytes));
  EXPECT_FALSE(parse(bytes + '\0'));
}

}  // namespace fluxtile
