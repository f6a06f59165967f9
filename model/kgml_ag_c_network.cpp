// SPDX-License-Identifier: Apache-2.0
#include "model/kgml_ag_c_network.h"

#include <c10/core/GradMode.h>
#include <torch/nn/functional/dropout.h>
#include <torch/nn/modules/activation.h>

#include <algorithm>

#include "base/error.h"
#include "model/gru_gates.h"
#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {

constexpr double dropout = 0.2;
constexpr auto hidden = static_cast<int64_t>(kgml_ag_c::hidden_size);
constexpr auto features = static_cast<int64_t>(kgml_ag_c::feature_count);

torch::nn::GRU gru(int64_t inputs, int64_t layers) {
  return torch::nn::GRU(
      torch::nn::GRUOptions(inputs, hidden).num_layers(layers).dropout(layers > 1 ? dropout : 0.0));
}

torch::nn::Sequential three_layers_to_one() {
  return torch::nn::Sequential(
      torch::nn::Linear(hidden, 64), torch::nn::ReLU(), torch::nn::Linear(64, 64),
      torch::nn::ReLU(), torch::nn::Linear(64, 32), torch::nn::ReLU(), torch::nn::Linear(32, 1));
}

torch::Tensor physical(const torch::Tensor& z, const Scaler& scaler) {
  return z * scaler.std + scaler.mean;
}

/// Days whose products fit a core's cache together, for 64 cells.
constexpr int64_t block_days = 16;

/// One layer of a GRU over all days without gradients on the CPU: as torch's own, but without its
/// year-long intermediate arrays and a dozen small kernels a day. `inputs` are [T,B,k] and stand
/// side by side; `h` [B,hidden] is replaced by its value after the last day. Returns [T,B,hidden].
torch::Tensor run_layer(const std::vector<torch::Tensor>& inputs, const torch::Tensor* weights,
                        torch::Tensor& h) {
  const int64_t days = inputs[0].size(0), batch = inputs[0].size(1);
  const torch::Tensor to_gates = weights[0].t().contiguous();
  const torch::Tensor back_to_gates = weights[1].t().contiguous();
  const torch::Tensor &input_bias = weights[2], bias = weights[3].contiguous();
  torch::Tensor recurrent = torch::empty({batch, 3 * hidden});
  torch::Tensor gates = torch::empty({std::min(block_days, days) * batch, 3 * hidden});
  torch::Tensor out = torch::empty({days, batch, hidden});
  for (int64_t first = 0; first < days; first += block_days) {
    const int64_t length = std::min(block_days, days - first);
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& input : inputs) parts.push_back(input.narrow(0, first, length));
    const torch::Tensor x = parts.size() == 1 ? parts[0] : torch::cat(parts, 2);
    torch::Tensor block = gates.narrow(0, 0, length * batch);
    torch::addmm_out(block, input_bias, x.reshape({length * batch, x.size(2)}), to_gates);
    for (int64_t day = 0; day < length; ++day) {
      torch::mm_out(recurrent, h, back_to_gates);
      const torch::Tensor today = out[first + day];
      gru_gates(block.data_ptr<float>() + day * batch * 3 * hidden, recurrent.data_ptr<float>(),
                bias.data_ptr<float>(), h.data_ptr<float>(), today.data_ptr<float>(),
                static_cast<size_t>(batch), kgml_ag_c::hidden_size);
      h = today;
    }
  }
  return out;
}

/// A GRU over `inputs` ([T,B,k], side by side) from state `h` [layers,B,hidden]: outputs of the
/// last layer [T,B,hidden] and the state after the last day.
std::pair<torch::Tensor, torch::Tensor> run_gru(torch::nn::GRU& gru,
                                                const std::vector<torch::Tensor>& inputs,
                                                const torch::Tensor& h) {
  const bool plain =
      !c10::GradMode::is_enabled() && !gru->is_training() && inputs[0].device().is_cpu();
  if (!plain) {
    auto [out, after] = gru->forward(inputs.size() == 1 ? inputs[0] : torch::cat(inputs, 2), h);
    return {out, after};
  }
  const std::vector<torch::Tensor> weights = gru->parameters(false);  // ih, hh, b_ih, b_hh by layer
  std::vector<torch::Tensor> out = inputs, after;
  for (int64_t layer = 0; layer < h.size(0); ++layer) {
    torch::Tensor state = h[layer].contiguous();
    out = {run_layer(out, weights.data() + 4 * layer, state)};
    after.push_back(state);
  }
  return {out[0], torch::stack(after)};
}

const Scaler& output_scaler(const Package& package, const std::string& name) {
  for (const PackageOutput& output : package.outputs)
    if (output.name == name) return output.scaler;
  throw Error(Code::internal, "a checked package lacks output " + name);
}

}  // namespace

KgmlAgC::KgmlAgC(const Scalers& scalers)
    : scalers_(scalers),
      gru_basic_(register_module("gru_basic", gru(features, 2))),
      gru_ra_(register_module("gru_Ra", gru(hidden + features, 1))),
      gru_rh_(register_module("gru_Rh", gru(1 + hidden + features, 2))),
      gru_nee_(register_module("gru_NEE", gru(2 + features, 1))),
      densor_ra_(register_module("densor_Ra", torch::nn::Linear(hidden, 1))),
      densor_rh_(register_module("densor_Rh", torch::nn::Linear(hidden, 1))),
      densor_nee_(register_module("densor_NEE", torch::nn::Linear(hidden, 1))),
      attn_(register_module("attn", three_layers_to_one())),
      densor_yield_(register_module("densor_yield", three_layers_to_one())) {}

std::shared_ptr<KgmlAgC> KgmlAgC::from_package(const Package& package) {
  auto network = std::make_shared<KgmlAgC>(Scalers{
      output_scaler(package, "Ra"), output_scaler(package, "Rh"), output_scaler(package, "NEE"),
      package.scalers.at("GPP"), package.scalers.at("Yield"), package.scalers.at("Residue")});
  const c10::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    const auto found = package.tensors.find(item.key());
    torch::Tensor& parameter = item.value();
    if (found == package.tensors.end() || !parameter.sizes().equals(found->second.shape))
      throw Error(Code::internal, "a checked package lacks tensor " + item.key());
    std::copy_n(found->second.data<float>(), found->second.count(), parameter.data_ptr<float>());
  }
  network->eval();
  return network;
}

torch::Tensor KgmlAgC::drop(const torch::Tensor& x) {
  return is_training() ? torch::dropout(x, dropout, true) : x;
}

torch::Tensor KgmlAgC::pulse(const torch::Tensor& residue_z, int64_t days) {
  constexpr auto first = static_cast<int64_t>(kgml_ag_c::first_pulse_day);
  constexpr auto length = static_cast<int64_t>(kgml_ag_c::pulse_days);
  const int64_t batch = residue_z.size(0);
  if (days <= first) return torch::zeros({days, batch, 1}, residue_z.options());
  const int64_t pulsed = std::min(length, days - first);
  return torch::cat({torch::zeros({first, batch, 1}, residue_z.options()),
                     residue_z.view({1, batch, 1}).expand({pulsed, batch, 1}),
                     torch::zeros({days - first - pulsed, batch, 1}, residue_z.options())});
}

KgmlAgC::Output KgmlAgC::forward(const torch::Tensor& x_z, const Hidden& state) {
  // Days first inside: a day of all cells is then contiguous.
  const torch::Tensor x = x_z.transpose(0, 1);
  const int64_t days = x.size(0);
  Output out;

  const auto [o, basic] = run_gru(gru_basic_, {x}, state.basic);

  // Yield: attention over the days of the year.
  const torch::Tensor d = drop(o);
  const torch::Tensor score = torch::tanh(attn_->forward(d));
  const torch::Tensor yield =
      densor_yield_->forward((torch::softmax(score, 0) * d).sum(0));  // [B,1]

  const auto [o_ra, hidden_ra] = run_gru(gru_ra_, {drop(o), x}, state.ra);
  const torch::Tensor ra = densor_ra_->forward(drop(o_ra));

  // Residue: what GPP leaves after autotrophic respiration (Ra < 0) and yield.
  const torch::Tensor gpp =
      physical(x.select(2, static_cast<int64_t>(kgml_ag_c::gpp_feature)), scalers_.gpp).sum(0);
  out.residue = torch::relu(gpp + physical(ra.squeeze(2), scalers_.ra).sum(0) -
                            physical(yield.squeeze(1), scalers_.yield));
  const torch::Tensor residue_z = (out.residue - scalers_.residue.mean) / scalers_.residue.std;

  const auto [o_rh, hidden_rh] = run_gru(gru_rh_, {pulse(residue_z, days), drop(o), x}, state.rh);
  const torch::Tensor rh = densor_rh_->forward(drop(o_rh));

  const auto [o_nee, hidden_nee] = run_gru(gru_nee_, {ra, rh, x}, state.nee);
  const torch::Tensor nee = densor_nee_->forward(drop(o_nee));

  out.fluxes = torch::cat({ra, rh, nee}, 2).transpose(0, 1);
  out.yield = yield.squeeze(1);
  out.attention = score.squeeze(2).transpose(0, 1);
  out.hidden = {basic, hidden_ra, hidden_rh, hidden_nee};
  return out;
}

KgmlAgC::Hidden KgmlAgC::zero_state(int64_t batch, const torch::Device& device) {
  const auto options = torch::TensorOptions(torch::kFloat32).device(device);
  return {torch::zeros({2, batch, hidden}, options), torch::zeros({1, batch, hidden}, options),
          torch::zeros({2, batch, hidden}, options), torch::zeros({1, batch, hidden}, options)};
}

}  // namespace fluxtile
