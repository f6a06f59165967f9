// SPDX-License-Identifier: Apache-2.0
#include "reference_recurrent.h"

#include <cmath>
#include <string>

namespace fluxtile::test {
namespace {

constexpr size_t kUnits = 64, kLayers = 2;

using Units = std::array<double, kUnits>;
using Row = std::vector<double>;

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

/// y = W v + b
Row linear(const Tensor& weight, const Tensor& bias, const Row& v) {
  Row y(static_cast<size_t>(weight.shape[0]));
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = static_cast<double>(bias.data<float>()[i]);
    for (size_t j = 0; j < v.size(); ++j)
      y[i] += static_cast<double>(weight.data<float>()[i * v.size() + j]) * v[j];
  }
  return y;
}

/// Gates r, z, n stand one after the other; the reset gate stands after the recurrent product.
void gru_step(const Row& in, const Row& re, Units& h) {
  for (size_t u = 0; u < kUnits; ++u) {
    const double r = sigmoid(in[u] + re[u]);
    const double z = sigmoid(in[kUnits + u] + re[kUnits + u]);
    const double n = std::tanh(in[2 * kUnits + u] + r * re[2 * kUnits + u]);
    h[u] = (1 - z) * n + z * h[u];
  }
}

/// Gates i, f, g, o stand one after the other.
void lstm_step(const Row& in, const Row& re, Units& h, Units& cell) {
  for (size_t u = 0; u < kUnits; ++u) {
    const auto gate = [&](size_t k) { return in[k * kUnits + u] + re[k * kUnits + u]; };
    cell[u] = sigmoid(gate(1)) * cell[u] + sigmoid(gate(0)) * std::tanh(gate(2));
    h[u] = sigmoid(gate(3)) * std::tanh(cell[u]);
  }
}

}  // namespace

RecurrentYear reference_recurrent(const Package& package, const std::vector<float>& x_z,
                                  const std::vector<double>& state) {
  const Tensors& tensors = package.tensors;
  const size_t inputs = package.inputs.size(), days = x_z.size() / inputs;
  Units h[kLayers] = {}, cell[kLayers] = {};
  for (size_t i = 0; i < state.size(); ++i) {
    Units* const of = i < kLayers * kUnits ? h : cell;
    of[i / kUnits % kLayers][i % kUnits] = state[i];
  }
  RecurrentYear year;
  for (size_t day = 0; day < days; ++day) {
    Row v(x_z.begin() + static_cast<long>(day * inputs),
          x_z.begin() + static_cast<long>((day + 1) * inputs));
    for (size_t layer = 0; layer < kLayers; ++layer) {
      const auto product = [&](const std::string& kind, const Row& of) {
        const std::string end = "_" + kind + "_l" + std::to_string(layer);
        return linear(tensors.at("rnn.weight" + end), tensors.at("rnn.bias" + end), of);
      };
      const Row in = product("ih", v), re = product("hh", Row(h[layer].begin(), h[layer].end()));
      if (package.architecture == "gru")
        gru_step(in, re, h[layer]);
      else
        lstm_step(in, re, h[layer], cell[layer]);
      v.assign(h[layer].begin(), h[layer].end());
    }
    year.units.push_back(h[kLayers - 1]);
    const Row fluxes = linear(tensors.at("head.weight"), tensors.at("head.bias"), v);
    year.fluxes.push_back({fluxes[0], fluxes[1], fluxes[2]});
  }
  for (const Units& units : h) year.state.insert(year.state.end(), units.begin(), units.end());
  if (package.architecture == "lstm")
    for (const Units& units : cell) year.state.insert(year.state.end(), units.begin(), units.end());
  return year;
}

}  // namespace fluxtile::test
