// SPDX-License-Identifier: Apache-2.0
#include "model/recurrent_training.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <numeric>

namespace fluxtile::test {
namespace {

/// The layer's arguments in one list: parts, h, an LSTM's cell, weight_ih, weight_hh, bias_ih,
/// bias_hh.
struct Layer {
  std::vector<torch::Tensor> arguments;
  size_t parts = 1;
  bool lstm = false;

  [[nodiscard]] std::vector<torch::Tensor> inputs() const {
    return {arguments.begin(), arguments.begin() + static_cast<int64_t>(parts)};
  }
  [[nodiscard]] std::vector<torch::Tensor> weights() const {
    return {arguments.end() - 4, arguments.end()};
  }
  [[nodiscard]] const torch::Tensor& h() const { return arguments[parts]; }
  [[nodiscard]] const torch::Tensor& cell() const { return arguments[parts + 1]; }
};

struct Shape {
  const char* name;
  int64_t days, batch, units;
  std::vector<int64_t> widths;
  bool lstm = false, zero_state = false;
};

torch::Tensor random(torch::IntArrayRef sizes, double reach, torch::Generator& generator) {
  return torch::rand(sizes, generator).mul_(2 * reach).sub_(reach);
}

Layer random_layer(const Shape& shape, uint64_t seed) {
  torch::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(seed);
  Layer layer;
  layer.parts = shape.widths.size();
  layer.lstm = shape.lstm;
  for (const int64_t width : shape.widths)
    layer.arguments.push_back(random({shape.days, shape.batch, width}, 2, generator));
  const int64_t width = std::accumulate(shape.widths.begin(), shape.widths.end(), int64_t{0}),
                rows = (shape.lstm ? 4 : 3) * shape.units;
  for (int state = 0; state < (shape.lstm ? 2 : 1); ++state)
    layer.arguments.push_back(
        random({shape.batch, shape.units}, shape.zero_state ? 0 : 1, generator));
  layer.arguments.push_back(random({rows, width}, 0.3, generator));
  layer.arguments.push_back(random({rows, shape.units}, 0.3, generator));
  layer.arguments.push_back(random({rows}, 0.5, generator));
  layer.arguments.push_back(random({rows}, 0.5, generator));
  return layer;
}

Layer leaves(const Layer& layer, torch::ScalarType type, const std::vector<bool>& requires_grad) {
  Layer copy;
  copy.parts = layer.parts;
  copy.lstm = layer.lstm;
  for (size_t i = 0; i < layer.arguments.size(); ++i)
    copy.arguments.push_back(
        layer.arguments[i].to(type).clone().requires_grad_(requires_grad.at(i)));
  return copy;
}

/// Outputs [T,B,units] and the states after the last day.
struct Result {
  torch::Tensor out;
  std::vector<torch::Tensor> states;
};

Result run(const Layer& layer) {
  if (layer.lstm) {
    const LstmYear year =
        train_lstm_layer(layer.inputs(), layer.h(), layer.cell(), layer.weights());
    return {year.out, {year.h, year.cell}};
  }
  const auto [out, after] = train_gru_layer(layer.inputs(), layer.h(), layer.weights());
  return {out, {after}};
}

Result run_torch(const Layer& layer) {
  const torch::Tensor x = torch::cat(layer.inputs(), 2);
  if (layer.lstm) {
    const auto [out, h, cell] = torch::lstm(x, {layer.h().unsqueeze(0), layer.cell().unsqueeze(0)},
                                            layer.weights(), true, 1, 0.0, false, false, false);
    return {out, {h[0], cell[0]}};
  }
  const auto [out, h] =
      torch::gru(x, layer.h().unsqueeze(0), layer.weights(), true, 1, 0.0, false, false, false);
  return {out, {h[0]}};
}

/// A scalar in which every output counts differently; `last` weighs the states after the last day.
torch::Tensor loss_of(const Result& result, double last) {
  const torch::Tensor weight = torch::arange(result.out.numel(), torch::kDouble).mul_(0.37).cos_();
  torch::Tensor loss = (result.out.to(torch::kDouble).reshape({-1}) * weight).sum();
  double factor = last;
  for (const torch::Tensor& state : result.states) {
    if (last != 0) loss = loss + factor * state.to(torch::kDouble).square().sum();
    factor *= 0.7;
  }
  return loss;
}

double relative_difference(const torch::Tensor& found, const torch::Tensor& expected) {
  const double scale = std::max(1e-6, expected.abs().max().item<double>());
  return (found.to(torch::kDouble) - expected).abs().max().item<double>() / scale;
}

class RecurrentTraining : public testing::TestWithParam<Shape> {};

TEST_P(RecurrentTraining, GradientsAreThoseOfTorchInFloat64) {
  const Shape& shape = GetParam();
  const Layer layer = random_layer(shape, 3);
  const std::vector<bool> all(layer.arguments.size(), true);
  for (const double last : {0.0, 1.5}) {
    const Layer own = leaves(layer, torch::kFloat, all),
                reference = leaves(layer, torch::kDouble, all);
    const Result found = run(own), expected = run_torch(reference);
    ASSERT_EQ(found.out.sizes(), (torch::IntArrayRef{shape.days, shape.batch, shape.units}));
    EXPECT_LT(relative_difference(found.out, expected.out), 1e-5);
    ASSERT_EQ(found.states.size(), expected.states.size());
    for (size_t i = 0; i < found.states.size(); ++i)
      EXPECT_LT(relative_difference(found.states[i], expected.states[i]), 1e-5) << i;
    loss_of(found, last).backward();
    loss_of(expected, last).backward();
    for (size_t i = 0; i < own.arguments.size(); ++i) {
      ASSERT_TRUE(own.arguments[i].grad().defined()) << i;
      EXPECT_LT(relative_difference(own.arguments[i].grad(), reference.arguments[i].grad()), 3e-5)
          << "argument " << i << ", last " << last;
    }
  }
}

TEST_P(RecurrentTraining, WithoutGradientsTheValuesAreTheSameBits) {
  const Layer layer = random_layer(GetParam(), 3);
  const Layer trained =
      leaves(layer, torch::kFloat, std::vector<bool>(layer.arguments.size(), true));
  const Result expected = run(trained), free = run(layer);
  const c10::InferenceMode inference;
  for (const Result& found : {free, run(trained)}) {
    EXPECT_FALSE(found.out.requires_grad());
    EXPECT_TRUE(torch::equal(found.out, expected.out));
    for (size_t i = 0; i < found.states.size(); ++i)
      EXPECT_TRUE(torch::equal(found.states[i], expected.states[i])) << i;
  }
}

TEST_P(RecurrentTraining, OnlyTheStateMayCount) {
  const Layer layer = random_layer(GetParam(), 4);
  const std::vector<bool> all(layer.arguments.size(), true);
  const Layer own = leaves(layer, torch::kFloat, all),
              reference = leaves(layer, torch::kDouble, all);
  run(own).states.back().square().sum().backward();
  run_torch(reference).states.back().square().sum().backward();
  for (size_t i = 0; i < own.arguments.size(); ++i)
    EXPECT_LT(relative_difference(own.arguments[i].grad(), reference.arguments[i].grad()), 3e-5)
        << i;
}

INSTANTIATE_TEST_SUITE_P(Shapes, RecurrentTraining,
                         testing::Values(Shape{"one_day", 1, 1, 64, {19}},
                                         Shape{"a_month", 31, 4, 64, {19}, false, true},
                                         Shape{"three_parts", 40, 5, 64, {1, 64, 19}},
                                         Shape{"two_parts", 20, 3, 7, {2, 5}},
                                         Shape{"four_parts", 9, 2, 5, {2, 1, 3, 1}},
                                         Shape{"several_blocks", 600, 2, 8, {3}},
                                         Shape{"odd_blocks", 70, 37, 6, {2, 2}},
                                         Shape{"wider_than_a_block", 3, 700, 4, {3}},
                                         Shape{"lstm_one_day", 1, 2, 64, {19}, true},
                                         Shape{"lstm_a_month", 31, 4, 64, {19}, true, true},
                                         Shape{"lstm_three_parts", 40, 5, 21, {1, 6, 19}, true},
                                         Shape{"lstm_several_blocks", 600, 2, 8, {3}, true}),
                         [](const auto& instance) { return instance.param.name; });

class RecurrentCells : public testing::TestWithParam<bool> {};

TEST_P(RecurrentCells, FrozenArgumentsGetNoGradientAndChangeNoOther) {
  const Layer layer = random_layer({"", 30, 3, 16, {1, 16, 4}, GetParam()}, 5);
  const size_t count = layer.arguments.size();
  const auto gradients = [&](const std::vector<bool>& requires_grad) {
    const Layer own = leaves(layer, torch::kFloat, requires_grad);
    loss_of(run(own), 1).backward();
    std::vector<torch::Tensor> found;
    for (const torch::Tensor& argument : own.arguments) found.push_back(argument.grad());
    return found;
  };
  const std::vector<torch::Tensor> whole = gradients(std::vector<bool>(count, true));
  for (size_t mask = 1; mask < (size_t{1} << count); ++mask) {
    std::vector<bool> requires_grad;
    for (size_t i = 0; i < count; ++i) requires_grad.push_back((mask >> i & 1U) != 0);
    const std::vector<torch::Tensor> some = gradients(requires_grad);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(some[i].defined(), static_cast<bool>(requires_grad[i])) << mask << " " << i;
      if (some[i].defined()) {
        ASSERT_TRUE(torch::equal(some[i], whole[i])) << mask << " " << i;
      }
    }
  }
}

TEST_P(RecurrentCells, GradientsAreTheSlopesOfTheLoss) {
  const Layer layer = random_layer({"", 25, 3, 12, {4, 9}, GetParam()}, 6);
  const size_t count = layer.arguments.size();
  const Layer own = leaves(layer, torch::kFloat, std::vector<bool>(count, true));
  loss_of(run(own), 0.5).backward();
  for (size_t i = 0; i < count; ++i) {
    // Along a direction of its own in each argument, by central differences.
    const torch::NoGradGuard no_grad;
    const torch::Tensor direction = torch::arange(own.arguments[i].numel(), torch::kFloat)
                                        .add_(1)
                                        .sin_()
                                        .view_as(own.arguments[i]);
    constexpr double step = 2e-3;
    double values[2];
    for (const int side : {0, 1}) {
      Layer moved = leaves(layer, torch::kFloat, std::vector<bool>(count, false));
      moved.arguments[i].add_(direction, side == 0 ? -step : step);
      values[side] = loss_of(run(moved), 0.5).item<double>();
    }
    const double slope = (values[1] - values[0]) / (2 * step);
    const double expected = (own.arguments[i].grad() * direction).sum().item<double>();
    EXPECT_NEAR(slope, expected, 2e-3 * std::max(1.0, std::abs(expected))) << i;
  }
}

TEST_P(RecurrentCells, PartsSideBySideAreOneInput) {
  const Layer apart = random_layer({"", 12, 2, 8, {3, 1, 5}, GetParam()}, 7);
  Layer joined = apart;
  joined.parts = 1;
  joined.arguments.erase(joined.arguments.begin(), joined.arguments.begin() + 2);
  joined.arguments[0] = torch::cat(apart.inputs(), 2);
  EXPECT_TRUE(torch::equal(run(apart).out, run(joined).out));
}

INSTANTIATE_TEST_SUITE_P(Kinds, RecurrentCells, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "lstm" : "gru"; });

}  // namespace
}  // namespace fluxtile::test
