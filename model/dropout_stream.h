// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fluxtile {

/// Random numbers for dropout that depend on a key and on the order of draws alone: not on threads,
/// other networks or torch's global generator. One stream a thread.
class DropoutStream {
 public:
  /// Share of values that are dropped; 0 switches dropout off.
  double rate = 0.2;
  /// Starts the numbers of a piece of work.
  void restart(uint64_t seed, uint64_t step, uint64_t chunk) noexcept;
  /// `x` (float32) with about `rate` of its values set to 0 and the others divided by 1 - rate.
  /// Differentiable; keeps nothing for the way back but a few numbers.
  at::Tensor apply(const at::Tensor& x);
  /// The same numbers in torch's own operations, as apply() does it on other devices than the CPU.
  at::Tensor apply_by_torch(const at::Tensor& x);

 private:
  struct Draw;
  Draw next_draw();

  uint64_t key_ = 0, drawn_ = 0;
};

}  // namespace fluxtile
