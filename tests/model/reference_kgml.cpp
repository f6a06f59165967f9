// SPDX-License-Identifier: Apache-2.0
#include "reference_kgml.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace fluxtile::test {
namespace {

using Row = std::vector<double>;
using Series = std::vector<Row>;  // [day][value]

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

class Weights {
 public:
  explicit Weights(const Package& package) : tensors_(package.tensors) {}

  /// y = W v + b
  [[nodiscard]] Row linear(const std::string& weight, const std::string& bias, const Row& v) const {
    const Tensor& w = tensors_.at(weight);
    const auto* values = w.data<float>();
    const auto* offset = tensors_.at(bias).data<float>();
    Row y(static_cast<size_t>(w.shape[0]));
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = static_cast<double>(offset[i]);
      for (size_t j = 0; j < v.size(); ++j)
        y[i] += static_cast<double>(values[i * v.size() + j]) * v[j];
    }
    return y;
  }

  /// One layer; `h` is replaced by its value after the last day.
  [[nodiscard]] Series gru_layer(const std::string& name, int layer, const Series& x,
                                 double* h) const {
    const std::string l = "_l" + std::to_string(layer);
    Series out;
    for (const Row& today : x) {
      const Row before(h, h + 64);
      const Row in = linear(name + ".weight_ih" + l, name + ".bias_ih" + l, today);
      const Row re = linear(name + ".weight_hh" + l, name + ".bias_hh" + l, before);
      for (size_t u = 0; u < 64; ++u) {
        const double r = sigmoid(in[u] + re[u]);
        const double z = sigmoid(in[64 + u] + re[64 + u]);
        const double n = std::tanh(in[128 + u] + r * re[128 + u]);
        h[u] = (1 - z) * n + z * before[u];
      }
      out.emplace_back(h, h + 64);
    }
    return out;
  }

  [[nodiscard]] double head(const std::string& name, const Row& v) const {
    return linear(name + ".weight", name + ".bias", v)[0];
  }

  /// Four linear layers with ReLU between them.
  [[nodiscard]] double stack(const std::string& name, Row v) const {
    for (const char* layer : {".0", ".2", ".4"}) {
      v = linear(name + layer + ".weight", name + layer + ".bias", v);
      for (double& value : v) value = std::max(value, 0.0);
    }
    return head(name + ".6", v);
  }

 private:
  const Tensors& tensors_;
};

}  // namespace

ReferenceYear reference_year(const Package& package, const std::vector<float>& x_z,
                             const std::vector<double>& state) {
  const Weights net(package);
  const size_t days = x_z.size() / 19;
  const auto physical = [](double z, const Scaler& s) { return z * s.std + s.mean; };
  ReferenceYear year;
  year.state = state;
  double* h = year.state.data();

  Series x;
  for (size_t t = 0; t < days; ++t)
    x.emplace_back(x_z.begin() + static_cast<long>(19 * t),
                   x_z.begin() + static_cast<long>(19 * (t + 1)));
  Series o = net.gru_layer("gru_basic", 0, x, h);
  o = net.gru_layer("gru_basic", 1, o, h + 64);

  double normaliser = 0;
  Row summary(64, 0.0);
  for (const Row& today : o) {
    year.attention.push_back(std::tanh(net.stack("attn", today)));
    normaliser += std::exp(year.attention.back());
  }
  for (size_t t = 0; t < days; ++t)
    for (size_t u = 0; u < 64; ++u)
      summary[u] += std::exp(year.attention[t]) / normaliser * o[t][u];
  year.yield_z = net.stack("densor_yield", summary);

  Series with_x = o;
  for (size_t t = 0; t < days; ++t) with_x[t].insert(with_x[t].end(), x[t].begin(), x[t].end());
  const Series o_ra = net.gru_layer("gru_Ra", 0, with_x, h + 128);
  year.fluxes.resize(days);
  double carbon = -physical(year.yield_z, package.scalers.at("Yield"));
  for (size_t t = 0; t < days; ++t) {
    year.fluxes[t][0] = net.head("densor_Ra", o_ra[t]);
    carbon += physical(x[t][8], package.scalers.at("GPP")) +
              physical(year.fluxes[t][0], package.outputs[0].scaler);
  }
  year.residue = std::max(carbon, 0.0);
  const Scaler& residue = package.scalers.at("Residue");

  for (size_t t = 0; t < days; ++t) {
    const bool pulse = t == 298 || t == 299;
    with_x[t].insert(with_x[t].begin(), pulse ? (year.residue - residue.mean) / residue.std : 0.0);
  }
  Series o_rh = net.gru_layer("gru_Rh", 0, with_x, h + 192);
  o_rh = net.gru_layer("gru_Rh", 1, o_rh, h + 256);
  Series with_fluxes;
  for (size_t t = 0; t < days; ++t) {
    year.fluxes[t][1] = net.head("densor_Rh", o_rh[t]);
    Row row = {year.fluxes[t][0], year.fluxes[t][1]};
    row.insert(row.end(), x[t].begin(), x[t].end());
    with_fluxes.push_back(row);
  }
  const Series o_nee = net.gru_layer("gru_NEE", 0, with_fluxes, h + 320);
  for (size_t t = 0; t < days; ++t) year.fluxes[t][2] = net.head("densor_NEE", o_nee[t]);
  return year;
}

}  // namespace fluxtile::test
