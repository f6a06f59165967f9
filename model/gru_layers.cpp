// SPDX-License-Identifier: Apache-2.0
#include "model/gru_layers.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "model/bf16_layers.h"
#include "model/gru_gates.h"
#include "model/recurrent_training.h"

namespace fluxtile {
namespace {

/// Days whose products fit a core's cache together, for 64 cells.
constexpr int64_t block_days = 16;

torch::Tensor side_by_side(const std::vector<torch::Tensor>& parts) {
  return parts.size() == 1 ? parts[0] : torch::cat(parts, 2);
}

/// One layer of a GRU over all days without gradients on the CPU: as torch's own, but without its
/// year-long intermediate arrays and a dozen small kernels a day. `inputs` are [T,B,k] and stand
/// side by side; `h` [B,units] is replaced by its value after the last day. Returns [T,B,units].
torch::Tensor run_layer(const std::vector<torch::Tensor>& inputs, const torch::Tensor* weights,
                        torch::Tensor& h) {
  const int64_t days = inputs[0].size(0), batch = inputs[0].size(1), units = h.size(1);
  const torch::Tensor to_gates = weights[0].t().contiguous();
  const torch::Tensor back_to_gates = weights[1].t().contiguous();
  const torch::Tensor &input_bias = weights[2], bias = weights[3].contiguous();
  torch::Tensor recurrent = torch::empty({batch, 3 * units});
  torch::Tensor gates = torch::empty({std::min(block_days, days) * batch, 3 * units});
  torch::Tensor out = torch::empty({days, batch, units});
  for (int64_t first = 0; first < days; first += block_days) {
    const int64_t length = std::min(block_days, days - first);
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& input : inputs) parts.push_back(input.narrow(0, first, length));
    const torch::Tensor x = side_by_side(parts);
    torch::Tensor block = gates.narrow(0, 0, length * batch);
    torch::addmm_out(block, input_bias, x.reshape({length * batch, x.size(2)}), to_gates);
    for (int64_t day = 0; day < length; ++day) {
      torch::mm_out(recurrent, h, back_to_gates);
      const torch::Tensor today = out[first + day];
      gru_gates(block.data_ptr<float>() + day * batch * 3 * units, recurrent.data_ptr<float>(),
                bias.data_ptr<float>(), h.data_ptr<float>(), today.data_ptr<float>(),
                static_cast<size_t>(batch), static_cast<size_t>(units));
      h = today;
    }
  }
  return out;
}

bool needs_gradient(const std::vector<torch::Tensor>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const torch::Tensor& tensor) { return tensor.requires_grad(); });
}

}  // namespace

std::pair<torch::Tensor, torch::Tensor> run_gru(torch::nn::GRU& gru,
                                                const std::vector<torch::Tensor>& inputs,
                                                const torch::Tensor& h,
                                                DropoutStream* between_layers, bool bf16_products) {
  const bool on_cpu = inputs[0].device().is_cpu();
  const int64_t layers = h.size(0);
  if (!on_cpu && !bf16_products && (layers == 1 || !between_layers)) {
    auto [out, after] = gru->forward(side_by_side(inputs), h);
    return {out, after};
  }
  const std::vector<torch::Tensor> weights = gru->parameters(false);  // ih, hh, b_ih, b_hh by layer
  std::vector<torch::Tensor> out = inputs, after;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const std::vector<torch::Tensor> own(weights.begin() + 4 * layer,
                                         weights.begin() + 4 * (layer + 1));
    torch::Tensor state = h[layer].contiguous();
    const bool gradient = c10::GradMode::is_enabled() &&
                          (needs_gradient(out) || needs_gradient(own) || state.requires_grad());
    if (bf16_products) {
      auto [values, last] = run_bf16_gru_layer(out, state, own);
      out = {values};
      state = last;
    } else if (on_cpu && gradient) {
      auto [values, last] = train_gru_layer(out, state, own);
      out = {values};
      state = last;
    } else if (on_cpu) {
      const c10::NoGradGuard no_grad;
      out = {run_layer(out, own.data(), state)};
    } else {
      auto [values, last] =
          torch::gru(side_by_side(out), state.unsqueeze(0), own, true, 1, 0.0, false, false, false);
      out = {values};
      state = last[0];
    }
    if (between_layers && layer + 1 < layers) out = {between_layers->apply(out[0])};
    after.push_back(state);
  }
  return {out[0], torch::stack(after)};
}

}  // namespace fluxtile
