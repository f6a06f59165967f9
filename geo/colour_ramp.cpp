// SPDX-License-Identifier: Apache-2.0
#include "geo/colour_ramp.h"

#include <algorithm>
#include <cmath>

namespace fluxtile {

const ColourRamp& colour_ramp(bool diverging) noexcept {
  // OKLCH: lightness 0.965 - 0.66 t, hue 95 + 165 t degrees.
  static const ColourRamp sequential{{{255, 244, 202},
                                      {213, 226, 130},
                                      {147, 210, 117},
                                      {55, 192, 124},
                                      {4, 161, 138},
                                      {3, 131, 134},
                                      {5, 101, 122},
                                      {0, 73, 110},
                                      {22, 46, 86}}};
  // OKLCH: lightness 0.965 - 0.50 |t|, hues 250 and 45 degrees.
  static const ColourRamp two_sided{{{3, 91, 158},
                                     {51, 129, 202},
                                     {115, 168, 222},
                                     {176, 206, 238},
                                     {243, 243, 243},
                                     {235, 192, 173},
                                     {214, 143, 111},
                                     {189, 95, 49},
                                     {146, 58, 2}}};
  return diverging ? two_sided : sequential;
}

Colour colour_at(const ColourRamp& ramp, double share) noexcept {
  const double last = static_cast<double>(ramp.size() - 1);
  const double at = std::isnan(share) ? 0.0 : std::clamp(share, 0.0, 1.0) * last;
  const size_t low = std::min(static_cast<size_t>(at), ramp.size() - 2);
  const double weight = at - static_cast<double>(low);
  const auto mix = [weight](uint8_t a, uint8_t b) {
    return static_cast<uint8_t>(std::lround(a + (b - a) * weight));
  };
  const Colour a = ramp[low], b = ramp[low + 1];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

std::string to_hex(Colour colour) {
  static const char* digits = "0123456789abcdef";
  std::string text = "#";
  for (const unsigned part : {colour.red, colour.green, colour.blue}) {
    text += digits[part >> 4U];
    text += digits[part & 15U];
  }
  return text;
}

}  // namespace fluxtile
