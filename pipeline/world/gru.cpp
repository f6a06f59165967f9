// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/gru.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

constexpr size_t kBlock = 8;  // cells whose sums are kept in registers

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

Sequence concatenate(const std::vector<const Sequence*>& parts) {
  size_t features = 0;
  for (const Sequence* part : parts) features += part->features();
  const size_t days = parts.front()->days(), cells = parts.front()->cells();
  Sequence result(days, features, cells);
  for (size_t day = 0; day < days; ++day) {
    double* out = result.at(day);
    for (const Sequence* part : parts)
      out = std::copy_n(part->at(day), part->features() * cells, out);
  }
  return result;
}

GruLayer random_layer(const Random& random, int64_t which, size_t inputs, double gain) {
  constexpr size_t hidden = GruLayer::hidden, gates = GruLayer::gates;
  int64_t count = 0;
  const auto draw = [&random, &count, which](double half_width) {
    const double value = half_width * (2 * random.uniform(Subject::weights, which, count++) - 1);
    return static_cast<double>(static_cast<float>(value));
  };
  GruLayer layer;
  layer.inputs = inputs;
  // A uniform number in +-w has the standard deviation w / sqrt(3).
  const double input_width = gain * std::sqrt(3.0 / static_cast<double>(inputs));
  const double hidden_width = 0.7 * std::sqrt(3.0 / double{hidden});
  for (size_t i = 0; i < gates * inputs; ++i) layer.weight_ih.push_back(draw(input_width));
  for (size_t i = 0; i < gates * hidden; ++i) layer.weight_hh.push_back(draw(hidden_width));
  for (size_t i = 0; i < gates; ++i) layer.bias_ih.push_back(draw(0.2));
  for (size_t i = 0; i < gates; ++i) layer.bias_hh.push_back(draw(0.2));
  for (size_t unit = 0; unit < hidden; ++unit) {
    // update gate 0.27 (about a day) to 0.97 (about a month)
    const double memory = -1.0 + 4.5 * static_cast<double>(unit) / double{hidden - 1};
    double& bias = layer.bias_ih[hidden + unit];
    bias = static_cast<double>(static_cast<float>(bias + memory));
  }
  return layer;
}

void affine(const double* weights, const double* bias, size_t rows, size_t columns,
            const double* in, double* out, size_t cells) {
  for (size_t cell = 0; cell < cells; cell += kBlock) {
    for (size_t row = 0; row < rows; ++row) {
      const double* w = weights + row * columns;
      double sum[kBlock];
      std::fill(sum, sum + kBlock, bias[row]);
      for (size_t column = 0; column < columns; ++column) {
        const double* x = in + column * cells + cell;
        for (size_t i = 0; i < kBlock; ++i) sum[i] += w[column] * x[i];
      }
      std::copy(sum, sum + kBlock, out + row * cells + cell);
    }
  }
}

Sequence run(const GruLayer& layer, const Sequence& input) {
  constexpr size_t hidden = GruLayer::hidden, gates = GruLayer::gates;
  const size_t cells = input.cells(), n = hidden * cells;
  std::vector<double> from_input(gates * cells), from_state(gates * cells), state(n);
  Sequence result(input.days(), hidden, cells);
  for (size_t day = 0; day < input.days(); ++day) {
    affine(layer.weight_ih.data(), layer.bias_ih.data(), gates, layer.inputs, input.at(day),
           from_input.data(), cells);
    affine(layer.weight_hh.data(), layer.bias_hh.data(), gates, hidden, state.data(),
           from_state.data(), cells);
    for (size_t i = 0; i < n; ++i) {
      const double reset = logistic(from_input[i] + from_state[i]);
      const double update = logistic(from_input[n + i] + from_state[n + i]);
      const double fresh = std::tanh(from_input[2 * n + i] + reset * from_state[2 * n + i]);
      state[i] = fresh + update * (state[i] - fresh);
    }
    std::copy(state.begin(), state.end(), result.at(day));
  }
  return result;
}

}  // namespace fluxtile::world
