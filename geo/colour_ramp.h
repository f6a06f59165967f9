// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace fluxtile {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
};

/// Nine colours from low to high, evenly spaced in perceived lightness (OKLab), so that they stay
/// in order for colour-blind readers and in grey print. Sequential: pale yellow over green to deep
/// blue. Diverging: blue (uptake) over near-white to red-brown (release).
using ColourRamp = std::array<Colour, 9>;
const ColourRamp& colour_ramp(bool diverging) noexcept;

/// Colour at `share` of the ramp (clamped to 0..1), linear between neighbours.
Colour colour_at(const ColourRamp& ramp, double share) noexcept;

std::string to_hex(Colour colour);  ///< "#0a5b9e"

}  // namespace fluxtile
