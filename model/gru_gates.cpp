// SPDX-License-Identifier: Apache-2.0
#include "model/gru_gates.h"

#include <cstdint>
#include <cstring>

// All arithmetic is in this file and inlined into one function an instruction set, so that no copy
// compiled for a newer processor can be linked into code for an older one.
#define FLUXTILE_INLINE inline __attribute__((always_inline))

namespace fluxtile {
namespace {

/// e^x for the gates: x = k ln 2 + r, |r| <= ln 2 / 2, Taylor's series of e^r to r^7 (5e-9), scaled
/// by 2^k in the exponent bits. Arguments outside [-87, 87] are cut: the gates are flat there.
FLUXTILE_INLINE float exponential(float x) {
  constexpr float log2_e = 1.44269504F, ln2_high = 0.693145752F, ln2_low = 1.42860677e-6F;
  constexpr float to_integer = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  x = x < -87.0F ? -87.0F : x;
  x = x > 87.0F ? 87.0F : x;
  const float shifted = x * log2_e + to_integer;
  const float k = shifted - to_integer;
  const float r = (x - k * ln2_high) - k * ln2_low;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  uint32_t power, bits;
  std::memcpy(&power, &shifted, sizeof power);
  std::memcpy(&bits, &p, sizeof bits);
  bits += power << 23;
  std::memcpy(&p, &bits, sizeof p);
  return p;
}

FLUXTILE_INLINE float sigmoid(float x) { return 1.0F / (1.0F + exponential(-x)); }
FLUXTILE_INLINE float hyperbolic_tangent(float x) {
  return 1.0F - 2.0F / (1.0F + exponential(2.0F * x));
}

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
