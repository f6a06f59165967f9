// SPDX-License-Identifier: Apache-2.0
#include "model/gru_gates.h"

#include "model/gate_functions.h"

namespace fluxtile {
namespace {

FLUXTILE_INLINE void all_gates(const float* input, const float* recurrent, const float* bias,
                               const float* before, float* after, size_t lanes, size_t units) {
  for (size_t lane = 0; lane < lanes; ++lane) {
#pragma GCC ivdep
    for (size_t u = 0; u < units; ++u) {
      const float r = sigmoid(input[u] + (recurrent[u] + bias[u]));
      const float z = sigmoid(input[units + u] + (recurrent[units + u] + bias[units + u]));
      const float n = hyperbolic_tangent(input[2 * units + u] +
                                         r * (recurrent[2 * units + u] + bias[2 * units + u]));
      after[u] = n + z * (before[u] - n);
    }
    input += 3 * units;
    recurrent += 3 * units;
    before += units;
    after += units;
  }
}

// clang-format off
#define FLUXTILE_GATES(set)                                                                       \
  void gates_##set(const float* input, const float* recurrent, const float* bias,                 \
                   const float* before, float* after, size_t lanes, size_t units) {               \
    all_gates(input, recurrent, bias, before, after, lanes, units);                               \
  }
FLUXTILE_EACH_SET(FLUXTILE_GATES)
// clang-format on

}  // namespace

std::vector<GruGates*> gru_gates_variants() {
  return runnable_variants<GruGates>(FLUXTILE_SETS(gates));
}

void gru_gates(const float* input, const float* recurrent, const float* bias, const float* before,
               float* after, size_t lanes, size_t units) {
  static GruGates* const best = gru_gates_variants().back();
  best(input, recurrent, bias, before, after, lanes, units);
}

}  // namespace fluxtile
