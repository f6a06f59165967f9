// SPDX-License-Identifier: Apache-2.0
#include "geo/unit_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fluxtile {
namespace {

TEST(UnitText, ExponentsAreRaised) {
  EXPECT_EQ(unit_for_people("gC m-2 d-1"), "gC m⁻² d⁻¹");
  EXPECT_EQ(unit_for_people("m3 m-3"), "m³ m⁻³");
  EXPECT_EQ(unit_for_people("kg CO2 m-2"), "kg CO₂ m⁻²");
  EXPECT_EQ(unit_for_people("-"), "-");
  EXPECT_EQ(unit_for_people(""), "");
}

TEST(UnitText, NumbersForPeople) {
  EXPECT_EQ(number_for_people(-1.25), "−1.25");
  EXPECT_EQ(number_for_people(0), "0");
  EXPECT_EQ(number_for_people(123456.7), "123\u2009457");
  EXPECT_EQ(number_for_people(1234567), "1\u2009234\u2009567");
  EXPECT_EQ(number_for_people(1234), "1234");
  EXPECT_EQ(number_for_people(-1.2345e11), "−1.234 × 10¹¹");
  EXPECT_EQ(number_for_people(3e-7), "3 × 10⁻⁷");
  EXPECT_EQ(number_for_people(0.00321), "0.00321");
  EXPECT_EQ(number_for_people(std::nan("")), "–");
}

TEST(UnitText, ExactNumbersReadBack) {
  EXPECT_EQ(exact_number(200000), "200000");
  EXPECT_EQ(exact_number(-0.25), "-0.25");
  EXPECT_EQ(exact_number(0), "0");
  for (const double value : {1.0 / 24, 463.3127165279165, 1e-9, 1e22})
    EXPECT_EQ(std::stod(exact_number(value)), value);
}

}  // namespace
}  // namespace fluxtile
