// SPDX-License-Identifier: Apache-2.0
#include "model/dropout_stream.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <thread>

#include "base/error.h"

namespace fluxtile::test {
namespace {

torch::Tensor draw(uint64_t seed, uint64_t step, uint64_t chunk, int64_t count, double rate = 0.2) {
  DropoutStream stream;
  stream.rate = rate;
  stream.restart(seed, step, chunk);
  return stream.apply(torch::ones({count}));
}

TEST(DropoutStream, DropsItsShareAndScalesTheRest) {
  for (const double rate : {0.1, 0.2, 0.5, 0.9}) {
    constexpr int64_t count = 400037;
    const torch::Tensor y = draw(1, 2, 3, count, rate);
    const auto dropped = static_cast<double>((y == 0).sum().item<int64_t>());
    const double deviation = std::sqrt(count * rate * (1 - rate));
    EXPECT_NEAR(dropped, count * rate, 4 * deviation) << rate;
    EXPECT_TRUE(((y == 0) | (y == static_cast<float>(1 / (1 - rate)))).all().item<bool>()) << rate;
  }
}

TEST(DropoutStream, NeighboursPartsAndDrawsAreIndependent) {
  // Of n pairs of independent values both are dropped in n rate^2: 1, 16 and 32 apart lie in one
  // word, in one block, in two blocks; also two draws, two chunks, two steps, two seeds.
  constexpr int64_t count = 1 << 20;
  constexpr double rate = 0.2;
  const auto both = [](const torch::Tensor& a, const torch::Tensor& b) {
    const auto n = static_cast<double>(a.numel());
    const auto joint = static_cast<double>(((a == 0) & (b == 0)).sum().item<int64_t>());
    return (joint - n * rate * rate) / std::sqrt(n * rate * rate * (1 - rate * rate));
  };
  DropoutStream stream;
  stream.restart(7, 8, 9);
  const torch::Tensor first = stream.apply(torch::ones({count})),
                      second = stream.apply(torch::ones({count}));
  for (const int64_t apart : {1, 2, 8, 15, 16, 17, 32, 64, 128, 1024, 23360})
    EXPECT_LT(
        std::abs(both(first.narrow(0, 0, count - apart), first.narrow(0, apart, count - apart))), 5)
        << apart;
  EXPECT_LT(std::abs(both(first, second)), 5);
  for (const auto& other : {draw(7, 8, 10, count), draw(7, 9, 9, count), draw(8, 8, 9, count),
                            draw(8, 7, 9, count), draw(7, 9, 8, count)})
    EXPECT_LT(std::abs(both(first, other)), 5);
}

TEST(DropoutStream, DependsOnItsKeyAndTheOrderOfDrawsAlone) {
  const torch::Tensor expected = draw(4, 5, 6, 1001);
  torch::manual_seed(1);
  torch::Tensor elsewhere;
  std::thread([&] { elsewhere = draw(4, 5, 6, 1001); }).join();
  EXPECT_TRUE(torch::equal(expected, elsewhere));

  const torch::Tensor before = torch::rand({3});
  torch::manual_seed(1);
  (void)draw(4, 5, 6, 1001);
  EXPECT_TRUE(torch::equal(before, torch::rand({3}))) << "torch's own generator was used";

  DropoutStream stream;
  stream.restart(4, 5, 6);
  (void)stream.apply(torch::ones({5}));
  EXPECT_FALSE(torch::equal(expected, stream.apply(torch::ones({1001}))));
  stream.restart(4, 5, 6);
  EXPECT_TRUE(torch::equal(expected, stream.apply(torch::ones({1001}))));
}

TEST(DropoutStream, ShapeAndStrideDoNotMatter) {
  DropoutStream stream;
  stream.restart(1, 1, 1);
  const torch::Tensor x = torch::rand({6, 5, 7}).add_(1);
  const torch::Tensor y = stream.apply(x);
  stream.restart(1, 1, 1);
  const torch::Tensor turned = stream.apply(x.permute({2, 0, 1}).contiguous().permute({1, 2, 0}));
  EXPECT_TRUE(torch::equal(y, turned));
}

TEST(DropoutStream, OtherDevicesDrawTheSameNumbers) {
  for (const double rate : {0.2, 0.7}) {
    DropoutStream stream;
    stream.rate = rate;
    stream.restart(1, 20, 300);
    const torch::Tensor x = torch::rand({3, 1237}).add_(1);
    const torch::Tensor y = stream.apply(x);
    stream.restart(1, 20, 300);
    EXPECT_TRUE(torch::equal(y, stream.apply_by_torch(x)));
  }
}

TEST(DropoutStream, GradientIsDroppedAndScaledAlike) {
  DropoutStream stream;
  stream.restart(3, 3, 3);
  const torch::Tensor x = torch::ones({999}).requires_grad_();
  const torch::Tensor y = stream.apply(x);
  const torch::Tensor weight = torch::arange(999, torch::kFloat);
  (y * weight).sum().backward();
  EXPECT_TRUE(torch::equal(x.grad(), y.detach() * weight));
}

TEST(DropoutStream, NothingIsDroppedAtRateZeroAndMoreThanAllIsRefused) {
  DropoutStream stream;
  stream.rate = 0;
  const torch::Tensor x = torch::rand({10});
  EXPECT_TRUE(torch::equal(stream.apply(x), x));
  stream.rate = 1;
  EXPECT_THROW((void)stream.apply(x), Error);
}

}  // namespace
}  // namespace fluxtile::test
