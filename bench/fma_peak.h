// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fluxtile {

/// FLOP/s of one thread that does nothing but fused multiply-adds in registers (float32, the widest
/// vectors there are; a multiply-add counts two). Takes about a tenth of a second.
double fma_peak_of_a_thread();

/// The same of `threads` threads together.
double fma_peak(int threads);

}  // namespace fluxtile
