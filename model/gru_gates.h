// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace fluxtile {

/// One step of a GRU layer of `units` for `lanes` cells, after the matrix products:
///   r = sigmoid(input_r + recurrent_r)     z = sigmoid(input_z + recurrent_z)
///   n = tanh(input_n + r * recurrent_n)    after = n + z * (before - n)
///
/// `input` and `recurrent`: [lane][r, z, n][unit]; `input` holds W_i x + b_i, `recurrent` holds
/// W_h h, to which `bias` ([r, z, n][unit], b_h) is added. `before`, `after`: [lane][unit], which
/// may be the same array. Absolute error below 5e-7 for |before| <= 1. The bits are the same on
/// every processor: no step fuses a multiplication with an addition, and nothing is summed over
/// units. Not a number stays not a number. Thread-safe.
void gru_gates(const float* input, const float* recurrent, const float* bias, const float* before,
               float* after, size_t lanes, size_t units);

/// The same for each instruction set of this processor, the widest last.
using GruGates = void(const float* input, const float* recurrent, const float* bias,
                      const float* before, float* after, size_t lanes, size_t units);
std::vector<GruGates*> gru_gates_variants();

}  // namespace fluxtile
