// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fluxtile {

/// FLOP/s of one thread that does nothing but fused multiply-adds in registers (float32, the widest
/// vectors there are; a multiply-add counts two): the median of 25 spells of some milliseconds. Not
/// the best of them, which a clock that rises for an instant decides and no longer work can keep.
double fma_peak_of_a_thread();

/// The same of `threads` threads together.
double fma_peak(int threads);

}  // namespace fluxtile
