// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

/// The functions of a recurrent network's gates, for code that is compiled once an instruction set:
/// always inlined, so that no copy compiled for a newer processor can be linked into code for an
/// older one. Files that use them are compiled with -fno-trapping-math, which lets the two
/// comparisons become vector code.
#define FLUXTILE_INLINE inline __attribute__((always_inline))

/// FLUXTILE_EACH_SET(FUNCTION) defines FUNCTION(baseline), FUNCTION(avx2) and FUNCTION(avx512),
/// each for its instruction set; FLUXTILE_SETS(name) lists name_baseline, name_avx2, name_avx512.
#ifdef __x86_64__
#define FLUXTILE_EACH_SET(FUNCTION)                  \
  FUNCTION(baseline)                                 \
  __attribute__((target("avx2,fma"))) FUNCTION(avx2) \
      __attribute__((target("avx512f,avx512dq,prefer-vector-width=512"))) FUNCTION(avx512)
#define FLUXTILE_SETS(name) \
  { name##_baseline, name##_avx2, name##_avx512 }
#else
#define FLUXTILE_EACH_SET(FUNCTION) FUNCTION(baseline)
#define FLUXTILE_SETS(name) \
  { name##_baseline }
#endif

namespace fluxtile {

/// Of the variants that FLUXTILE_SETS() lists, those that this processor can run; the last is best.
template <typename Function>
std::vector<Function*> runnable_variants(std::vector<Function*> variants) {
  std::size_t count = 1;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    ++count;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) ++count;
  }
#endif
  variants.resize(count);
  return variants;
}

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

}  // namespace fluxtile
