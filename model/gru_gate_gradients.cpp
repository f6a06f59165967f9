// SPDX-License-Identifier: Apache-2.0
#include "model/gru_gate_gradients.h"

#include "model/gate_functions.h"

namespace fluxtile {
namespace {

FLUXTILE_INLINE void all_kept(const float* input, const float* recurrent, const float* bias,
                              const float* before, float* after, float* saved, size_t lanes,
                              size_t units) {
  for (size_t lane = 0; lane < lanes; ++lane) {
#pragma GCC ivdep
    for (size_t u = 0; u < units; ++u) {
      const float r = sigmoid(input[u] + (recurrent[u] + bias[u]));
      const float z = sigmoid(input[units + u] + (recurrent[units + u] + bias[units + u]));
      const float q = recurrent[2 * units + u] + bias[2 * units + u];
      const float n = hyperbolic_tangent(input[2 * units + u] + r * q);
      saved[u] = r;
      saved[units + u] = z;
      saved[2 * units + u] = n;
      saved[3 * units + u] = q;
      after[u] = n + z * (before[u] - n);
    }
    input += 3 * units;
    recurrent += 3 * units;
    before += units;
    after += units;
    saved += 4 * units;
  }
}

FLUXTILE_INLINE void all_back(const float* saved, const float* before, const float* after_gradient,
                              float* carry, float* gradient, float* sums, size_t lanes,
                              size_t units) {
  for (size_t lane = 0; lane < lanes; ++lane) {
#pragma GCC ivdep
    for (size_t u = 0; u < units; ++u) {
      const float r = saved[u], z = saved[units + u], n = saved[2 * units + u],
                  q = saved[3 * units + u];
      const float dh = after_gradient ? carry[u] + after_gradient[u] : carry[u];
      const float dn = dh * (1.0F - z) * (1.0F - n * n);
      const float dz = dh * (before[u] - n) * (z * (1.0F - z));
      const float dr = dn * q * (r * (1.0F - r));
      const float dq = dn * r;
      carry[u] = dh * z;
      gradient[u] = dn;
      gradient[units + u] = dr;
      gradient[2 * units + u] = dz;
      gradient[3 * units + u] = dq;
      sums[u] += dn;
      sums[units + u] += dr;
      sums[2 * units + u] += dz;
      sums[3 * units + u] += dq;
    }
    saved += 4 * units;
    before += units;
    if (after_gradient) after_gradient += units;
    carry += units;
    gradient += 4 * units;
  }
}

// clang-format off
#define FLUXTILE_KEPT(set)                                                                        \
  void kept_##set(const float* input, const float* recurrent, const float* bias,                  \
                  const float* before, float* after, float* saved, size_t lanes, size_t units) {  \
    all_kept(input, recurrent, bias, before, after, saved, lanes, units);                         \
  }
#define FLUXTILE_BACK(set)                                                                        \
  void back_##set(const float* saved, const float* before, const float* after_gradient,           \
                  float* carry, float* gradient, float* sums, size_t lanes, size_t units) {       \
    all_back(saved, before, after_gradient, carry, gradient, sums, lanes, units);                 \
  }
FLUXTILE_EACH_SET(FLUXTILE_KEPT)
FLUXTILE_EACH_SET(FLUXTILE_BACK)
// clang-format on

}  // namespace

std::vector<GruGatesKept*> gru_gates_kept_variants() {
  return runnable_variants<GruGatesKept>(FLUXTILE_SETS(kept));
}

std::vector<GruGatesBack*> gru_gates_back_variants() {
  return runnable_variants<GruGatesBack>(FLUXTILE_SETS(back));
}

void gru_gates_kept(const float* input, const float* recurrent, const float* bias,
                    const float* before, float* after, float* saved, size_t lanes, size_t units) {
  static GruGatesKept* const best = gru_gates_kept_variants().back();
  best(input, recurrent, bias, before, after, saved, lanes, units);
}

void gru_gates_back(const float* saved, const float* before, const float* after_gradient,
                    float* carry, float* gradient, float* sums, size_t lanes, size_t units) {
  static GruGatesBack* const best = gru_gates_back_variants().back();
  best(saved, before, after_gradient, carry, gradient, sums, lanes, units);
}

}  // namespace fluxtile
