// SPDX-License-Identifier: Apache-2.0
#include "model/training/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr size_t feature = 1;
const std::vector<double> z_values = {-1, 0, 0.5, 2};

/// A recurrent cell of four units whose year is short: the least that has state, dropout and yield.
class SmallNetwork : public FluxNetwork {
 public:
  SmallNetwork() {
    into_ = register_module("into", torch::nn::Linear(3, 4));
    back_ = register_module("back", torch::nn::Linear(4, 4));
    head_ = register_module("head", torch::nn::Linear(4, 3));
    yield_ = register_module("yield", torch::nn::Linear(4, 1));
    const torch::NoGradGuard no_grad;
    double value = 0;
    for (torch::Tensor& parameter : parameters())
      for (int64_t i = 0; i < parameter.numel(); ++i)
        parameter.view({-1})[i] = std::sin(value += 1.7) * 0.7;
  }

  YearOutput run_year(const torch::Tensor& x_z, const State& state) override {
    torch::Tensor h = state.at(0)[0];
    std::vector<torch::Tensor> days;
    for (int64_t day = 0; day < x_z.size(1); ++day) {
      h = torch::tanh(into_->forward(x_z.select(1, day)) + back_->forward(h));
      days.push_back(h);
    }
    torch::Tensor all = torch::stack(days, 1);
    if (is_training()) all = dropout.apply(all);
    return {head_->forward(all), yield_->forward(all.mean(1)).squeeze(1), {}, {h.unsqueeze(0)}};
  }
  [[nodiscard]] State zero_state(int64_t batch) const override {
    return {torch::zeros({1, batch, 4})};
  }
  [[nodiscard]] std::shared_ptr<FluxNetwork> replica() const override {
    auto copy = std::make_shared<SmallNetwork>();
    share_parameters(*copy, *this);
    return copy;
  }

 private:
  torch::nn::Linear into_{nullptr}, back_{nullptr}, head_{nullptr}, yield_{nullptr};
};

CheckSet random_set(at::IntArrayRef shape, uint64_t seed) {
  return {
      at::randn(shape, at::detail::createCPUGenerator(seed), at::kFloat), {-1.4, 2.6}, {-1, 0.8}};
}

/// Tensors of one curve, for a loss written in torch.
struct Means {
  torch::Tensor ra, rh, yield;
};
using MeansLoss = std::function<torch::Tensor(const Means&)>;

/// All points, groups and years in one graph, back-propagated at once.
std::map<std::string, torch::Tensor> direct_gradient(FluxNetwork& network, const CheckSet& set,
                                                     const MeansLoss& loss, bool training,
                                                     uint64_t seed, uint64_t step) {
  network.train(training);
  for (torch::Tensor& parameter : network.parameters()) parameter.mutable_grad() = torch::Tensor();
  const int64_t sites = set.x_z.size(0), years = set.x_z.size(1);
  std::vector<torch::Tensor> ra, rh, yield;
  uint64_t chunk = 0;
  for (const double z : z_values) {
    std::vector<torch::Tensor> fluxes, yields;
    for (int64_t first = 0; first < sites; first += response_group, ++chunk) {
      const int64_t last = std::min(sites, first + response_group);
      FluxNetwork::State state = network.zero_state(last - first);
      for (int64_t year = 0; year < years + set.spinup_years; ++year) {
        const bool spinup = year < set.spinup_years;
        torch::Tensor x = set.x_z.slice(0, first, last)
                              .select(1, spinup ? year : year - set.spinup_years)
                              .clone();
        x.select(2, feature).fill_(z);
        restart_response_dropout(network.dropout, seed, step, chunk, static_cast<uint64_t>(year));
        const FluxNetwork::YearOutput out = network.run_year(x, state);
        state = out.state;
        if (spinup) continue;
        fluxes.push_back(out.fluxes.reshape({-1, 3}));
        if (out.yield.defined()) yields.push_back(out.yield);
      }
    }
    const torch::Tensor mean = torch::cat(fluxes).to(torch::kDouble).mean(0);
    ra.push_back(mean[0] * set.ra.std + set.ra.mean);
    rh.push_back(mean[1] * set.rh.std + set.rh.mean);
    if (!yields.empty()) yield.push_back(torch::cat(yields).to(torch::kDouble).mean());
  }
  loss({torch::stack(ra), torch::stack(rh), yield.empty() ? torch::Tensor() : torch::stack(yield)})
      .backward();
  std::map<std::string, torch::Tensor> gradient;
  for (const auto& item : network.named_parameters())
    if (item.value().grad().defined()) gradient[item.key()] = item.value().grad().clone();
  return gradient;
}

std::map<std::string, torch::Tensor> gradients_of(const FluxNetwork& network) {
  std::map<std::string, torch::Tensor> gradient;
  for (const auto& item : network.named_parameters())
    if (item.value().grad().defined()) gradient[item.key()] = item.value().grad().clone();
  return gradient;
}

void expect_near(const std::map<std::string, torch::Tensor>& found,
                 const std::map<std::string, torch::Tensor>& expected, double tolerance) {
  double largest = 0;
  for (const auto& [name, gradient] : expected)
    largest = std::max(largest, gradient.abs().max().item<double>());
  ASSERT_GT(largest, 0);
  for (const auto& [name, gradient] : expected) {
    ASSERT_TRUE(found.count(name)) << name;
    const double scale = std::max(gradient.abs().max().item<double>(), 1e-4 * largest);
    EXPECT_LT((found.at(name) - gradient).abs().max().item<double>(), tolerance * scale) << name;
  }
}

/// Any smooth function of all means, so that each point counts.
CurveLoss smooth_loss(const ResponseCurve& curve) {
  CurveLoss loss;
  for (size_t k = 0; k < curve.ra.size(); ++k) {
    const double weight = 1 + static_cast<double>(k);
    loss.value += weight * (curve.ra[k] * curve.ra[k] + curve.rh[k] * curve.ra[k]);
    loss.derivative.ra.push_back(weight * (2 * curve.ra[k] + curve.rh[k]));
    loss.derivative.rh.push_back(weight * curve.ra[k]);
    if (curve.yield.empty()) continue;
    loss.value += weight * curve.yield[k] * curve.yield[k];
    loss.derivative.yield.push_back(weight * 2 * curve.yield[k]);
  }
  return loss;
}
torch::Tensor smooth_loss_of(const Means& curve) {
  const torch::Tensor weight = torch::arange(1, curve.ra.size(0) + 1, torch::kDouble);
  torch::Tensor terms = curve.ra * curve.ra + curve.rh * curve.ra;
  if (curve.yield.defined()) terms = terms + curve.yield * curve.yield;
  return (weight * terms).sum();
}

TEST(ResponseGradient, EqualsOnePassBackPropagationWithDropout) {
  const auto network = std::make_shared<SmallNetwork>();
  const CheckSet set = random_set({response_group + 7, 3, 9, 3}, 1);
  const auto expected = direct_gradient(*network, set, smooth_loss_of, true, 5, 3);
  ParallelGradient work(network, 2);
  const double loss = response_gradient(work, set, feature, z_values, smooth_loss, 5, 3);
  expect_near(gradients_of(*network), expected, 1e-5);
  // The same dropout gives the same means in the curve alone.
  EXPECT_EQ(smooth_loss(response_curve(work, set, feature, z_values, 5, 3, true)).value, loss);
  // And other numbers another loss: the comparison did have dropout.
  EXPECT_NE(smooth_loss(response_curve(work, set, feature, z_values, 5, 4, true)).value, loss);
  EXPECT_NE(smooth_loss(response_curve(work, set, feature, z_values, 5, 3, false)).value, loss);
}

TEST(ResponseGradient, RunsThroughTheSpinUp) {
  const auto network = std::make_shared<SmallNetwork>();
  CheckSet set = random_set({2, 2, 2, 3}, 2);  // years so short that the spin-up is felt
  ParallelGradient work(network, 1);
  for (const int spinup : {0, 2}) {
    set.spinup_years = spinup;
    const auto expected = direct_gradient(*network, set, smooth_loss_of, true, 1, 1);
    (void)response_gradient(work, set, feature, z_values, smooth_loss, 1, 1);
    expect_near(gradients_of(*network), expected, 1e-5);
  }
}

TEST(ResponseGradient, DoesNotDependOnThreads) {
  const auto network = std::make_shared<SmallNetwork>();
  const CheckSet set = random_set({2 * response_group + 1, 2, 5, 3}, 3);
  std::vector<std::map<std::string, torch::Tensor>> gradients;
  std::vector<double> losses;
  for (const int threads : {1, 2, 5}) {
    ParallelGradient work(network, threads);
    losses.push_back(response_gradient(work, set, feature, z_values, smooth_loss, 9, 2));
    gradients.push_back(gradients_of(*network));
  }
  for (size_t other = 1; other < gradients.size(); ++other) {
    EXPECT_EQ(losses[other], losses[0]);
    for (const auto& [name, gradient] : gradients[0])
      EXPECT_TRUE(torch::equal(gradients[other].at(name), gradient)) << name;
  }
}

TEST(ResponseGradient, LeavesFrozenModulesAlone) {
  const auto network = std::make_shared<SmallNetwork>();
  const CheckSet set = random_set({3, 2, 6, 3}, 4);
  for (const std::vector<std::string>& frozen :
       {std::vector<std::string>{"into", "back"}, {"head"}, {"into", "yield"}}) {
    for (const auto& module : network->named_children())
      for (torch::Tensor& parameter : module.value()->parameters())
        parameter.requires_grad_(std::find(frozen.begin(), frozen.end(), module.key()) ==
                                 frozen.end());
    const auto expected = direct_gradient(*network, set, smooth_loss_of, true, 1, 1);
    ParallelGradient work(network, 2);
    (void)response_gradient(work, set, feature, z_values, smooth_loss, 1, 1);
    expect_near(gradients_of(*network), expected, 1e-5);
    for (const std::string& name : frozen)
      EXPECT_EQ(gradients_of(*network).count(name + ".weight"), 0U) << name;
  }
}

TEST(ResponseGradient, IsZeroWhereNothingIsWrong) {
  const auto network = std::make_shared<SmallNetwork>();
  const CheckSet set = random_set({2, 2, 4, 3}, 5);
  ParallelGradient work(network, 2);
  EXPECT_EQ(
      response_gradient(
          work, set, feature, z_values, [](const ResponseCurve&) { return CurveLoss{}; }, 1, 1),
      0);
  ASSERT_EQ(gradients_of(*network).size(), network->parameters().size());
  for (const auto& [name, gradient] : gradients_of(*network))
    EXPECT_EQ(gradient.abs().max().item<float>(), 0) << name;
}

TEST(ResponseGradient, OfTheWholeNetwork) {
  // Long enough for the residue; Year, GPP and yield all act. Few sites: it takes a while.
  const Package package = random_package(3, 5);
  const auto network = make_flux_network(package);
  CheckSet set = random_set({2, 1, 301, 19}, 6);
  set.spinup_years = 1;
  const auto direct = [&](const Means& curve) {
    return falling_loss(curve.rh, 0.5) + rising_loss(curve.yield, 0.5) + smooth_loss_of(curve);
  };
  const auto loss = [](const ResponseCurve& curve) {
    CurveLoss sum = smooth_loss(curve);
    const CurveLoss rh = falling_rh_loss(curve, 0.5), yield = rising_yield_loss(curve, 0.5);
    sum.value += rh.value + yield.value;
    for (size_t k = 0; k < z_values.size(); ++k) {
      sum.derivative.rh[k] += rh.derivative.rh[k];
      sum.derivative.yield[k] += yield.derivative.yield[k];
    }
    return sum;
  };
  const auto expected = direct_gradient(*network, set, direct, true, 7, 1);
  ParallelGradient work(network, 2);
  (void)response_gradient(work, set, feature, z_values, loss, 7, 1);
  expect_near(gradients_of(*network), expected, 1e-4);
}

TEST(ResponseCurve, IsTheMeanOverSitesYearsAndDays) {
  const auto network = std::make_shared<SmallNetwork>();
  const CheckSet set = random_set({3, 2, 4, 3}, 8);
  ParallelGradient work(network, 1);
  const ResponseCurve curve = response_curve(work, set, feature, z_values, 0, 0, false);
  const torch::NoGradGuard no_grad;
  network->eval();
  for (size_t k = 0; k < z_values.size(); ++k) {
    double ra = 0, rh = 0, yield = 0;
    for (int64_t site = 0; site < 3; ++site) {
      FluxNetwork::State state = network->zero_state(1);
      for (const int run : {0, 1, 2, 3}) {  // years 0 and 1 twice
        torch::Tensor x = set.x_z[site][run % 2].unsqueeze(0).clone();
        x.select(2, feature).fill_(z_values[k]);
        const auto out = network->run_year(x, state);
        state = out.state;
        if (run < 2) continue;
        ra += out.fluxes.select(2, 0).mean().item<double>() / 6;
        rh += out.fluxes.select(2, 1).mean().item<double>() / 6;
        yield += out.yield.item<double>() / 6;
      }
    }
    EXPECT_NEAR(curve.ra[k], -1.4 + 2.6 * ra, 1e-6);
    EXPECT_NEAR(curve.rh[k], -1 + 0.8 * rh, 1e-6);
    EXPECT_NEAR(curve.yield[k], yield, 1e-6);
  }
}

TEST(ResponseCurve, NeedsTheYearsOfTheSpinUp) {
  ParallelGradient work(std::make_shared<SmallNetwork>(), 1);
  EXPECT_THROW(
      (void)response_curve(work, random_set({3, 1, 4, 3}, 8), feature, z_values, 0, 0, true),
      Error);
}

TEST(CurveLosses, HaveTheirDerivatives) {
  const ResponseCurve curve{{1, 3, 2, 2.5}, {-1, -2, -1.5, -1.6}, {0.1, 0.4, 0.2, 0.7}};
  const ResponseCurve before{{1, 2, 2.5, 2}, {-1, -1.2, -1.9, -1.4}, {}};
  const ResponseRange range{"TSOC", 0, 3, 1, 0.95, 0.99};
  using Loss = std::function<CurveLoss(const ResponseCurve&)>;
  const std::vector<Loss> losses = {
      [](const ResponseCurve& c) { return falling_rh_loss(c, 0.5); },
      [](const ResponseCurve& c) { return rising_yield_loss(c, 0.5); },
      [&](const ResponseCurve& c) { return keep_curve_loss(c, before, range); }};
  using Member = std::vector<double> ResponseCurve::*;
  for (size_t which = 0; which < losses.size(); ++which) {
    const CurveLoss loss = losses[which](curve);
    EXPECT_GT(loss.value, 0) << which;
    for (const Member member : {&ResponseCurve::ra, &ResponseCurve::rh, &ResponseCurve::yield})
      for (size_t k = 0; k < 4; ++k) {
        const auto moved = [&](double by) {
          ResponseCurve other = curve;
          (other.*member)[k] += by;
          return losses[which](other).value;
        };
        const auto& derivative = loss.derivative.*member;
        EXPECT_NEAR(derivative.empty() ? 0 : derivative[k], (moved(1e-6) - moved(-1e-6)) / 2e-6,
                    1e-6)
            << which << " " << k;
      }
  }
  EXPECT_DOUBLE_EQ(losses[0](curve).value, 0.5 / 0.5);
  EXPECT_DOUBLE_EQ(losses[1](curve).value, 0.2 / 0.5);
}

}  // namespace
}  // namespace fluxtile::test
