// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace fluxtile {

/// One bit of the quality layer.
struct QualityFlag {
  uint16_t bit;
  const char* name;    ///< for people: "gap-filled GPP"
  const char* colour;  ///< "#rrggbb", for styles and charts
};

/// All bits in ascending order; docs/outputs.md explains them.
const std::array<QualityFlag, 11>& quality_flags() noexcept;

/// "no flag", "gap-filled GPP", "provisional + incomplete period", "not modelled" (65535). Bits
/// without a name are written as numbers.
std::string quality_text(uint16_t value);

}  // namespace fluxtile
