// SPDX-License-Identifier: Apache-2.0
#include "model/flux_network.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>

#include "base/error.h"
#include "model/kgml_ag_c.h"
#include "model/recurrent_shapes.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

torch::Tensor inputs(int64_t sites, int64_t days) {
  torch::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(9);
  return torch::rand({sites, days, 19}, generator).mul_(4).sub_(2);
}

class FluxNetworks : public testing::TestWithParam<std::string> {
 protected:
  Package package_ = random_package_of(GetParam(), 11);
  std::shared_ptr<FluxNetwork> network_ = make_flux_network(package_);
};

TEST_P(FluxNetworks, WeightsComeBackAsTheyWentIn) {
  const Tensors tensors = weights_of(*network_);
  ASSERT_EQ(tensors.size(), package_.tensors.size());
  for (const auto& [name, tensor] : package_.tensors) {
    EXPECT_EQ(tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(tensors.at(name).bytes, tensor.bytes) << name;
  }
}

TEST_P(FluxNetworks, APackageIsSavedAndLoaded) {
  const TemporaryFolder folder;
  Package package = package_;
  package.training = R"({"synthetic":true})";
  save_package(package, folder.path("model"));
  const auto loaded = load_package(folder.path("model"));
  EXPECT_EQ(loaded->architecture, GetParam());
  const torch::Tensor x = inputs(2, 9);
  const auto again = make_flux_network(*loaded);
  EXPECT_TRUE(torch::equal(network_->run_year(x, network_->zero_state(2)).fluxes,
                           again->run_year(x, again->zero_state(2)).fluxes));
}

TEST_P(FluxNetworks, TheStateCarriesAYearOn) {
  const torch::Tensor x = inputs(3, 60);
  const c10::InferenceMode inference;
  const auto whole = network_->run_year(x, network_->zero_state(3));
  const auto first = network_->run_year(x.narrow(1, 0, 25), network_->zero_state(3));
  const auto second = network_->run_year(x.narrow(1, 25, 35), first.state);
  ASSERT_EQ(whole.fluxes.sizes(), (torch::IntArrayRef{3, 60, 3}));
  EXPECT_TRUE(
      torch::allclose(whole.fluxes, torch::cat({first.fluxes, second.fluxes}, 1), 1e-5, 1e-5));
  ASSERT_EQ(whole.state.size(), second.state.size());
  for (size_t i = 0; i < whole.state.size(); ++i)
    EXPECT_TRUE(torch::allclose(whole.state[i], second.state[i], 1e-5, 1e-5));
  EXPECT_EQ(whole.yield.defined(), GetParam() == "kgml-ag-c");
  EXPECT_EQ(whole.residue.defined(), GetParam() == "kgml-ag-c");
}

TEST_P(FluxNetworks, WithGradientsAndWithoutGiveTheSame) {
  const torch::Tensor x = inputs(3, 310);
  for (const bool training : {false, true}) {
    network_->train(training);
    network_->dropout.restart(1, 2, 3);
    const auto with = network_->run_year(x, network_->zero_state(3));
    const c10::NoGradGuard no_grad;
    network_->dropout.restart(1, 2, 3);
    const auto without = network_->run_year(x, network_->zero_state(3));
    EXPECT_TRUE(torch::allclose(with.fluxes, without.fluxes, 1e-5, 2e-5)) << training;
    for (size_t i = 0; i < with.state.size(); ++i)
      EXPECT_TRUE(torch::allclose(with.state[i], without.state[i], 1e-5, 2e-5)) << training;
  }
}

TEST_P(FluxNetworks, AReplicaSharesWeightsAndNotGradients) {
  network_->train();
  network_->dropout.rate = 0.3;
  network_->parameters()[1].requires_grad_(false);
  const auto replica = network_->replica();
  EXPECT_TRUE(replica->is_training());
  EXPECT_EQ(replica->dropout.rate, 0.3);
  EXPECT_FALSE(replica->parameters()[1].requires_grad());
  const torch::Tensor x = inputs(2, 12);
  replica->eval();
  network_->eval();
  replica->run_year(x, replica->zero_state(2)).fluxes.sum().backward();
  EXPECT_TRUE(replica->parameters()[0].grad().defined());
  EXPECT_FALSE(network_->parameters()[0].grad().defined());
  const c10::NoGradGuard no_grad;
  for (torch::Tensor& parameter : network_->parameters()) parameter.mul_(0.9);
  EXPECT_TRUE(torch::equal(network_->run_year(x, network_->zero_state(2)).fluxes,
                           replica->run_year(x, replica->zero_state(2)).fluxes));
}

INSTANTIATE_TEST_SUITE_P(Architectures, FluxNetworks, testing::Values("kgml-ag-c", "gru", "lstm"),
                         [](const auto& instance) {
                           return instance.param == "kgml-ag-c" ? "kgml" : instance.param;
                         });

TEST(FluxNetwork, BaselinesAreTorchsLayersAndALinearHead) {
  const torch::Tensor x = inputs(3, 30);
  const c10::NoGradGuard no_grad;
  for (const std::string architecture : {"gru", "lstm"}) {
    const Package package = random_package_of(architecture, 5);
    const auto network = make_flux_network(package);
    const auto tensor = [&](const std::string& name) {
      const Tensor& t = package.tensors.at(name);
      return torch::from_blob(const_cast<char*>(t.bytes.data()), t.shape, torch::kFloat);
    };
    std::vector<torch::Tensor> weights;
    for (const std::string layer : {"_l0", "_l1"})
      for (const std::string kind : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
        weights.push_back(tensor("rnn." + kind + layer));
    const torch::Tensor zero = torch::zeros({2, 3, 64});
    torch::Tensor o;
    if (architecture == "gru")
      o = std::get<0>(torch::gru(x, zero, weights, true, 2, 0.0, false, false, true));
    else
      o = std::get<0>(torch::lstm(x, {zero, zero}, weights, true, 2, 0.0, false, false, true));
    const torch::Tensor expected = torch::linear(o, tensor("head.weight"), tensor("head.bias"));
    EXPECT_TRUE(
        torch::allclose(network->run_year(x, network->zero_state(3)).fluxes, expected, 1e-5, 1e-5))
        << architecture;
  }
}

TEST(FluxNetwork, AnUnknownArchitectureIsRefusedByName) {
  Package package = random_package(1);
  package.architecture = "kgml-ag";
  EXPECT_THROW((void)make_flux_network(package), Error);
}

}  // namespace
}  // namespace fluxtile::test
