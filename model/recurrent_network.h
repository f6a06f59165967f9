// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <string>
#include <utility>

#include "model/flux_network.h"

namespace fluxtile {

/// The plain baselines `gru` and `lstm`: two recurrent layers of 64 units from the daily inputs, a
/// linear head for Ra, Rh and NEE; dropout between the layers and before the head. No yield, no
/// residue, nothing that is known about carbon.
class RecurrentNetwork : public FluxNetwork {
 public:
  /// `architecture`: gru | lstm, with torch's own start values.
  RecurrentNetwork(const std::string& architecture, int64_t inputs);

  /// State: h [2,B,64]; an LSTM has its cells [2,B,64] as a second tensor.
  YearOutput run_year(const torch::Tensor& x_z, const State& state) override;
  [[nodiscard]] State zero_state(int64_t batch) const override;
  [[nodiscard]] std::shared_ptr<FluxNetwork> replica() const override;

 private:
  /// Both layers over all days: outputs [T,B,64] and the state after the last day.
  std::pair<torch::Tensor, State> run_lstm(const torch::Tensor& x, const State& state);

  int64_t inputs_;
  torch::nn::GRU gru_{nullptr};
  torch::nn::LSTM lstm_{nullptr};
  torch::nn::Linear head_;
};

}  // namespace fluxtile
