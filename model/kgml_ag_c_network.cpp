// SPDX-License-Identifier: Apache-2.0
#include "model/kgml_ag_c_network.h"

#include <c10/core/GradMode.h>
#include <torch/nn/modules/activation.h>

#include <algorithm>

#include "base/error.h"
#include "model/gru_layers.h"
#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {

constexpr auto hidden = static_cast<int64_t>(kgml_ag_c::hidden_size);
constexpr auto features = static_cast<int64_t>(kgml_ag_c::feature_count);

torch::nn::GRU gru(int64_t inputs, int64_t layers) {
  return torch::nn::GRU(torch::nn::GRUOptions(inputs, hidden).num_layers(layers));
}

torch::nn::Sequential three_layers_to_one() {
  return torch::nn::Sequential(
      torch::nn::Linear(hidden, 64), torch::nn::ReLU(), torch::nn::Linear(64, 64),
      torch::nn::ReLU(), torch::nn::Linear(64, 32), torch::nn::ReLU(), torch::nn::Linear(32, 1));
}

torch::Tensor physical(const torch::Tensor& z, const Scaler& scaler) {
  return z * scaler.std + scaler.mean;
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
  load_weights(*network, package);
  network->eval();
  return network;
}

torch::Tensor KgmlAgC::drop(const torch::Tensor& x) { return is_training() ? dropout.apply(x) : x; }

DropoutStream* KgmlAgC::dropout_between_layers() { return is_training() ? &dropout : nullptr; }

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
  const torch::Tensor x = x_z.transpose(0, 1).contiguous();
  const int64_t days = x.size(0);
  Output out;

  const auto [o, basic] =
      run_gru(gru_basic_, {x}, state.basic, dropout_between_layers(), bf16_products);

  // Yield: attention over the days of the year.
  const torch::Tensor d = drop(o);
  const torch::Tensor score = torch::tanh(attn_->forward(d));
  const torch::Tensor yield =
      densor_yield_->forward((torch::softmax(score, 0) * d).sum(0));  // [B,1]

  const auto [o_ra, hidden_ra] =
      run_gru(gru_ra_, {drop(o), x}, state.ra, dropout_between_layers(), bf16_products);
  const torch::Tensor ra = densor_ra_->forward(drop(o_ra));

  // Residue: what GPP leaves after autotrophic respiration (Ra < 0) and yield.
  const torch::Tensor gpp =
      physical(x.select(2, static_cast<int64_t>(kgml_ag_c::gpp_feature)), scalers_.gpp).sum(0);
  out.residue = torch::relu(gpp + physical(ra.squeeze(2), scalers_.ra).sum(0) -
                            physical(yield.squeeze(1), scalers_.yield));
  const torch::Tensor residue_z = (out.residue - scalers_.residue.mean) / scalers_.residue.std;

  const auto [o_rh, hidden_rh] = run_gru(gru_rh_, {pulse(residue_z, days), drop(o), x}, state.rh,
                                         dropout_between_layers(), bf16_products);
  const torch::Tensor rh = densor_rh_->forward(drop(o_rh));

  const auto [o_nee, hidden_nee] =
      run_gru(gru_nee_, {ra, rh, x}, state.nee, dropout_between_layers(), bf16_products);
  const torch::Tensor nee = densor_nee_->forward(drop(o_nee));

  out.fluxes = torch::cat({ra, rh, nee}, 2).transpose(0, 1);
  out.yield = yield.squeeze(1);
  out.attention = score.squeeze(2).transpose(0, 1);
  out.hidden = {basic, hidden_ra, hidden_rh, hidden_nee};
  return out;
}

KgmlAgC::Hidden KgmlAgC::zero_hidden(int64_t batch, const torch::Device& device) {
  const auto options = torch::TensorOptions(torch::kFloat32).device(device);
  return {torch::zeros({2, batch, hidden}, options), torch::zeros({1, batch, hidden}, options),
          torch::zeros({2, batch, hidden}, options), torch::zeros({1, batch, hidden}, options)};
}

FluxNetwork::YearOutput KgmlAgC::run_year(const torch::Tensor& x_z, const State& state) {
  const Output out = forward(x_z, {state.at(0), state.at(1), state.at(2), state.at(3)});
  return {out.fluxes,
          out.yield,
          out.residue,
          {out.hidden.basic, out.hidden.ra, out.hidden.rh, out.hidden.nee}};
}

FluxNetwork::State KgmlAgC::zero_state(int64_t batch) const {
  const Hidden zero = zero_hidden(batch, densor_ra_->weight.device());
  return {zero.basic, zero.ra, zero.rh, zero.nee};
}

std::shared_ptr<FluxNetwork> KgmlAgC::replica() const {
  auto copy = std::make_shared<KgmlAgC>(scalers_);
  share_parameters(*copy, *this);
  copy->train(is_training());
  return copy;
}

}  // namespace fluxtile
