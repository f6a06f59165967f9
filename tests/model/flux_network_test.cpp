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

/// Tensors of a package, and torch's own layers with them.
class Layers {
 public:
  Layers(const Package& package, DropoutStream* stream) : package_(package), stream_(stream) {}

  [[nodiscard]] torch::Tensor tensor(const std::string& name) const {
    const Tensor& t = package_.tensors.at(name);
    return torch::from_blob(const_cast<char*>(t.bytes.data()), t.shape, torch::kFloat);
  }
  [[nodiscard]] torch::Tensor drop(const torch::Tensor& x) const {
    return stream_ ? stream_->apply(x) : x;
  }
  [[nodiscard]] torch::Tensor linear(const std::string& name, const torch::Tensor& x) const {
    return torch::linear(x, tensor(name + ".weight"), tensor(name + ".bias"));
  }
  /// Three hidden layers with ReLU and one output.
  [[nodiscard]] torch::Tensor stack(const std::string& name, torch::Tensor x) const {
    for (const char* layer : {".0", ".2", ".4"}) x = torch::relu(linear(name + layer, x));
    return linear(name + ".6", x);
  }
  /// A recurrent network over [T,B,k] from a zero state, with dropout between its layers.
  [[nodiscard]] torch::Tensor recurrent(const std::string& name, torch::Tensor x, int layers,
                                        bool lstm = false) const {
    const torch::Tensor zero = torch::zeros({1, x.size(1), 64});
    for (int layer = 0; layer < layers; ++layer) {
      std::vector<torch::Tensor> weights;
      for (const std::string kind : {"weight_ih", "weight_hh", "bias_ih", "bias_hh"})
        weights.push_back(tensor(name + "." + kind + "_l" + std::to_string(layer)));
      if (layer > 0) x = drop(x);
      if (lstm)
        x = std::get<0>(torch::lstm(x, {zero, zero}, weights, true, 1, 0.0, false, false, false));
      else
        x = std::get<0>(torch::gru(x, zero, weights, true, 1, 0.0, false, false, false));
    }
    return x;
  }

 private:
  const Package& package_;
  DropoutStream* stream_;
};

TEST(FluxNetwork, BaselinesAreTorchsLayersAndALinearHead) {
  const torch::Tensor x = inputs(3, 30);
  const c10::NoGradGuard no_grad;
  for (const std::string architecture : {"gru", "lstm"})
    for (const bool training : {false, true}) {
      const Package package = random_package_of(architecture, 5);
      const auto network = make_flux_network(package);
      network->train(training);
      network->dropout.restart(1, 2, 3);
      DropoutStream stream;
      stream.restart(1, 2, 3);
      const Layers layers(package, training ? &stream : nullptr);
      const torch::Tensor o =
          layers.recurrent("rnn", x.transpose(0, 1).contiguous(), 2, architecture == "lstm");
      const torch::Tensor expected = layers.linear("head", layers.drop(o)).transpose(0, 1);
      EXPECT_TRUE(torch::allclose(network->run_year(x, network->zero_state(3)).fluxes, expected,
                                  1e-5, 1e-5))
          << architecture << training;
    }
}

TEST(FluxNetwork, KgmlDropsBetweenLayersAndAtSixPlaces) {
  const c10::NoGradGuard no_grad;
  constexpr int64_t sites = 3, days = 320;
  const torch::Tensor x_z = inputs(sites, days), x = x_z.transpose(0, 1).contiguous();
  const Package package = random_package(5);
  const auto network = make_flux_network(package);
  network->train();
  network->dropout.restart(4, 5, 6);
  DropoutStream stream;
  stream.restart(4, 5, 6);
  const Layers layers(package, &stream);

  const auto physical = [](const torch::Tensor& z, const Scaler& s) { return z * s.std + s.mean; };
  const torch::Tensor o = layers.recurrent("gru_basic", x, 2), d = layers.drop(o);
  const torch::Tensor score = torch::softmax(torch::tanh(layers.stack("attn", d)), 0);
  const torch::Tensor yield = layers.stack("densor_yield", (score * d).sum(0));
  const torch::Tensor ra = layers.linear(
      "densor_Ra", layers.drop(layers.recurrent("gru_Ra", torch::cat({layers.drop(o), x}, 2), 1)));
  const Scaler &gpp = package.scalers.at("GPP"), &grain = package.scalers.at("Yield"),
               &residue_scaler = package.scalers.at("Residue");
  const torch::Tensor residue =
      torch::relu(physical(x.select(2, 8), gpp).sum(0) +
                  physical(ra.squeeze(2), package.outputs[0].scaler).sum(0) -
                  physical(yield.squeeze(1), grain));
  torch::Tensor pulse = torch::zeros({days, sites, 1});
  for (const int64_t day : {298, 299})
    pulse[day].copy_(((residue - residue_scaler.mean) / residue_scaler.std).unsqueeze(1));
  const torch::Tensor rh = layers.linear(
      "densor_Rh",
      layers.drop(layers.recurrent("gru_Rh", torch::cat({pulse, layers.drop(o), x}, 2), 2)));
  const torch::Tensor nee = layers.linear(
      "densor_NEE", layers.drop(layers.recurrent("gru_NEE", torch::cat({ra, rh, x}, 2), 1)));

  const auto found = network->run_year(x_z, network->zero_state(sites));
  EXPECT_TRUE(
      torch::allclose(found.fluxes, torch::cat({ra, rh, nee}, 2).transpose(0, 1), 1e-4, 1e-4));
  EXPECT_TRUE(torch::allclose(found.yield, yield.squeeze(1), 1e-4, 1e-4));
  EXPECT_TRUE(torch::allclose(found.residue, residue, 1e-4, 1e-2));
}

TEST(FluxNetwork, AnUnknownArchitectureIsRefusedByName) {
  Package package = random_package(1);
  package.architecture = "kgml-ag";
  EXPECT_THROW((void)make_flux_network(package), Error);
}

}  // namespace
}  // namespace fluxtile::test
