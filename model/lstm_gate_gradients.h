// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace fluxtile {

/// One step of an LSTM layer of `units` for `lanes` sites, after the matrix products:
///   i, f, o = sigmoid(input + recurrent + bias)     g = tanh(input_g + recurrent_g + bias_g)
///   cell = f * cell + i * g                         after = o * tanh(cell)
///
/// `input`, `recurrent`: [lane][i, f, g, o][unit]; `bias` [i, f, g, o][unit] is that of W_h; `cell`
/// [lane][unit] is replaced. Keeps for each lane `saved` [i, f, g, o, cell before][unit], which the
/// way back needs. Bits may differ between instruction sets. Thread-safe.
using LstmGatesKept = void(const float* input, const float* recurrent, const float* bias,
                           float* cell, float* after, float* saved, size_t lanes, size_t units);

/// The way back through one step. `after_gradient` [lane][unit]: derivative of the loss to `after`
/// from all but the next step, null = 0; `carry`: the same from the next step; `cell_carry`
/// [lane][unit]: derivative to the cell after the step on entry, to the cell before it on return.
/// `gradient` [lane][i, f, g, o][unit]: derivatives to the gates' arguments. `sums` [i, f, g,
/// o][unit]: has them added over lanes.
using LstmGatesBack = void(const float* saved, const float* after_gradient, const float* carry,
                           float* cell_carry, float* gradient, float* sums, size_t lanes,
                           size_t units);

LstmGatesKept lstm_gates_kept;
LstmGatesBack lstm_gates_back;

/// The same for each instruction set of this processor, the widest last.
std::vector<LstmGatesKept*> lstm_gates_kept_variants();
std::vector<LstmGatesBack*> lstm_gates_back_variants();

}  // namespace fluxtile
