// SPDX-License-Identifier: Apache-2.0
#include "geo/quality_flags.h"

namespace fluxtile {

const std::array<QualityFlag, 11>& quality_flags() noexcept {
  static const std::array<QualityFlag, 11> flags{{
      {1, "gap-filled GPP", "#9ecae1"},
      {2, "input out of range", "#e69f00"},
      {4, "provisional", "#f0e442"},
      {8, "incomplete period", "#c7b6e0"},
      {16, "border blend", "#56b4e9"},
      {32, "forecast GPP", "#0072b2"},
      {64, "failed tile", "#b2182b"},
      {128, "soil substitute", "#a6761d"},
      {256, "negative Ra or Rh", "#cc79a7"},
      {512, "dormant-season zero", "#8a8a8a"},
      {1024, "crop year substituted", "#009e73"},
  }};
  return flags;
}

std::string quality_text(uint16_t value) {
  if (value == 0) return "no flag";
  if (value == 65535) return "not modelled";
  std::string text;
  unsigned left = value;
  for (const QualityFlag& flag : quality_flags()) {
    if ((left & flag.bit) == 0) continue;
    if (!text.empty()) text += " + ";
    text += flag.name;
    left &= ~static_cast<unsigned>(flag.bit);
  }
  if (left != 0) text += (text.empty() ? "" : " + ") + std::to_string(left);
  return text;
}

}  // namespace fluxtile
