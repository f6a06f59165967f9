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
#define FLUXTILE_GATES(name)                                                                      \
  void name(const float* input, const float* recurrent, const float* bias, const float* before,   \
            float* after, size_t lanes, size_t units) {                                           \
    all_gates(input, recurrent, bias, before, after, lanes, units);                               \
  }
FLUXTILE_GATES(gates_baseline)
#ifdef __x86_64__
__attribute__((target("avx2")))
FLUXTILE_GATES(gates_avx2)
__attribute__((target("avx512f,avx512dq,prefer-vector-width=512")))
FLUXTILE_GATES(gates_avx512)
#endif
// clang-format on

}  // namespace

std::vector<GruGates*> gru_gates_variants() {
  std::vector<GruGates*> variants = {gates_baseline};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) variants.push_back(gates_avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    variants.push_back(gates_avx512);
#endif
  return variants;
}

void gru_gates(const float* input, const float* recurrent, const float* bias, const float* before,
               float* after, size_t lanes, size_t units) {
  static GruGates* const best = gru_gates_variants().back();
  best(input, recurrent, bias, before, after, lanes, units);
}

}  // namespace fluxtile
