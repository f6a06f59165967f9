// SPDX-License-Identifier: Apache-2.0
#include "model/gru_gate_gradients.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/gru_gates.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr size_t lanes = 3, units = 37;  // no multiple of any vector

std::vector<float> uniform(uint32_t seed, size_t count, double reach) {
  Uniform random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random(-reach, reach));
  return values;
}

TEST(GruGateGradients, KeptGatesGiveTheSameState) {
  const auto input = uniform(1, lanes * 3 * units, 3), recurrent = uniform(2, lanes * 3 * units, 3),
             bias = uniform(3, 3 * units, 1), before = uniform(4, lanes * units, 1);
  std::vector<float> expected(lanes * units);
  gru_gates(input.data(), recurrent.data(), bias.data(), before.data(), expected.data(), lanes,
            units);
  for (GruGatesKept* variant : gru_gates_kept_variants()) {
    std::vector<float> after(lanes * units), saved(lanes * 4 * units);
    variant(input.data(), recurrent.data(), bias.data(), before.data(), after.data(), saved.data(),
            lanes, units);
    for (size_t lane = 0; lane < lanes; ++lane)
      for (size_t u = 0; u < units; ++u) {
        const float* kept = saved.data() + lane * 4 * units + u;
        const float z = kept[units], n = kept[2 * units], h = before[lane * units + u];
        ASSERT_NEAR(after[lane * units + u], expected[lane * units + u], 2e-6);
        ASSERT_NEAR(n + z * (h - n), expected[lane * units + u], 2e-6);
        ASSERT_NEAR(kept[3 * units],
                    recurrent[lane * 3 * units + 2 * units + u] + bias[2 * units + u], 2e-6);
      }
  }
}

/// after = n + z (before - n) in float64, from the gates' arguments n_in, r, z and q.
double step(double n_in, double r, double z, double q, double before) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const double n = std::tanh(n_in + sigmoid(r) * q);
  return n + sigmoid(z) * (before - n);
}

TEST(GruGateGradients, AreTheSlopesOfOneStep) {
  const auto argument = uniform(5, lanes * 4 * units, 2);  // [lane][n_in, r, z, q][unit]
  const auto before = uniform(6, lanes * units, 1), later = uniform(7, lanes * units, 1),
             own = uniform(8, lanes * units, 1);
  std::vector<float> saved(lanes * 4 * units);
  for (size_t lane = 0; lane < lanes; ++lane)
    for (size_t u = 0; u < units; ++u) {
      const float* x = argument.data() + lane * 4 * units + u;
      float* s = saved.data() + lane * 4 * units + u;
      s[0] = 1 / (1 + std::exp(-x[units]));
      s[units] = 1 / (1 + std::exp(-x[2 * units]));
      s[2 * units] = std::tanh(x[0] + s[0] * x[3 * units]);
      s[3 * units] = x[3 * units];
    }
  for (GruGatesBack* variant : gru_gates_back_variants())
    for (const bool with_own : {true, false}) {
      std::vector<float> carry = later, gradient(lanes * 4 * units), sums(4 * units, 1.0F);
      variant(saved.data(), before.data(), with_own ? own.data() : nullptr, carry.data(),
              gradient.data(), sums.data(), lanes, units);
      for (size_t u = 0; u < units; ++u) {
        double sum[4] = {1, 1, 1, 1};
        for (size_t lane = 0; lane < lanes; ++lane) {
          const size_t at = lane * units + u;
          double x[5];
          for (size_t gate = 0; gate < 4; ++gate)
            x[gate] = argument[lane * 4 * units + gate * units + u];
          x[4] = before[at];
          const double outer = later[at] + (with_own ? own[at] : 0.0F);
          for (size_t k = 0; k < 5; ++k) {
            double moved[2];
            for (const int side : {0, 1}) {
              double y[5] = {x[0], x[1], x[2], x[3], x[4]};
              y[k] += side == 0 ? -1e-5 : 1e-5;
              moved[side] = step(y[0], y[1], y[2], y[3], y[4]);
            }
            const double slope = outer * (moved[1] - moved[0]) / 2e-5;
            const float found = k < 4 ? gradient[lane * 4 * units + k * units + u] : carry[at];
            ASSERT_NEAR(found, slope, 1e-5) << k;
            if (k < 4) sum[k] += slope;
          }
        }
        for (size_t k = 0; k < 4; ++k) ASSERT_NEAR(sums[k * units + u], sum[k], 3e-5);
      }
    }
}

}  // namespace
}  // namespace fluxtile::test
