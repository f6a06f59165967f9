// SPDX-License-Identifier: Apache-2.0
#include "model/training/adam.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

at::Tensor vector_of(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).to(torch::kFloat32);
}

Adam adam_of(const at::Tensor& a, const at::Tensor& b) {
  return Adam({{"a", a, 1}, {"b", b, 0.5}});
}

/// Gradients of step t, the same each time.
void set_gradients(at::Tensor& a, at::Tensor& b, int t) {
  a.mutable_grad() = vector_of({0.3 * t, -1.0, 0.01});
  b.mutable_grad() = vector_of({std::sin(t), 2.0});
}

TEST(Adam, FollowsThePublishedRule) {
  at::Tensor a = vector_of({1, 2, 3}), b = vector_of({-1, 0});
  Adam adam = adam_of(a, b);
  std::vector<double> m(2), v(2), expected = {-1, 0};
  for (int t = 1; t <= 5; ++t) {
    set_gradients(a, b, t);
    const double gradient[] = {std::sin(t), 2.0};
    for (size_t i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i];
      v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
      expected[i] -= 0.5 * 1e-2 * m[i] / (1 - std::pow(0.9, t)) /
                     (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
    }
    adam.step(1e-2);
  }
  for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(b.data_ptr<float>()[i], expected[i], 1e-6);
}

TEST(Adam, StoredAndReadBackGoesOnBitForBit) {
  at::Tensor a = vector_of({1, 2, 3}), b = vector_of({-1, 0});
  Adam adam = adam_of(a, b);
  at::Tensor a2, b2;
  Tensors stored;
  for (int t = 1; t <= 6; ++t) {
    if (t == 4) {
      stored = adam.state();
      a2 = a.clone();
      b2 = b.clone();
    }
    set_gradients(a, b, t);
    adam.step(1e-2);
  }
  Adam again = adam_of(a2, b2);
  again.restore(stored);
  for (int t = 4; t <= 6; ++t) {
    set_gradients(a2, b2, t);
    again.step(1e-2);
  }
  EXPECT_TRUE(torch::equal(a, a2));
  EXPECT_TRUE(torch::equal(b, b2));
  Adam other({{"c", a, 1}, {"b", b, 1}});
  EXPECT_THROW(other.restore(stored), Error);
  stored.erase("m.a");
  EXPECT_THROW(again.restore(stored), Error);
}

TEST(Adam, GradientFactorClipsAndNormIsThatOfAll) {
  at::Tensor a = vector_of({1, 2, 3}), b = vector_of({-1, 0});
  Adam adam = adam_of(a, b);
  a.mutable_grad() = vector_of({3, 0, 0});
  EXPECT_DOUBLE_EQ(adam.gradient_norm(), 3);  // b has none
  const at::Tensor before = b.clone();
  adam.step(1e-2);
  EXPECT_TRUE(torch::equal(b, before));
  b.mutable_grad() = vector_of({0, 4});
  EXPECT_DOUBLE_EQ(adam.gradient_norm(), 5);
  adam.step(1e-2, 0.25);
  EXPECT_FLOAT_EQ(adam.state().at("m.b").data<float>()[1], 0.1F);
}

using AdamGolden = test::NeedsFolder<test::kGolden>;

TEST_F(AdamGolden, ReproducesTheReferenceTrajectory) {
  std::ifstream file(given_folder() + "/primitives/optimisers.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  at::Tensor x = vector_of(golden["start"].get<std::vector<double>>());
  Adam adam({{"x", x, 1}});
  for (size_t step = 0; step < golden["grads"].size(); ++step) {
    x.mutable_grad() = vector_of(golden["grads"][step].get<std::vector<double>>());
    adam.step(1e-3 * std::pow(0.6, static_cast<double>(step / 2)));
    const auto expected = golden["adam_lr1e3_steplr_2_06"][step].get<std::vector<double>>();
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(x.data_ptr<float>()[i], expected[i], 2e-7 * std::max(1.0, std::abs(expected[i])));
  }
}

}  // namespace
}  // namespace fluxtile
