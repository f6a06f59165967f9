// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/rnn.h>

#include <utility>
#include <vector>

#include "model/dropout_stream.h"

namespace fluxtile {

/// A GRU over `inputs` ([T,B,k] each, side by side) from state `h` [layers,B,units]: outputs of the
/// last layer [T,B,units] and the state after the last day. `between_layers`: dropout of all layers
/// but the last; null = none. The CPU has code of its own, with gradients and without; elsewhere
/// torch's GRU runs. `bf16_products`: see bf16_layers.h; without dropout and gradients only.
std::pair<torch::Tensor, torch::Tensor> run_gru(torch::nn::GRU& gru,
                                                const std::vector<torch::Tensor>& inputs,
                                                const torch::Tensor& h,
                                                DropoutStream* between_layers,
                                                bool bf16_products = false);

}  // namespace fluxtile
