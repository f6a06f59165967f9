// SPDX-License-Identifier: Apache-2.0
#include "model/lstm_gate_gradients.h"

#include "model/gate_functions.h"

namespace fluxtile {
namespace {

FLUXTILE_INLINE void all_kept(const float* input, const float* recurrent, const float* bias,
                              float* cell, float* after, float* saved, size_t lanes, size_t units) {
  for (size_t lane = 0; lane < lanes; ++lane) {
#pragma GCC ivdep
    for (size_t u = 0; u < units; ++u) {
      const float i = sigmoid(input[u] + (recurrent[u] + bias[u]));
      const float f = sigmoid(input[units + u] + (recurrent[units + u] + bias[units + u]));
      const float g = hyperbolic_tangent(input[2 * units + u] +
                                         (recurrent[2 * units + u] + bias[2 * units + u]));
      const float o =
          sigmoid(input[3 * units + u] + (recurrent[3 * units + u] + bias[3 * units + u]));
      const float before = cell[u], now = f * before + i * g;
      saved[u] = i;
      saved[units + u] = f;
      saved[2 * units + u] = g;
      saved[3 * units + u] = o;
      saved[4 * units + u] = before;
      cell[u] = now;
      after[u] = o * hyperbolic_tangent(now);
    }
    input += 4 * units;
    recurrent += 4 * units;
    cell += units;
    after += units;
    saved += 5 * units;
  }
}

FLUXTILE_INLINE void all_back(const float* saved, const float* after_gradient, const float* carry,
                              float* cell_carry, float* gradient, float* sums, size_t lanes,
                              size_t units) {
  for (size_t lane = 0; lane < lanes; ++lane) {
#pragma GCC ivdep
    for (size_t u = 0; u < units; ++u) {
      const float i = saved[u], f = saved[units + u], g = saved[2 * units + u],
                  o = saved[3 * units + u], before = saved[4 * units + u];
      const float shown = hyperbolic_tangent(f * before + i * g);
      const float dh = after_gradient ? carry[u] + after_gradient[u] : carry[u];
      const float dc = cell_carry[u] + dh * o * (1.0F - shown * shown);
      const float di = dc * g * (i * (1.0F - i));
      const float df = dc * before * (f * (1.0F - f));
      const float dg = dc * i * (1.0F - g * g);
      const float d_o = dh * shown * (o * (1.0F - o));
      cell_carry[u] = dc * f;
      gradient[u] = di;
      gradient[units + u] = df;
      gradient[2 * units + u] = dg;
      gradient[3 * units + u] = d_o;
      sums[u] += di;
      sums[units + u] += df;
      sums[2 * units + u] += dg;
      sums[3 * units + u] += d_o;
    }
    saved += 5 * units;
    if (after_gradient) after_gradient += units;
    carry += units;
    cell_carry += units;
    gradient += 4 * units;
  }
}

// clang-format off
#define FLUXTILE_KEPT(set)                                                                        \
  void kept_##set(const float* input, const float* recurrent, const float* bias, float* cell,     \
                  float* after, float* saved, size_t lanes, size_t units) {                       \
    all_kept(input, recurrent, bias, cell, after, saved, lanes, units);                           \
  }
#define FLUXTILE_BACK(set)                                                                        \
  void back_##set(const float* saved, const float* after_gradient, const float* carry,            \
                  float* cell_carry, float* gradient, float* sums, size_t lanes, size_t units) {  \
    all_back(saved, after_gradient, carry, cell_carry, gradient, sums, lanes, units);             \
  }
FLUXTILE_EACH_SET(FLUXTILE_KEPT)
FLUXTILE_EACH_SET(FLUXTILE_BACK)
// clang-format on

}  // namespace

std::vector<LstmGatesKept*> lstm_gates_kept_variants() {
  return runnable_variants<LstmGatesKept>(FLUXTILE_SETS(kept));
}

std::vector<LstmGatesBack*> lstm_gates_back_variants() {
  return runnable_variants<LstmGatesBack>(FLUXTILE_SETS(back));
}

void lstm_gates_kept(const float* input, const float* recurrent, const float* bias, float* cell,
                     float* after, float* saved, size_t lanes, size_t units) {
  static LstmGatesKept* const best = lstm_gates_kept_variants().back();
  best(input, recurrent, bias, cell, after, saved, lanes, units);
}

void lstm_gates_back(const float* saved, const float* after_gradient, const float* carry,
                     float* cell_carry, float* gradient, float* sums, size_t lanes, size_t units) {
  static LstmGatesBack* const best = lstm_gates_back_variants().back();
  best(saved, after_gradient, carry, cell_carry, gradient, sums, lanes, units);
}

}  // namespace fluxtile
