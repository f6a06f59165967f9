// SPDX-License-Identifier: Apache-2.0
#include "model/dropout_stream.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "base/error.h"
#include "model/gate_functions.h"

namespace fluxtile {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A bijection of 64 bits in which every bit of the argument reaches every bit of the result.
uint64_t mixed(uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// One draw: a key, and the share that is dropped in 1/65536.
struct DrawNumbers {
  uint32_t first_key = 0, second_key = 0, threshold = 0;
  float scale = 1;
};

constexpr uint32_t start = 0x9e3779b1U, multiplier[] = {0x85ebca6bU, 0xc2b2ae35U, 0x27d4eb2fU};
constexpr int shift[] = {16, 13, 16, 15};

/// 32 random bits for a counter; two values take a half each.
FLUXTILE_INLINE uint32_t word(uint32_t counter, uint32_t first_key, uint32_t second_key) {
  uint32_t x = counter * start + first_key;
  x = (x ^ (x >> shift[0])) * multiplier[0];
  x = ((x ^ (x >> shift[1])) + second_key) * multiplier[1];
  x = (x ^ (x >> shift[2])) * multiplier[2];
  return x ^ (x >> shift[3]);
}

/// Values are taken in blocks of 32: 16 words give their lower halves to the first 16 values and
/// their upper halves to the others, which vector code does without moving anything.
constexpr size_t half_block = 16;

FLUXTILE_INLINE void drop_all(const float* x, float* y, size_t count, const DrawNumbers& draw) {
  const uint32_t first = draw.first_key, second = draw.second_key, threshold = draw.threshold;
  const float scale = draw.scale;
  const size_t blocks = count / (2 * half_block);
  for (size_t block = 0; block < blocks; ++block) {
    const auto counter = static_cast<uint32_t>(block * half_block);
#pragma GCC ivdep
    for (uint32_t i = 0; i < half_block; ++i) {
      const uint32_t bits = word(counter + i, first, second);
      y[i] = (bits & 0xffffU) < threshold ? 0.0F : x[i] * scale;
      y[i + half_block] = (bits >> 16) < threshold ? 0.0F : x[i + half_block] * scale;
    }
    x += 2 * half_block;
    y += 2 * half_block;
  }
  const size_t rest = count % (2 * half_block);
  for (size_t i = 0; i < rest; ++i) {
    const uint32_t bits =
        word(static_cast<uint32_t>(blocks * half_block + i % half_block), first, second);
    y[i] = (i < half_block ? bits & 0xffffU : bits >> 16) < threshold ? 0.0F : x[i] * scale;
  }
}

// clang-format off
#define FLUXTILE_DROP(name)                                                                       \
  void name(const float* x, float* y, size_t count, const DrawNumbers& draw) {                           \
    drop_all(x, y, count, draw);                                                                  \
  }
FLUXTILE_DROP(drop_baseline)
#ifdef __x86_64__
__attribute__((target("avx2")))
FLUXTILE_DROP(drop_avx2)
__attribute__((target("avx512f,avx512dq,prefer-vector-width=512")))
FLUXTILE_DROP(drop_avx512)
#endif
    // clang-format on

    using Drop = void(const float* x, float* y, size_t count, const DrawNumbers& draw);

Drop* best_drop() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return drop_avx512;
  if (__builtin_cpu_supports("avx2")) return drop_avx2;
#endif
  return drop_baseline;
}

/// 0 for values that are dropped and the scale for the others, with the same numbers as above but
/// in torch's own operations: for devices other than the CPU.
at::Tensor factors(const at::Tensor& like, const DrawNumbers& draw) {
  const auto low_32_bits = [](const at::Tensor& x) { return x.bitwise_and(int64_t{0xffffffff}); };
  const auto times = [&](const at::Tensor& x, uint32_t factor) {
    // In two halves, so that no product leaves 63 bits.
    const auto high = static_cast<int64_t>(factor >> 16),
               low = static_cast<int64_t>(factor & 0xffffU);
    return low_32_bits(low_32_bits(x * high).bitwise_left_shift(16) + x * low);
  };
  const auto folded = [](const at::Tensor& x, int bits) {
    return x.bitwise_xor(x.bitwise_right_shift(bits));
  };
  const at::Tensor value = at::arange(like.numel(), like.options().dtype(at::kLong));
  at::Tensor x = value.bitwise_right_shift(5).bitwise_left_shift(4) + value.bitwise_and(15);
  x = low_32_bits(times(x, start) + static_cast<int64_t>(draw.first_key));
  x = times(folded(x, shift[0]), multiplier[0]);
  x = low_32_bits(folded(x, shift[1]) + static_cast<int64_t>(draw.second_key));
  x = times(x, multiplier[1]);
  x = folded(times(folded(x, shift[2]), multiplier[2]), shift[3]);
  const at::Tensor half =
      at::where(value.bitwise_and(16).eq(0), x.bitwise_and(0xffff), x.bitwise_right_shift(16));
  return half.ge(static_cast<int64_t>(draw.threshold))
      .to(at::kFloat)
      .mul_(draw.scale)
      .view(like.sizes());
}

at::Tensor drop(const at::Tensor& x, const DrawNumbers& draw) {
  if (!x.device().is_cpu()) return x * factors(x, draw);
  static Drop* const best = best_drop();
  const at::Tensor from = x.contiguous();
  at::Tensor to = at::empty(from.sizes(), from.options());
  best(from.data_ptr<float>(), to.data_ptr<float>(), static_cast<size_t>(from.numel()), draw);
  return to;
}

/// The way back draws the same numbers again instead of keeping a mask.
class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t first_key,
                            int64_t second_key, int64_t threshold, double scale) {
    context->saved_data["first_key"] = first_key;
    context->saved_data["second_key"] = second_key;
    context->saved_data["threshold"] = threshold;
    context->saved_data["scale"] = scale;
    return drop(x, draw_of(first_key, second_key, threshold, scale));
  }
  static variable_list backward(AutogradContext* context, variable_list gradient) {
    const auto& saved = context->saved_data;
    const DrawNumbers draw = draw_of(saved.at("first_key").toInt(), saved.at("second_key").toInt(),
                                     saved.at("threshold").toInt(), saved.at("scale").toDouble());
    return {drop(gradient[0], draw), {}, {}, {}, {}};
  }

 private:
  static DrawNumbers draw_of(int64_t first_key, int64_t second_key, int64_t threshold,
                             double scale) {
    return {static_cast<uint32_t>(first_key), static_cast<uint32_t>(second_key),
            static_cast<uint32_t>(threshold), static_cast<float>(scale)};
  }
};

}  // namespace

struct DropoutStream::Draw : DrawNumbers {};

void DropoutStream::restart(uint64_t seed, uint64_t step, uint64_t chunk) noexcept {
  key_ = mixed(mixed(mixed(seed) + step) + chunk);
  drawn_ = 0;
}

DropoutStream::Draw DropoutStream::next_draw() {
  if (!(rate >= 0 && rate < 1))
    throw Error(Code::internal, "dropout of " + std::to_string(rate)).expected("0 to below 1");
  const uint64_t key = mixed(key_ + drawn_++);
  Draw draw;
  draw.first_key = static_cast<uint32_t>(key);
  draw.second_key = static_cast<uint32_t>(key >> 32);
  draw.threshold = static_cast<uint32_t>(std::lround(rate * 65536));
  draw.scale = static_cast<float>(1 / (1 - rate));
  return draw;
}

at::Tensor DropoutStream::apply(const at::Tensor& x) {
  const Draw draw = next_draw();
  if (draw.threshold == 0) return x;
  return Dropout::apply(x, int64_t{draw.first_key}, int64_t{draw.second_key},
                        int64_t{draw.threshold}, double{draw.scale});
}

at::Tensor DropoutStream::apply_by_torch(const at::Tensor& x) {
  const Draw draw = next_draw();
  return draw.threshold == 0 ? x : x * factors(x, draw);
}

}  // namespace fluxtile
