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
/// Rows that are summed up together, of two vectors each, at most: as many as there are registers
/// for, beside two vectors of values and one of a weight.
constexpr size_t kMostTileRows = N == 16 ? 12 : 6;
constexpr size_t kDenseTileRows = N == 16 ? 8 : 4;

/// 1.5 * 2^23: a small number that it is added to is rounded to an integer (ties to even), which
/// then stands in the last bits of the sum; the lowest nine of its own are 0.
constexpr float kRounder = 12582912.0F;

/// Gates of this many vectors are computed side by side: a processor has to wait for the result of
/// every operation, and does another vector's meanwhile.
constexpr size_t kAbreast = 4;
using Several = V[kAbreast];

/// What is done to each of several vectors before the next thing is done to the first.
template <typename Work>
HWY_INLINE void each(Work&& work) {
#pragma GCC unroll 4
  for (size_t k = 0; k < kAbreast; ++k) work(k);
}

/// x becomes 2^(x * factor), relative error 1.2e-7, for |x * factor| <= limit; beyond it is cut
/// there, where gates are flat: 2^k 2^f with |f| <= 1/2 and a polynomial through seven Chebyshev
/// nodes for 2^f.
HWY_INLINE void powers_of_two(Several& x, float factor, float limit = 63) {
  Several shifted, p;
  each([&](size_t k) { x[k] = hn::Mul(x[k], hn::Set(d, factor)); });
  each([&](size_t k) { x[k] = hn::Max(x[k], hn::Set(d, -limit)); });
  each([&](size_t k) { x[k] = hn::Min(x[k], hn::Set(d, limit)); });
  each([&](size_t k) { shifted[k] = hn::Add(x[k], hn::Set(d, kRounder)); });
  each([&](size_t k) { x[k] = hn::Sub(x[k], hn::Sub(shifted[k], hn::Set(d, kRounder))); });
  each([&](size_t k) {
    p[k] = hn::MulAdd(hn::Set(d, 0.000154614448F), x[k], hn::Set(d, 0.00134004280F));
  });
  for (const float c : {0.00961805694F, 0.0555032715F, 0.240226507F, 0.693147182F, 1.0F})
    each([&](size_t k) { p[k] = hn::MulAdd(p[k], x[k], hn::Set(d, c)); });
  const hn::RebindToSigned<Floats> di;
  each([&](size_t k) {
    const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted[k]));
    x[k] = hn::BitCast(d, hn::Add(hn::BitCast(di, p[k]), exponent));
  });
}

constexpr float kLog2E = 1.44269504F;

/// New states h of units of a GRU from the sums of their gates:
///   r = 1 / (1 + e^-ar), n = tanh(in + r * an), z = 1 / (1 + e^-az), h' = (1 - z) n + z h.
/// With ez = e^-az and en = e^-2n' that is (ez (1 - en) + h (1 + en)) / ((1 + ez) (1 + en)).
HWY_INLINE void gru_states(Several& ar, Several& az, const Several& in, const Several& an,
                           Several& h) {
  const V one = hn::Set(d, 1.0F);
  powers_of_two(ar, -kLog2E);
  Several en;
  each([&](size_t k) { en[k] = hn::MulAdd(hn::Div(one, hn::Add(one, ar[k])), an[k], in[k]); });
  powers_of_two(az, -kLog2E);
  powers_of_two(en, -2 * kLog2E);
  each([&](size_t k) {
    const V more = hn::Add(one, en[k]);
    const V numerator = hn::MulAdd(az[k], hn::Sub(one, en[k]), hn::Mul(h[k], more));
    h[k] = hn::Div(numerator, hn::Mul(hn::Add(one, az[k]), more));
  });
}

/// New cells c of units of an LSTM, c' = f c + i g with sigmoids i, f and tanh g. With e = e^-a of
/// i and f and eg = e^-2ag that is (c (1 + ei) (1 + eg) + (1 - eg) (1 + ef)) over the product of
/// the three sums: powers are cut at 2^40, so that it stays a float.
HWY_INLINE void lstm_cells(Several& ai, Several& af, Several& ag, Several& c) {
  const V one = hn::Set(d, 1.0F);
  powers_of_two(ai, -kLog2E, 40);
  powers_of_two(af, -kLog2E, 40);
  powers_of_two(ag, -2 * kLog2E, 40);
  each([&](size_t k) {
    const V f = hn::Add(one, af[k]), ig = hn::Mul(hn::Add(one, ai[k]), hn::Add(one, ag[k]));
    c[k] = hn::Div(hn::MulAdd(c[k], ig, hn::Mul(hn::Sub(one, ag[k]), f)), hn::Mul(ig, f));
  });
}

/// ao becomes the new states of units of an LSTM, h' = o tanh(c').
HWY_INLINE void lstm_states(Several& ao, const Several& c) {
  const V one = hn::Set(d, 1.0F);
  Several ec;
  each([&](size_t k) { ec[k] = c[k]; });
  powers_of_two(ao, -kLog2E);
  powers_of_two(ec, -2 * kLog2E);
  each([&](size_t k) {
    ao[k] = hn::Div(hn::Sub(one, ec[k]), hn::Mul(hn::Add(one, ao[k]), hn::Add(one, ec[k])));
  });
}

using PairTag = hn::RebindToUnsigned<Floats>;
constexpr PairTag dp;
using Pairs = hn::Vec<PairTag>;

/// Two numbers rounded to bfloat16 (ties to even), the first in the lower half.
HWY_INLINE Pairs rounded(V value) {
  const Pairs bits = hn::BitCast(dp, value);
  const Pairs odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(dp, 1));
  return hn::Add(hn::Add(bits, hn::Set(dp, 0x7FFF)), odd);
}
HWY_INLINE Pairs pair_of(V first, V second) {
  return hn::Or(hn::ShiftRight<16>(rounded(first)),
                hn::And(rounded(second), hn::Set(dp, 0xFFFF0000)));
}

/// What the sums of a layer are formed of: one column in float32, or two in bfloat16.
struct Fp32 {
  using Word = float;
  static constexpr size_t kColumns = 1;
  static HWY_INLINE V load(const float* values) { return hn::Load(d, values); }
  static HWY_INLINE V weight(float value) { return hn::Set(d, value); }
  static HWY_INLINE V add(V weight, V value, V sum) { return hn::MulAdd(weight, value, sum); }
};
struct Bf16 {
  using Word = uint32_t;
  static constexpr size_t kColumns = 2;
  static HWY_INLINE Pairs load(const uint32_t* values) { return hn::Load(dp, values); }
  static HWY_INLINE Pairs weight(uint32_t value) { return hn::Set(dp, value); }
  /// A product of two bfloat16 is exact in float32: two fused multiply-adds round as often as the
  /// instruction does, the second column first.
  static HWY_INLINE V add(Pairs weight, Pairs value, V sum) {
    const Pairs upper = hn::Set(dp, 0xFFFF0000);
    sum = hn::MulAdd(hn::BitCast(d, hn::And(weight, upper)), hn::BitCast(d, hn::And(value, upper)),
                     sum);
    return hn::MulAdd(hn::BitCast(d, hn::ShiftLeft<16>(weight)),
                      hn::BitCast(d, hn::ShiftLeft<16>(value)), sum);
  }
};
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
/// The instruction itself, which Highway's targets do not promise; asked for at run time.
struct Bf16Instruction : Bf16 {
  static HWY_INLINE V add(Pairs weight, Pairs value, V sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(value.raw), "v"(weight.raw));
    return sum;
  }
};
#else
using Bf16Instruction = Bf16;
#endif

/// Rows [count][lane] of what a layer multiplies with its weights.
template <typename Word>
struct Rows {
  const Word* values = nullptr;
  size_t count = 0;
};

/// sums[row][v] += sum over columns of weight * value. A column has kStride weights, one beside the
/// other; a tile takes kRows of them.
template <typename Products, size_t kRows, size_t kStride, typename Word>
HWY_INLINE void add_columns(const Word* HWY_RESTRICT weights, const Word* HWY_RESTRICT values,
                            size_t columns, V (&sums)[kRows][2]) {
  for (size_t column = 0; column < columns; ++column) {
    const auto left = Products::load(values), right = Products::load(values + N);
#pragma GCC unroll 12
    for (size_t row = 0; row < kRows; ++row) {
      const auto weight = Products::weight(weights[row]);
      sums[row][0] = Products::add(weight, left, sums[row][0]);
      sums[row][1] = Products::add(weight, right, sums[row][1]);
    }
    weights += kStride;
    values += kLanes;
  }
}

/// A layer and what it is given on a day.
template <typename Word>
struct Day {
  const RecurrentLayer& layer;
  const Word* weights;
  const float* start;        ///< null: the bias
  const Rows<Word>* inputs;  ///< parts, one after the other
  size_t parts;
  Rows<Word> hidden;    ///< `before` as the products want it
  const float* before;  ///< [64][lane]
  float* after;
  float* cells;
};

/// Rows kFirst, ... of a group, for one chunk of lanes: their sums go to sums[row of the group].
/// The reset gate of a GRU stands between the input's and the recurrent part of n: the first goes
/// to the place of the new state.
template <Gates kGates, typename Products, size_t kFirst, size_t kRows, typename Word>
HWY_INLINE void tile_sums(const Day<Word>& day, size_t group, size_t lane, float* to) {
  constexpr size_t kStride = static_cast<size_t>(kGates) * kGroupUnits;
  constexpr size_t kReset = kGates == Gates::gru ? 2 * kGroupUnits : kStride;  // first row of n
  size_t columns = day.hidden.count;
  for (size_t part = 0; part < day.parts; ++part) columns += day.inputs[part].count;
  const Word* weights = day.weights + group * columns * kStride + kFirst;
  V sums[kRows][2];
#pragma GCC unroll 12
  for (size_t row = 0; row < kRows; ++row) {
    const size_t at = group * kStride + kFirst + row;
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v)
      sums[row][v] = day.start ? hn::Load(d, day.start + at * kLanes + lane + v * N)
                               : hn::Set(d, day.layer.bias[at]);
  }
  for (size_t part = 0; part < day.parts; ++part) {
    const Rows<Word>& rows = day.inputs[part];
    add_columns<Products, kRows, kStride>(weights, rows.values + lane, rows.count, sums);
    weights += rows.count * kStride;
  }
#pragma GCC unroll 12
  for (size_t row = 0; row < kRows; ++row) {
    if (kFirst + row < kReset) continue;
    const size_t at = group * kGroupUnits + kFirst + row - kReset;
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v) {
      hn::Store(sums[row][v], d, day.after + at * kLanes + lane + v * N);
      sums[row][v] = hn::Set(d, day.layer.recurrent_bias[at]);
    }
  }
  add_columns<Products, kRows, kStride>(weights, day.hidden.values + lane, day.hidden.count, sums);
#pragma GCC unroll 12
  for (size_t row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (size_t v = 0; v < 2; ++v) hn::Store(sums[row][v], d, to + (kFirst + row) * kChunk + v * N);
  }
}

/// All rows of a group, in tiles as even as possible.
template <Gates kGates, typename Products, size_t kTile = 0, typename Word>
HWY_INLINE void group_sums(const Day<Word>& day, size_t group, size_t lane, float* sums) {
  constexpr size_t kRows = static_cast<size_t>(kGates) * kGroupUnits;
  constexpr size_t kTiles = (kRows + kMostTileRows - 1) / kMostTileRows;
  constexpr size_t kFirst = kTile * kRows / kTiles, kEnd = (kTile + 1) * kRows / kTiles;
  tile_sums<kGates, Products, kFirst, kEnd - kFirst>(day, group, lane, sums);
  if constexpr (kTile + 1 < kTiles) group_sums<kGates, Products, kTile + 1>(day, group, lane, sums);
}

/// The new states of a group's units from the sums of their gates. Not inlined: the compiler would
/// keep its constants in registers that the sums need (a fifth of the speed on AVX2).
template <Gates kGates>
HWY_NOINLINE void group_states(const float* sums, const float* before, float* after, float* cells) {
  constexpr size_t kUnitsAbreast = kAbreast / 2;
  for (size_t unit = 0; unit < kGroupUnits; unit += kUnitsAbreast) {
    const auto at = [&](size_t k) { return (unit + k / 2) * kLanes + k % 2 * N; };
    const auto gates = [&](size_t gate, Several& to) {
      const float* from = sums + (gate * kGroupUnits + unit) * kChunk;
      each([&](size_t k) { to[k] = hn::Load(d, from + k * N); });
    };
    const auto load = [&](const float* from, Several& to) {
      each([&](size_t k) { to[k] = hn::Load(d, from + at(k)); });
    };
    const auto store = [&](const Several& from, float* to) {
      each([&](size_t k) { hn::Store(from[k], d, to + at(k)); });
    };
    Several a, b, c, e, f;
    if constexpr (kGates == Gates::gru) {
      gates(0, a);
      gates(1, b);
      gates(2, c);
      load(after, e);
      load(before, f);
      gru_states(a, b, e, c, f);
      store(f, after);
    } else {
      gates(0, a);
      gates(1, b);
      gates(2, c);
      gates(3, e);
      load(cells, f);
      lstm_cells(a, b, c, f);
      store(f, cells);
      lstm_states(e, f);
      store(e, after);
    }
  }
}

template <Gates kGates, typename Products, typename Word>
HWY_INLINE void all_units(const Day<Word>& day) {
  alignas(64) float sums[static_cast<size_t>(kGates) * kGroupUnits * kChunk];
  for (size_t group = 0; group < kGroups; ++group) {
    for (size_t lane = 0; lane < kLanes; lane += kChunk) {
      group_sums<kGates, Products>(day, group, lane, sums);
      const size_t at = group * kGroupUnits * kLanes + lane;
      group_states<kGates>(sums, day.before + at, day.after + at,
                           kGates == Gates::lstm ? day.cells + at : nullptr);
    }
  }
}

template <typename Products, typename Word>
HWY_INLINE void all_gates(const Day<Word>& day) {
  if (day.layer.gates == Gates::gru) {
    all_units<Gates::gru, Products>(day);
  } else {
    all_units<Gates::lstm, Products>(day);
  }
}

/// Rounds [count][lane], from any number of parts, to pairs; an odd last row has a 0 beside it.
HWY_INLINE size_t round_to_pairs(const InputRows* parts, size_t count, uint32_t* pairs) {
  alignas(64) static constexpr float zeros[kLanes] = {};
  const float* first = nullptr;
  size_t made = 0;
  const auto make = [&](const float* second) {
    for (size_t lane = 0; lane < kLanes; lane += N)
      hn::Store(pair_of(hn::Load(d, first + lane), hn::Load(d, second + lane)), dp,
                pairs + made * kLanes + lane);
    ++made;
    first = nullptr;
  };
  for (size_t part = 0; part < count; ++part) {
    for (size_t row = 0; row < parts[part].columns; ++row) {
      const float* values = parts[part].values + row * kLanes;
      if (first) {
        make(values);
      } else {
        first = values;
      }
    }
  }
  if (first) make(zeros);
  return made;
}

void RecurrentDay(const RecurrentLayer& layer, const float* start, const InputRows* inputs,
                  size_t parts, const float* before, float* after, float* cells, bool instruction) {
  if (layer.pairs.empty()) {
    Rows<float> rows[kMostParts];
    for (size_t part = 0; part < parts; ++part)
      rows[part] = {inputs[part].values, inputs[part].columns};
    all_gates<Fp32>(Day<float>{
        layer, layer.weights.data(), start, rows, parts, {before, kUnits}, before, after, cells});
    return;
  }
  alignas(64) uint32_t input_pairs[kMostColumns / 2 * kLanes];
  alignas(64) uint32_t hidden_pairs[kUnits / 2 * kLanes];
  const Rows<uint32_t> rows = {input_pairs, round_to_pairs(inputs, parts, input_pairs)};
  const InputRows hidden = {before, kUnits};
  const Day<uint32_t> day = {layer,  layer.pairs.data(),
                             start,  &rows,
                             1,      {hidden_pairs, round_to_pairs(&hidden, 1, hidden_pairs)},
                             before, after,
                             cells};
  if (instruction) {
    all_gates<Bf16Instruction>(day);
  } else {
    all_gates<Bf16>(day);
  }
}

void Dense(const DenseLayer& layer, const float* in, bool relu, float* out) {
  const V zero = hn::Zero(d);
  for (size_t lane = 0; lane < kLanes; lane += kChunk) {
    for (size_t row = 0; row < layer.rows; row += kDenseTileRows) {
      const float* weights =
          layer.weights.data() + row / kDenseRows * kDenseRows * layer.columns + row % kDenseRows;
      V sums[kDenseTileRows][2];
#pragma GCC unroll 8
      for (size_t r = 0; r < kDenseTileRows; ++r)
        sums[r][0] = sums[r][1] = hn::Set(d, layer.bias[row + r]);
      add_columns<Fp32, kDenseTileRows, kDenseRows>(weights, in + lane, layer.columns, sums);
#pragma GCC unroll 8
      for (size_t r = 0; r < kDenseTileRows; ++r) {
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
  static_assert(kLanes % N == 0 && (kLanes / N <= kAbreast || kLanes / N % kAbreast == 0));
  const V one = hn::Set(d, 1.0F);
  for (size_t first = 0; first < kLanes; first += kAbreast * N) {
    // With fewer vectors than kAbreast some are computed twice.
    const auto lane = [&](size_t k) { return (first + k * N) % kLanes; };
    Several share;
    each([&](size_t k) { share[k] = hn::Load(d, score + lane(k)); });
    powers_of_two(share, -2 * kLog2E);
    each([&](size_t k) { share[k] = hn::Div(hn::Sub(one, share[k]), hn::Add(one, share[k])); });
    powers_of_two(share, kLog2E);
    for (size_t k = 0; k < kAbreast && first + k * N < kLanes; ++k) {
      hn::Store(hn::Add(hn::Load(d, sum + lane(k)), share[k]), d, sum + lane(k));
      for (size_t row = lane(k); row < kUnits * kLanes; row += kLanes) {
        const V so_far = hn::Load(d, weighted + row);
        hn::Store(hn::MulAdd(share[k], hn::Load(d, values + row), so_far), d, weighted + row);
      }
    }
  }
}

using DoubleTag = hn::Repartition<double, Floats>;
constexpr DoubleTag dd;
/// As many floats as there are doubles in a vector.
constexpr hn::Rebind<float, DoubleTag> dh;

HWY_INLINE bool all_finite(const float* values) {
  const V infinity = hn::Inf(d);
  auto finite = hn::Lt(hn::Abs(hn::Load(d, values)), infinity);
  for (size_t lane = N; lane < kLanes; lane += N)
    finite = hn::And(finite, hn::Lt(hn::Abs(hn::Load(d, values + lane)), infinity));
  return hn::AllTrue(d, finite);
}

bool Score(const Scale& scale, float low, float high, const float* values, float* z,
           float* outside) {
  const auto mean = hn::Set(dd, scale.mean), std = hn::Set(dd, scale.std);
  for (size_t lane = 0; lane < kLanes; lane += hn::Lanes(dd)) {
    const auto value = hn::PromoteTo(dd, hn::Load(dh, values + lane));
    hn::Store(hn::DemoteTo(dh, hn::Div(hn::Sub(value, mean), std)), dh, z + lane);
  }
  for (size_t lane = 0; lane < kLanes; lane += N) {
    const V value = hn::Load(d, values + lane);
    const auto beyond = hn::Or(hn::Lt(value, hn::Set(d, low)), hn::Gt(value, hn::Set(d, high)));
    hn::Store(hn::IfThenElse(beyond, hn::Set(d, 1.0F), hn::Load(d, outside + lane)), d,
              outside + lane);
  }
  return all_finite(z);
}

bool Unscore(const Scale& scale, bool release, const float* z, float* values) {
  const auto mean = hn::Set(dd, scale.mean), std = hn::Set(dd, scale.std);
  for (size_t lane = 0; lane < kLanes; lane += hn::Lanes(dd)) {
    // Product and sum are rounded apart, as `pixel` and the torch engine do.
    auto value = hn::Add(hn::Mul(hn::PromoteTo(dd, hn::Load(dh, z + lane)), std), mean);
    if (release) value = hn::Sub(hn::Zero(dd), value);
    hn::Store(hn::DemoteTo(dh, value), dh, values + lane);
  }
  return all_finite(values);
}

}  // namespace fluxtile::fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxtile::fused {

HWY_EXPORT(RecurrentDay);
HWY_EXPORT(Dense);
HWY_EXPORT(Head);
HWY_EXPORT(Attend);
HWY_EXPORT(Score);
HWY_EXPORT(Unscore);

namespace {

bool bf16_wanted = true;

/// The best of the supported ones: Highway's lower bits are the better targets.
int64_t best_target() {
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  return supported & -supported;
}

/// Asking the processor takes longer than a layer's day: once.
bool has_bf16_instruction() {
#if HWY_ARCH_X86
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0;
  return has && bf16_wanted;
#else
  return false;
#endif
}

}  // namespace

void recurrent_day(const RecurrentLayer& layer, const float* start,
                   std::initializer_list<InputRows> inputs, const float* before, float* after,
                   float* cells) {
  HWY_DYNAMIC_DISPATCH(RecurrentDay)
  (layer, start, inputs.begin(), inputs.size(), before, after, cells, has_bf16_instruction());
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
bool score(const Scale& scale, float low, float high, const float* values, float* z,
           float* outside) {
  return HWY_DYNAMIC_DISPATCH(Score)(scale, low, high, values, z, outside);
}
bool unscore(const Scale& scale, bool release, const float* z, float* values) {
  return HWY_DYNAMIC_DISPATCH(Unscore)(scale, release, z, values);
}

std::string kernel_target() { return hwy::TargetName(best_target()); }

bool kernel_target_fuses() {
  const std::string name = kernel_target();
  return name.rfind("AVX", 0) == 0 || name.rfind("NEON", 0) == 0 || name.rfind("SVE", 0) == 0;
}

bool kernel_has_bf16() {
#if HWY_ARCH_X86
  return has_bf16_instruction() && (best_target() & (HWY_AVX3 | HWY_AVX3_DL)) != 0;
#else
  return false;
#endif
}

void use_bf16_instruction(bool wanted) { bf16_wanted = wanted; }

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
