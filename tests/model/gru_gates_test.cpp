// SPDX-License-Identifier: Apache-2.0
#include "model/gru_gates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr size_t lanes = 5, units = 67;  // no multiple of any vector

std::vector<float> uniform(uint32_t seed, size_t count, double reach) {
  Uniform random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random(-reach, reach));
  return values;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(GruGates, FollowTheirEquations) {
  for (const double reach : {0.1, 2.0, 30.0, 1e4}) {
    const auto input = uniform(1, lanes * 3 * units, reach);
    const auto recurrent = uniform(2, lanes * 3 * units, reach);
    const auto bias = uniform(3, 3 * units, reach);
    const auto before = uniform(4, lanes * units, 1);
    std::vector<float> after(lanes * units);
    gru_gates(input.data(), recurrent.data(), bias.data(), before.data(), after.data(), lanes,
              units);
    for (size_t lane = 0; lane < lanes; ++lane)
      for (size_t u = 0; u < units; ++u) {
        // The gates' arguments are formed in float32, as in any network of that type.
        const auto sum = [&](size_t gate) {
          return recurrent[lane * 3 * units + gate * units + u] + bias[gate * units + u];
        };
        const auto in = [&](size_t gate) { return input[lane * 3 * units + gate * units + u]; };
        const double r = sigmoid(static_cast<double>(in(0) + sum(0)));
        const double z = sigmoid(static_cast<double>(in(1) + sum(1)));
        const double n = std::tanh(in(2) + r * sum(2));
        const double expected = n + z * (before[lane * units + u] - n);
        ASSERT_NEAR(after[lane * units + u], expected, reach > 100 ? 5e-3 : 2e-6 * (1 + reach))
            << reach << " " << lane << " " << u;
      }
  }
}

TEST(GruGates, EveryInstructionSetGivesTheSameBits) {
  const auto variants = gru_gates_variants();
  for (const double reach : {0.5, 8.0, 200.0}) {
    const auto input = uniform(5, lanes * 3 * units, reach);
    const auto recurrent = uniform(6, lanes * 3 * units, reach);
    const auto bias = uniform(7, 3 * units, 1);
    const auto before = uniform(8, lanes * units, 1);
    std::vector<float> first(lanes * units), after(lanes * units);
    variants[0](input.data(), recurrent.data(), bias.data(), before.data(), first.data(), lanes,
                units);
    for (GruGates* variant : variants) {
      variant(input.data(), recurrent.data(), bias.data(), before.data(), after.data(), lanes,
              units);
      EXPECT_EQ(std::memcmp(first.data(), after.data(), first.size() * sizeof(float)), 0);
    }
  }
}

TEST(GruGates, NotANumberStaysSo) {
  for (GruGates* variant : gru_gates_variants()) {
    std::vector<float> input(3 * 16, 0.0F), recurrent(3 * 16, 0.0F), bias(3 * 16, 0.0F);
    std::vector<float> before(16, 0.5F);
    input[3] = std::numeric_limits<float>::quiet_NaN();
    variant(input.data(), recurrent.data(), bias.data(), before.data(), before.data(), 1, 16);
    for (size_t u = 0; u < 16; ++u) EXPECT_EQ(std::isnan(before[u]), u == 3) << u;
  }
}

}  // namespace
}  // namespace fluxtile::test
