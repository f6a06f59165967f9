// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace fluxtile {

/// gru_gates (see gru_gates.h for the equations) for training: also keeps, for each lane,
/// `saved` [r, z, n, q][unit] with q = recurrent_n + bias_n, which the way back needs. Bits may
/// differ between instruction sets. Thread-safe.
using GruGatesKept = void(const float* input, const float* recurrent, const float* bias,
                          const float* before, float* after, float* saved, size_t lanes,
                          size_t units);

/// The way back through one step. `after_gradient` [lane][unit]: derivative of the loss to `after`
/// from all but the next step, null = 0. `carry` [lane][unit]: on entry the derivative that comes
/// from the next step, on return the part of the derivative to `before` that passes the gates
/// directly; what passes W_h is the caller's: carry += gradient_(r,z,q) W_h. `gradient`
/// [lane][n, r, z, q][unit]: derivatives to the gates' arguments. The first three are those of W_i
/// and b_i, the last three those of W_h and b_h. `sums` [n, r, z, q][unit]: has them added over
/// lanes.
using GruGatesBack = void(const float* saved, const float* before, const float* after_gradient,
                          float* carry, float* gradient, float* sums, size_t lanes, size_t units);

GruGatesKept gru_gates_kept;
GruGatesBack gru_gates_back;

/// The same for each instruction set of this processor, the widest last.
std::vector<GruGatesKept*> gru_gates_kept_variants();
std::vector<GruGatesBack*> gru_gates_back_variants();

}  // namespace fluxtile
