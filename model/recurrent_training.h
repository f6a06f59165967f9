// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace fluxtile {

/// One layer of a GRU over all days with gradients, on the CPU, float32: as torch's own, but with
/// products over many days at once, one kernel a day for the gates, and no copies of what stands
/// side by side. Gradients are computed only for the arguments that require one; where none does,
/// or torch is in a mode without gradients, nothing is kept for the way back and the values are the
/// same.
///
/// `inputs`: 1 to 3 tensors [T,B,k] that stand side by side (more are joined first); `h` [B,units]
/// the state before the first day; `weights`: weight_ih [3 units, sum of k], weight_hh, bias_ih,
/// bias_hh with rows r, z, n. Returns outputs [T,B,units] and the state after the last day
/// [B,units].
std::pair<at::Tensor, at::Tensor> train_gru_layer(const std::vector<at::Tensor>& inputs,
                                                  const at::Tensor& h,
                                                  const std::vector<at::Tensor>& weights);

/// The same for an LSTM: weights have rows i, f, g, o; `cell` [B,units] goes with `h`.
struct LstmYear {
  at::Tensor out, h, cell;
};
LstmYear train_lstm_layer(const std::vector<at::Tensor>& inputs, const at::Tensor& h,
                          const at::Tensor& cell, const std::vector<at::Tensor>& weights);

}  // namespace fluxtile
