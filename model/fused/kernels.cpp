// SPDX-License-Identifier: Apache-2.0
#include "model/fused/kernels.h"

// This file is compiled once for each instruction set: Highway includes it again and again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/fused/kernels.cpp"
#include <hwy/foreach_target.h>
// After it, for the last time:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fluxtile::fused::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// At most 16 lanes: a block holds two vectors of them, or more of shorter ones.
using Floats = hn::CappedTag<float, 16>;
using V = hn::Vec<Floats>;
constexpr Floats d;
constexpr size_t N = hn::MaxLanes(d);
/// Lanes of a block that are worked on together: two vectors.
constexpr size_t kChunk = 2 * N;
/// Units and dense rows of a register tile: as many accumulators as there are registers for.
constexpr size_t kTileUnits = N == 16 ? 4 : 2;
constexpr size_t kTileRows = N == 16 ? 8 : 4;

/// 2^x, relative error 1.2e-7, for x in [-63, 63]; x beyond is cut there, where gates are flat:
/// 2^k 2^f with |f| <= 1/2 and a polynomial through seven Chebyshev nodes for 2^f.
HWY_INLINE V power_of_two(V x) {
  x = hn::Min(hn::Max(x, hn::Set(d, -63.0F)), hn::Set(d, 63.0F));
  const V k = hn::Round(x);
  const V f = hn::Sub(x, k);
  V p = hn::Set(d, 0.000154614448F);
  p = hn::MulAdd(p, f, hn::Set(d, 0.00134004280F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.00961805694F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.0555032715F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.240226507F));
  p = hn::MulAdd(p, f, hn::Set(d, 0.693147182F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  const hn::RebindToSigned<Floats> di;
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(di, k));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
}

constexpr float kLog2E = 1.44269504F;

HWY_INLINE V exponential(V x) { return power_of_two(hn::Mul(x, hn::Set(d, kLog2E))); }

/// The new state of one unit from the sums of its gates:
///   r = 1 / (1 + e^-ar), n = tanh(in + r * an), z = 1 / (1 + e^-az), h' = (1 - z) n + z h.
/// With ez = e^-az and en = e^-2n' that is (ez (1 - en) + h (1 + en)) / ((1 + ez) (1 + en)).
HWY_INLINE V gates(V ar, V az, V in, V an, V h) {
  const V one = hn::Set(d, 1.0F);
  const V r = hn::Div(one, hn::Add(one, power_of_two(hn::Mul(ar, hn::Set(d, -kLog2E)))));
  const V ez = power_of_two(hn::Mul(az, hn::Set(d, -kLog2E)));
  const V en = power_of_two(hn::Mul(hn::MulAdd(r, an, in), hn::Set(d, -2 * kLog2E)));
  const V more = hn::Add(one, en);
  const V numerator = hn::MulAdd(ez, hn::Sub(one, en), hn::Mul(h, more));
  return hn::Div(numerator, hn::Mul(hn::Add(one, ez), more));
}

/// sums[row][v] += sum over columns of weight * value; the rows of a tile stand kGroupUnits or
/// kDenseRows apart in groups of `together`.
template <size_t kRows, size_t kTogether, size_t kApart, size_t kStride>
HWY_INLINE void add_columns(const float* HWY_RESTRICT weights, const float* HWY_RESTRICT values,
                            size_t columns, V (&sums)[kRows][2]) {
  for (size_t column = 0; column < columns; ++column) {
    const V left = hn::Load(d, values), right = hn::Load(d, values + N);
#pragma GCC unroll 12
    for (size_t row = 0; row < kRows; ++row) {
      const V weight = hn::Set(d, weights[row / kTogether * kApart + row % kTogether]);
      sums[row][0] = hn::MulAdd(weight, left, sums[row][0]);
      sums[row][1] = hn::MulAdd(weight, right, sums[row][1]);
    }
    weights += kStride;
    values += kLanes;
  }
}

/// Some units of a group, for one chunk of lanes.
HWY_INLINE void gru_units(const GruLayer& layer, size_t group, size_t unit, size_t lane,
                          const float* start, const InputRows* inputs, size_t parts,
                          const float* HWY_RESTRICT before, float* HWY_RESTRICT after) {
  constexpr size_t U = kTileUnits;
  const size_t columns = layer.columns + kUnits;
  const float* weights = layer.weights.data() + group * columns * kGroupRows + unit;
  V sums[3 * U][2];
#pragma GCC unroll 12
  for (size_t row = 0; row < 3 * U; ++row) {
    const size_t at = group * kGroupRows + row / U * kGroupUnits + unit + row % U;
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v)
      sums[row][v] =
          start ? hn::Load(d, start + at * kLanes + lane + v * N) : hn::Set(d, layer.bias[at]);
  }
  for (size_t part = 0; part < parts; ++part) {
    const InputRows& rows = inputs[part];
    add_columns<3 * U, U, kGroupUnits, kGroupRows>(weights, rows.values + lane, rows.columns, sums);
    weights += rows.columns * kGroupRows;
  }
  V input_n[U][2];
#pragma GCC unroll 4
  for (size_t u = 0; u < U; ++u) {
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v) {
      input_n[u][v] = sums[2 * U + u][v];
      sums[2 * U + u][v] = hn::Set(d, layer.recurrent_bias[group * kGroupUnits + unit + u]);
    }
  }
  add_columns<3 * U, U, kGroupUnits, kGroupRows>(weights, before + lane, kUnits, sums);
#pragma GCC unroll 4
  for (size_t u = 0; u < U; ++u) {
    const size_t at = (group * kGroupUnits + unit + u) * kLanes + lane;
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v) {
      const V h = hn::Load(d, before + at + v * N);
      hn::Store(gates(sums[u][v], sums[U + u][v], input_n[u][v], sums[2 * U + u][v], h), d,
                after + at + v * N);
    }
  }
}

void GruDay(const GruLayer& layer, const float* start, const InputRows* inputs, size_t parts,
            const float* before, float* after) {
  for (size_t lane = 0; lane < kLanes; lane += kChunk) {
    for (size_t group = 0; group < kUnits / kGroupUnits; ++group) {
      for (size_t unit = 0; unit < kGroupUnits; unit += kTileUnits)
        gru_units(layer, group, unit, lane, start, inputs, parts, before, after);
    }
  }
}

void Dense(const DenseLayer& layer, const float* in, bool relu, float* out) {
  const V zero = hn::Zero(d);
  for (size_t lane = 0; lane < kLanes; lane += kChunk) {
    for (size_t row = 0; row < layer.rows; row += kTileRows) {
      const float* weights =
          layer.weights.data() + row / kDenseRows * kDenseRows * layer.columns + row % kDenseRows;
      V sums[kTileRows][2];
#pragma GCC unroll 8
      for (size_t r = 0; r < kTileRows; ++r)
        sums[r][0] = sums[r][1] = hn::Set(d, layer.bias[row + r]);
      add_columns<kTileRows, kTileRows, 0, kDenseRows>(weights, in + lane, layer.columns, sums);
#pragma GCC unroll 8
      for (size_t r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
        for (size_t v = 0; v < 2; ++v) {
          const V value = relu ? hn::Max(sums[r][v], zero) : sums[r][v];
          hn::Store(value, d, out + (row + r) * kLanes + lane + v * N);
        }
      }
    }
  }
}

/// Four partial sums, so that additions do not wait for each other.
void Head(const std::vector<float>& weights, float bias, const float* in, float* out) {
  for (size_t lane = 0; lane < kLanes; lane += N) {
    V sums[4] = {hn::Set(d, bias), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    for (size_t row = 0; row < weights.size(); row += 4) {
#pragma GCC unroll 4
      for (size_t k = 0; k < 4; ++k)
        sums[k] = hn::MulAdd(hn::Set(d, weights[row + k]),
                             hn::Load(d, in + (row + k) * kLanes + lane), sums[k]);
    }
    hn::Store(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])), d, out + lane);
  }
}

void Attend(const float* score, const float* values, float* sum, float* weighted) {
  const V one = hn::Set(d, 1.0F);
  for (size_t lane = 0; lane < kLanes; lane += N) {
    const V e = power_of_two(hn::Mul(hn::Load(d, score + lane), hn::Set(d, -2 * kLog2E)));
    const V tanh = hn::Div(hn::Sub(one, e), hn::Add(one, e));
    const V share = exponential(tanh);
    hn::Store(hn::Add(hn::Load(d, sum + lane), share), d, sum + lane);
    for (size_t unit = 0; unit < kUnits; ++unit) {
      float* to = weighted + unit * kLanes + lane;
      hn::Store(hn::MulAdd(share, hn::Load(d, values + unit * kLanes + lane), hn::Load(d, to)), d,
                to);
    }
  }
}

}  // namespace fluxtile::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxtile::fused {

HWY_EXPORT(GruDay);
HWY_EXPORT(Dense);
HWY_EXPORT(Head);
HWY_EXPORT(Attend);

void gru_day(const GruLayer& layer, const float* start, std::initializer_list<InputRows> inputs,
             const float* before, float* after) {
  HWY_DYNAMIC_DISPATCH(GruDay)(layer, start, inputs.begin(), inputs.size(), before, after);
}
void dense(const DenseLayer& layer, const float* in, bool relu, float* out) {
  HWY_DYNAMIC_DISPATCH(Dense)(layer, in, relu, out);
}
void head(const std::vector<float>& weights, float bias, const float* in, float* out) {
  HWY_DYNAMIC_DISPATCH(Head)(weights, bias, in, out);
}
void attend(const float* score, const float* values, float* sum, float* weighted) {
  HWY_DYNAMIC_DISPATCH(Attend)(score, values, sum, weighted);
}

namespace {

/// The best of the supported ones: Highway's lower bits are the better targets.
int64_t best_target() {
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  return supported & -supported;
}

}  // namespace

std::string kernel_target() { return hwy::TargetName(best_target()); }

bool kernel_target_fuses() {
  const std::string name = kernel_target();
  return name.rfind("AVX", 0) == 0 || name.rfind("NEON", 0) == 0 || name.rfind("SVE", 0) == 0;
}

std::vector<std::string> kernel_targets() {
  std::vector<std::string> names;
  hwy::DisableTargets(0);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets())
    names.emplace_back(hwy::TargetName(target));
  return names;
}

void use_kernel_target(const std::string& name) {
  hwy::DisableTargets(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  if (name.empty()) return;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (hwy::TargetName(target) != name) continue;
    hwy::DisableTargets(~target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return;
  }
}

}  // namespace fluxtile::fused
#endif
