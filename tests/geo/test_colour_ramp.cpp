// SPDX-License-Identifier: Apache-2.0
#include "geo/colour_ramp.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fluxtile {
namespace {

/// Relative luminance of an sRGB colour (IEC 61966-2-1).
double luminance(Colour c) {
  const auto linear = [](uint8_t part) {
    const double v = part / 255.0;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
}

TEST(ColourRamp, SequentialDarkensAllTheWay) {
  const ColourRamp& ramp = colour_ramp(false);
  for (size_t i = 1; i < ramp.size(); ++i) EXPECT_LT(luminance(ramp[i]), luminance(ramp[i - 1]));
}

TEST(ColourRamp, DivergingIsLightestInTheMiddleAndBalanced) {
  const ColourRamp& ramp = colour_ramp(true);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_LT(luminance(ramp[i]), luminance(ramp[i + 1]));
    EXPECT_LT(luminance(ramp[8 - i]), luminance(ramp[7 - i]));
    EXPECT_NEAR(luminance(ramp[i]), luminance(ramp[8 - i]), 0.08);
  }
}

TEST(ColourRamp, InterpolatesAndClamps) {
  const ColourRamp& ramp = colour_ramp(false);
  EXPECT_EQ(to_hex(colour_at(ramp, -1)), to_hex(ramp.front()));
  EXPECT_EQ(to_hex(colour_at(ramp, 2)), to_hex(ramp.back()));
  EXPECT_EQ(to_hex(colour_at(ramp, 0.5)), to_hex(ramp[4]));
  const Colour between = colour_at(ramp, 0.0625);
  EXPECT_EQ(between.red, (255 + 213) / 2);
}

}  // namespace
}  // namespace fluxtile
