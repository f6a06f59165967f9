// SPDX-License-Identifier: Apache-2.0
#include "model/gru_training.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <numeric>

namespace fluxtile::test {
namespace {

/// The layer's arguments in one list: parts, h, weight_ih, weight_hh, bias_ih, bias_hh.
struct Layer {
  std::vector<torch::Tensor> arguments;
  size_t parts = 1;

  [[nodiscard]] std::vector<torch::Tensor> inputs() const {
    return {arguments.begin(), arguments.begin() + static_cast<int64_t>(parts)};
  }
  [[nodiscard]] std::vector<torch::Tensor> weights() const {
    return {arguments.end() - 4, arguments.end()};
  }
  [[nodiscard]] const torch::Tensor& h() const { return arguments[parts]; }
};

struct Shape {
  const char* name;
  int64_t days, batch, units;
  std::vector<int64_t> widths;
  bool zero_state = false;
};

torch::Tensor random(torch::IntArrayRef sizes, double reach, torch::Generator& generator) {
  return torch::rand(sizes, generator).mul_(2 * reach).sub_(reach);
}

Layer random_layer(const Shape& shape, uint64_t seed) {
  torch::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(seed);
  Layer layer;
  layer.parts = shape.widths.size();
  for (const int64_t width : shape.widths)
    layer.arguments.push_back(random({shape.days, shape.batch, width}, 2, generator));
  const int64_t width = std::accumulate(shape.widths.begin(), shape.widths.end(), int64_t{0});
  layer.arguments.push_back(
      random({shape.batch, shape.units}, shape.zero_state ? 0 : 1, generator));
  layer.arguments.push_back(random({3 * shape.units, width}, 0.3, generator));
  layer.arguments.push_back(random({3 * shape.units, shape.units}, 0.3, generator));
  layer.arguments.push_back(random({3 * shape.units}, 0.5, generator));
  layer.arguments.push_back(random({3 * shape.units}, 0.5, generator));
  return layer;
}

Layer leaves(const Layer& layer, torch::ScalarType type, const std::vector<bool>& requires_grad) {
  Layer copy;
  copy.parts = layer.parts;
  for (size_t i = 0; i < layer.arguments.size(); ++i)
    copy.arguments.push_back(
        layer.arguments[i].to(type).clone().requires_grad_(requires_grad.at(i)));
  return copy;
}

/// A scalar in which every output counts differently; `last` weighs the state after the last day.
torch::Tensor loss_of(const torch::Tensor& out, const torch::Tensor& after, double last) {
  const torch::Tensor weight = torch::arange(out.numel(), torch::kDouble).mul_(0.37).cos_();
  torch::Tensor loss = (out.to(torch::kDouble).reshape({-1}) * weight).sum();
  if (last != 0) loss = loss + last * after.to(torch::kDouble).square().sum();
  return loss;
}

std::pair<torch::Tensor, torch::Tensor> run_torch(const Layer& layer) {
  auto [out, after] = torch::gru(torch::cat(layer.inputs(), 2), layer.h().unsqueeze(0),
                                 layer.weights(), true, 1, 0.0, false, false, false);
  return {out, after[0]};
}

double relative_difference(const torch::Tensor& found, const torch::Tensor& expected) {
  const double scale = std::max(1e-6, expected.abs().max().item<double>());
  return (found.to(torch::kDouble) - expected).abs().max().item<double>() / scale;
}

class GruTraining : public testing::TestWithParam<Shape> {};

TEST_P(GruTraining, GradientsAreThoseOfTorchInFloat64) {
  const Shape& shape = GetParam();
  const Layer layer = random_layer(shape, 3);
  const std::vector<bool> all(layer.arguments.size(), true);
  for (const double last : {0.0, 1.5}) {
    const Layer own = leaves(layer, torch::kFloat, all),
                reference = leaves(layer, torch::kDouble, all);
    const auto [out, after] = train_gru_layer(own.inputs(), own.h(), own.weights());
    const auto [expected_out, expected_after] = run_torch(reference);
    ASSERT_EQ(out.sizes(), (torch::IntArrayRef{shape.days, shape.batch, shape.units}));
    EXPECT_LT(relative_difference(out, expected_out), 1e-5);
    EXPECT_LT(relative_difference(after, expected_after), 1e-5);
    loss_of(out, after, last).backward();
    loss_of(expected_out, expected_after, last).backward();
    for (size_t i = 0; i < own.arguments.size(); ++i) {
      ASSERT_TRUE(own.arguments[i].grad().defined()) << i;
      EXPECT_LT(relative_difference(own.arguments[i].grad(), reference.arguments[i].grad()), 3e-5)
          << "argument " << i << ", last " << last;
    }
  }
}

TEST_P(GruTraining, OnlyTheStateMayCount) {
  const Layer layer = random_layer(GetParam(), 4);
  const std::vector<bool> all(layer.arguments.size(), true);
  const Layer own = leaves(layer, torch::kFloat, all),
              reference = leaves(layer, torch::kDouble, all);
  train_gru_layer(own.inputs(), own.h(), own.weights()).second.square().sum().backward();
  run_torch(reference).second.square().sum().backward();
  for (size_t i = 0; i < own.arguments.size(); ++i)
    EXPECT_LT(relative_difference(own.arguments[i].grad(), reference.arguments[i].grad()), 3e-5)
        << i;
}

INSTANTIATE_TEST_SUITE_P(Shapes, GruTraining,
                         testing::Values(Shape{"one_day", 1, 1, 64, {19}},
                                         Shape{"a_month", 31, 4, 64, {19}, true},
                                         Shape{"three_parts", 40, 5, 64, {1, 64, 19}},
                                         Shape{"two_parts", 20, 3, 7, {2, 5}},
                                         Shape{"four_parts", 9, 2, 5, {2, 1, 3, 1}},
                                         Shape{"several_blocks", 600, 2, 8, {3}},
                                         Shape{"odd_blocks", 70, 37, 6, {2, 2}},
                                         Shape{"wider_than_a_block", 3, 700, 4, {3}}),
                         [](const auto& instance) { return instance.param.name; });

TEST(GruTrainingLayer, FrozenArgumentsGetNoGradientAndChangeNoOther) {
  const Layer layer = random_layer({"", 30, 3, 16, {1, 16, 4}}, 5);
  const size_t count = layer.arguments.size();
  const auto gradients = [&](const std::vector<bool>& requires_grad) {
    const Layer own = leaves(layer, torch::kFloat, requires_grad);
    const auto [out, after] = train_gru_layer(own.inputs(), own.h(), own.weights());
    loss_of(out, after, 1).backward();
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

TEST(GruTrainingLayer, GradientsAreTheSlopesOfTheLoss) {
  const Layer layer = random_layer({"", 25, 3, 12, {4, 9}}, 6);
  const std::vector<bool> all(layer.arguments.size(), true);
  const Layer own = leaves(layer, torch::kFloat, all);
  const auto value = [](const Layer& at) {
    const auto [out, after] = train_gru_layer(at.inputs(), at.h(), at.weights());
    return loss_of(out, after, 0.5);
  };
  value(own).backward();
  for (size_t i = 0; i < own.arguments.size(); ++i) {
    // Along a direction of its own in each argument, by central differences.
    const torch::NoGradGuard no_grad;
    const torch::Tensor direction = torch::arange(own.arguments[i].numel(), torch::kFloat)
                                        .add_(1)
                                        .sin_()
                                        .view_as(own.arguments[i]);
    constexpr double step = 2e-3;
    double values[2];
    for (const int side : {0, 1}) {
      Layer moved = leaves(layer, torch::kFloat, std::vector<bool>(all.size(), false));
      moved.arguments[i].add_(direction, side == 0 ? -step : step);
      values[side] = value(moved).item<double>();
    }
    const double slope = (values[1] - values[0]) / (2 * step);
    const double expected = (own.arguments[i].grad() * direction).sum().item<double>();
    EXPECT_NEAR(slope, expected, 2e-3 * std::max(1.0, std::abs(expected))) << i;
  }
}

TEST(GruTrainingLayer, PartsSideBySideAreOneInput) {
  const Layer layer = random_layer({"", 12, 2, 8, {3, 1, 5}}, 7);
  const std::vector<bool> all(layer.arguments.size(), true);
  const Layer own = leaves(layer, torch::kFloat, all);
  const auto apart = train_gru_layer(own.inputs(), own.h(), own.weights());
  const auto joined = train_gru_layer({torch::cat(own.inputs(), 2)}, own.h(), own.weights());
  EXPECT_TRUE(torch::equal(apart.first, joined.first));
  EXPECT_TRUE(torch::equal(apart.second, joined.second));
}

}  // namespace
}  // namespace fluxtile::test
