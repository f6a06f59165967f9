// SPDX-License-Identifier: Apache-2.0
#include "model/network_batch.h"

#include <c10/core/InferenceMode.h>
#include <torch/types.h>

#include <cstring>
#include <random>
#include <vector>

#include "base/error.h"
#include "model/blas_threads.h"
#include "model/torch_runtime.h"

namespace fluxtile {
namespace {

torch::Tensor pack(const FluxNetwork::State& state) {
  return torch::cat(state).transpose(0, 1).flatten(1).contiguous();
}

FluxNetwork::State unpack(const FluxNetwork& network, const torch::Tensor& packed) {
  FluxNetwork::State state = network.zero_state(1);  // [layers,1,units] each
  const int64_t units = state[0].size(2);
  const torch::Tensor all = packed.view({packed.size(0), -1, units}).transpose(0, 1).contiguous();
  int64_t layer = 0;
  for (torch::Tensor& part : state) {
    const int64_t layers = part.size(0);
    part = all.narrow(0, layer, layers);
    layer += layers;
  }
  return state;
}

bool bits_equal(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor left = a.contiguous(), right = b.contiguous();
  return left.nbytes() == right.nbytes() &&
         std::memcmp(left.data_ptr(), right.data_ptr(), left.nbytes()) == 0;
}

/// A few days of a network on made-up cells.
class Trial {
 public:
  Trial(FluxNetwork& network, const torch::Device& device, size_t inputs, size_t state_size,
        size_t lanes)
      : network_(network),
        device_(device),
        lanes_(static_cast<int64_t>(lanes)),
        state_(torch::full({lanes_, static_cast<int64_t>(state_size)}, 0.1F).to(device)) {
    constexpr int64_t days = 12;
    const auto width = static_cast<int64_t>(inputs);
    std::mt19937 random(19);
    cells_ = torch::empty({days, lanes_, width});
    auto* values = cells_.data_ptr<float>();
    for (int64_t i = 0; i < cells_.numel(); ++i)
      values[i] = static_cast<float>(random() % 8001) / 1000.0F - 4.0F;
  }
  /// Inputs [day][lane][input] of different cells.
  [[nodiscard]] const torch::Tensor& cells() const { return cells_; }
  /// All that the network gives of the lanes of x, [lane][...] on the host.
  [[nodiscard]] torch::Tensor outputs(const torch::Tensor& x) const {
    const int64_t lanes = x.size(1);
    const BatchYear out =
        run_batch(network_, x.contiguous().to(device_), state_.narrow(0, 0, lanes));
    std::vector<torch::Tensor> parts = {out.fluxes.transpose(0, 1).reshape({lanes, -1}), out.state};
    for (const torch::Tensor& annual : {out.yield, out.residue})
      if (annual.defined()) parts.push_back(annual.reshape({lanes, 1}));
    return torch::cat(parts, 1).cpu();
  }

 private:
  FluxNetwork& network_;
  torch::Device device_;
  int64_t lanes_;
  torch::Tensor state_, cells_;
};

}  // namespace

BatchYear run_batch(FluxNetwork& network, const torch::Tensor& x_z, const torch::Tensor& state) {
  FluxNetwork::YearOutput out = network.run_year(x_z.transpose(0, 1), unpack(network, state));
  return {out.fluxes.transpose(0, 1).contiguous(), out.yield, out.residue, pack(out.state)};
}

size_t tested_period(FluxNetwork& network, const torch::Device& device, size_t inputs,
                     size_t state_size, size_t lanes, size_t period) {
  keep_torch_to_one_thread();
  const c10::InferenceMode inference;
  const Trial trial(network, device, inputs, state_size, lanes);
  const torch::Tensor &others = trial.cells(), one = others.narrow(1, 0, 1);
  const auto count = static_cast<int64_t>(lanes);
  for (const int64_t parity : {0, 1}) {
    const torch::Tensor mask = torch::arange(count).remainder(2).eq(parity).view({1, count, 1});
    const torch::Tensor alone = trial.outputs(torch::where(mask, one, torch::zeros({1})));
    const torch::Tensor among = trial.outputs(torch::where(mask, one, others));
    for (int64_t lane = parity; lane < count; lane += 2)
      if (!bits_equal(alone.narrow(0, lane, 1), among.narrow(0, lane, 1)))
        throw Error(Code::data, "this machine's matrix library changes a cell with its neighbours")
            .found("position " + std::to_string(lane) + " of a batch of " + std::to_string(lanes) +
                   ", " + (device.is_cpu() ? blas_identity() : device.str()))
            .expected("the same bits")
            .hint(device.is_cpu() ? "use another BLAS or set OPENBLAS_CORETYPE=Haswell"
                                  : "use run.device: cpu, and report this machine");
  }
  if (lanes == period) return period;
  const torch::Tensor everywhere = trial.outputs(one.expand_as(others));
  const auto distance = static_cast<int64_t>(period);
  for (int64_t group = distance; group < count; group += distance)
    if (!bits_equal(everywhere.narrow(0, 0, distance), everywhere.narrow(0, group, distance)))
      return lanes;
  return period;
}

size_t tested_smallest(FluxNetwork& network, const torch::Device& device, size_t inputs,
                       size_t state_size, size_t lanes, size_t period) {
  keep_torch_to_one_thread();
  const c10::InferenceMode inference;
  const Trial trial(network, device, inputs, state_size, lanes);
  const torch::Tensor whole = trial.outputs(trial.cells());
  size_t smallest = lanes;
  for (; smallest / 2 >= period; smallest /= 2) {
    const auto half = static_cast<int64_t>(smallest / 2);
    if (!bits_equal(trial.outputs(trial.cells().narrow(1, 0, half)), whole.narrow(0, 0, half)))
      break;
  }
  return smallest;
}

}  // namespace fluxtile
