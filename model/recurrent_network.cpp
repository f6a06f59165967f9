// SPDX-License-Identifier: Apache-2.0
#include "model/recurrent_network.h"

#include "model/bf16_layers.h"
#include "model/gru_layers.h"
#include "model/recurrent_shapes.h"
#include "model/recurrent_training.h"

namespace fluxtile {
namespace {

constexpr auto units = static_cast<int64_t>(recurrent::hidden_size);
constexpr auto layers = static_cast<int64_t>(recurrent::layers);
constexpr auto fluxes = static_cast<int64_t>(recurrent::flux_count);

}  // namespace

RecurrentNetwork::RecurrentNetwork(const std::string& architecture, int64_t inputs)
    : inputs_(inputs), head_(nullptr) {
  if (architecture == "lstm")
    lstm_ = register_module(
        "rnn", torch::nn::LSTM(torch::nn::LSTMOptions(inputs, units).num_layers(layers)));
  else
    gru_ = register_module("rnn",
                           torch::nn::GRU(torch::nn::GRUOptions(inputs, units).num_layers(layers)));
  head_ = register_module("head", torch::nn::Linear(units, fluxes));
}

FluxNetwork::YearOutput RecurrentNetwork::run_year(const torch::Tensor& x_z, const State& state) {
  const torch::Tensor x = x_z.transpose(0, 1).contiguous();
  YearOutput out;
  torch::Tensor o;
  if (gru_) {
    torch::Tensor after;
    std::tie(o, after) =
        run_gru(gru_, {x}, state.at(0), is_training() ? &dropout : nullptr, bf16_products);
    out.state = {after};
  } else {
    std::tie(o, out.state) = run_lstm(x, state);
  }
  if (is_training()) o = dropout.apply(o);
  out.fluxes = head_->forward(o).transpose(0, 1);
  return out;
}

std::pair<torch::Tensor, FluxNetwork::State> RecurrentNetwork::run_lstm(const torch::Tensor& x,
                                                                        const State& state) {
  const bool on_cpu = x.device().is_cpu();
  if (!on_cpu && !is_training() && !bf16_products) {
    const auto [out, after] = lstm_->forward(x, std::make_tuple(state.at(0), state.at(1)));
    return {out, {std::get<0>(after), std::get<1>(after)}};
  }
  const std::vector<torch::Tensor> weights = lstm_->parameters(false);  // four a layer
  torch::Tensor o = x;
  std::vector<torch::Tensor> h, c;
  for (int64_t layer = 0; layer < layers; ++layer) {
    if (layer > 0 && is_training()) o = dropout.apply(o);
    const std::vector<torch::Tensor> own(weights.begin() + 4 * layer,
                                         weights.begin() + 4 * (layer + 1));
    const torch::Tensor h_before = state.at(0)[layer], c_before = state.at(1)[layer];
    if (bf16_products) {
      const Bf16LstmYear year = run_bf16_lstm_layer({o}, h_before, c_before, own);
      o = year.out;
      h.push_back(year.h);
      c.push_back(year.cell);
    } else if (on_cpu) {
      const LstmYear year = train_lstm_layer({o}, h_before, c_before, own);
      o = year.out;
      h.push_back(year.h);
      c.push_back(year.cell);
    } else {
      const auto [out, last_h, last_c] =
          torch::lstm(o, {h_before.unsqueeze(0), c_before.unsqueeze(0)}, own, true, 1, 0.0, false,
                      false, false);
      o = out;
      h.push_back(last_h[0]);
      c.push_back(last_c[0]);
    }
  }
  return {o, {torch::stack(h), torch::stack(c)}};
}

FluxNetwork::State RecurrentNetwork::zero_state(int64_t batch) const {
  const torch::Tensor zero =
      torch::zeros({layers, batch, units}, head_->weight.options().requires_grad(false));
  return gru_ ? State{zero} : State{zero, zero.clone()};
}

std::shared_ptr<FluxNetwork> RecurrentNetwork::replica() const {
  auto copy = std::make_shared<RecurrentNetwork>(gru_ ? "gru" : "lstm", inputs_);
  share_parameters(*copy, *this);
  copy->train(is_training());
  return copy;
}

}  // namespace fluxtile
