// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace fluxtile {

/// One layer of a GRU over all days without gradients whose matrix products have bfloat16 factors.
///
/// Inputs, weights and, for the recurrent product, the state of the day before are rounded to
/// bfloat16; sums over units run in float32, and each product is rounded to bfloat16 once. Gates,
/// biases and the state itself stay in float32: a state in bfloat16 would stand still wherever a
/// day changes it by less than 1/256.
///
/// `inputs`: tensors [T,B,k] that stand side by side, float32; `h` [B,units]; `weights`: weight_ih,
/// weight_hh, bias_ih, bias_hh. Returns outputs [T,B,units] and the state after the last day.
std::pair<at::Tensor, at::Tensor> run_bf16_gru_layer(const std::vector<at::Tensor>& inputs,
                                                     const at::Tensor& h,
                                                     const std::vector<at::Tensor>& weights);

/// The same for an LSTM, with its cell.
struct Bf16LstmYear {
  at::Tensor out, h, cell;
};
Bf16LstmYear run_bf16_lstm_layer(const std::vector<at::Tensor>& inputs, const at::Tensor& h,
                                 const at::Tensor& cell, const std::vector<at::Tensor>& weights);

}  // namespace fluxtile
