// SPDX-License-Identifier: Apache-2.0
#include "model/bf16_layers.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace fluxtile::test {
namespace {

torch::Tensor random(torch::IntArrayRef sizes, double reach, torch::Generator& generator) {
  return torch::rand(sizes, generator).mul_(2 * reach).sub_(reach);
}

torch::Tensor rounded(const torch::Tensor& values) {
  return values.to(torch::kFloat).to(torch::kBFloat16).to(torch::kDouble);
}

constexpr int64_t days = 40, batch = 3, units = 8;

struct Layer {
  explicit Layer(int64_t gates) {
    torch::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(4);
    inputs = {random({days, batch, 5}, 2, generator), random({days, batch, 1}, 2, generator)};
    h = random({batch, units}, 1, generator);
    cell = random({batch, units}, 1, generator);
    weights = {random({gates * units, 6}, 0.4, generator),
               random({gates * units, units}, 0.4, generator),
               random({gates * units}, 0.5, generator), random({gates * units}, 0.5, generator)};
  }
  /// The two products of a day with rounded factors, in float64, rounded once; and the biases.
  [[nodiscard]] torch::Tensor from_inputs(int64_t day) const {
    const torch::Tensor x = torch::cat({inputs[0][day], inputs[1][day]}, 1);
    return rounded(rounded(x).mm(rounded(weights[0]).t())) + weights[2].to(torch::kDouble);
  }
  [[nodiscard]] torch::Tensor from_state(const torch::Tensor& state) const {
    return rounded(rounded(state).mm(rounded(weights[1]).t())) + weights[3].to(torch::kDouble);
  }
  std::vector<torch::Tensor> inputs, weights;
  torch::Tensor h, cell;
};

torch::Tensor gate(const torch::Tensor& gates, int64_t k) {
  return gates.narrow(1, k * units, units);
}

/// A sum near the middle between two bfloat16 may be rounded either way, which moves a few values
/// by up to 2^-8 of a gate's argument. Without any rounding the mean error is 2e-4 to 9e-4.
void expect_near(const torch::Tensor& found, const torch::Tensor& expected, const char* what) {
  const torch::Tensor error = (found.to(torch::kDouble) - expected).abs();
  EXPECT_LT(error.max().item<double>(), 2e-2) << what;
  EXPECT_LT(error.mean().item<double>(), 5e-5) << what;
}

TEST(Bf16Layers, AGruRoundsTheFactorsOfItsProductsAndNotItsState) {
  const Layer layer(3);
  const auto [out, last] = run_bf16_gru_layer(layer.inputs, layer.h, layer.weights);
  torch::Tensor h = layer.h.to(torch::kDouble);
  std::vector<torch::Tensor> expected;
  for (int64_t day = 0; day < days; ++day) {
    const torch::Tensor x = layer.from_inputs(day), re = layer.from_state(h);
    const torch::Tensor r = (gate(x, 0) + gate(re, 0)).sigmoid(),
                        z = (gate(x, 1) + gate(re, 1)).sigmoid(),
                        n = (gate(x, 2) + r * gate(re, 2)).tanh();
    h = (1 - z) * n + z * h;
    expected.push_back(h);
  }
  expect_near(out, torch::stack(expected), "outputs");
  expect_near(last, h, "state");
}

TEST(Bf16Layers, AnLstmRoundsTheFactorsOfItsProductsAndNotItsCell) {
  const Layer layer(4);
  const Bf16LstmYear year = run_bf16_lstm_layer(layer.inputs, layer.h, layer.cell, layer.weights);
  torch::Tensor h = layer.h.to(torch::kDouble), cell = layer.cell.to(torch::kDouble);
  std::vector<torch::Tensor> expected;
  for (int64_t day = 0; day < days; ++day) {
    const torch::Tensor sum = layer.from_inputs(day) + layer.from_state(h);
    cell = gate(sum, 1).sigmoid() * cell + gate(sum, 0).sigmoid() * gate(sum, 2).tanh();
    h = gate(sum, 3).sigmoid() * cell.tanh();
    expected.push_back(h);
  }
  expect_near(year.out, torch::stack(expected), "outputs");
  expect_near(year.h, h, "state");
  expect_near(year.cell, cell, "cell");
}

TEST(Bf16Layers, AStateThatHardlyMovesMoves) {
  // z = sigmoid(7): a day takes 1/1100 of the way to n, less than bfloat16 can add to a state.
  std::vector<torch::Tensor> weights = {torch::zeros({3 * units, 1}),
                                        torch::zeros({3 * units, units}), torch::zeros({3 * units}),
                                        torch::zeros({3 * units})};
  weights[2].narrow(0, units, units).fill_(7);
  weights[2].narrow(0, 2 * units, units).fill_(-20);  // n = -1
  const auto [out, last] =
      run_bf16_gru_layer({torch::zeros({365, 1, 1})}, torch::ones({1, units}), weights);
  EXPECT_NEAR(last.min().item<double>(), -1 + 2 * std::pow(1 / (1 + std::exp(-7.0)), 365), 1e-4);
}

}  // namespace
}  // namespace fluxtile::test
