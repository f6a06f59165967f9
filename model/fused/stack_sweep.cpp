// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "model/fused/block_sweep.h"
#include "model/fused/hidden_states.h"

namespace fluxtile::fused {
namespace {

/// Recurrent layers on top of each other and linear heads: `gru` and `lstm`.
class StackSweep final : public BlockSweep {
 public:
  explicit StackSweep(const FusedNetwork& network)
      : network_(std::get<StackNetwork>(network.network)),
        daily_(network.daily.size()),
        constants_(network.constant.size() * kLanes),
        hidden_(network_.layers.size()),
        start_(network_.layers.front().rows() * kLanes),
        x_(daily_ * kLanes),
        fluxes_(network_.heads.size() * kLanes) {
    if (network_.layers.front().gates == Gates::lstm)
      cells_.resize(network_.layers.size() * kUnits * kLanes);
  }

  [[nodiscard]] size_t bytes() const override {
    return (constants_.size() + (network_.layers.size() + 1) * kUnits * kLanes + cells_.size() +
            start_.size() + x_.size() + fluxes_.size()) *
           sizeof(float);
  }
  float* constants() override { return constants_.data(); }
  float* state(size_t row) override {
    const size_t layer = row / kUnits, layers = network_.layers.size();
    return layer < layers ? hidden_[layer] + row % kUnits * kLanes
                          : cells_.data() + (row - layers * kUnits) * kLanes;
  }
  [[nodiscard]] size_t last_beginning() const override {
    return std::numeric_limits<size_t>::max();
  }

  void run(size_t first, size_t days, DayByDay& work) override {
    const std::vector<RecurrentLayer>& layers = network_.layers;
    const bool starts = layers.front().constants.rows > 0;
    if (starts) dense(layers.front().constants, constants_.data(), false, start_.data());
    for (size_t day = first; day < days; ++day) {
      work.begin(day);
      work.inputs(day, x_.data());
      InputRows below = {x_.data(), daily_};
      for (size_t layer = 0; layer < layers.size(); ++layer) {
        float* cells = cells_.empty() ? nullptr : cells_.data() + layer * kUnits * kLanes;
        hidden_.step(layer, layers[layer], layer == 0 && starts ? start_.data() : nullptr, {below},
                     cells);
        below = {hidden_[layer], kUnits};
      }
      for (size_t k = 0; k < network_.heads.size(); ++k)
        head(network_.heads[k].weights, network_.heads[k].bias, below.values,
             fluxes_.data() + k * kLanes);
      work.results(day, {fluxes_.data(), fluxes_.data() + kLanes, fluxes_.data() + 2 * kLanes});
    }
    work.begin(days);
  }

  [[nodiscard]] const float* annual(size_t /*variable*/) const override { return nullptr; }

 private:
  const StackNetwork& network_;
  size_t daily_;
  Floats constants_;
  HiddenStates hidden_;
  Floats cells_, start_, x_, fluxes_;
};

}  // namespace

std::unique_ptr<BlockSweep> make_stack_sweep(const FusedNetwork& network) {
  return std::make_unique<StackSweep>(network);
}

}  // namespace fluxtile::fused
