// SPDX-License-Identifier: Apache-2.0
// Model packages between Python (examples/python) and C++, both ways.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "model/flux_network.h"
#include "model/package.h"
#include "model/recurrent_network.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

/// PyTorch as Debian has it; another Python of the user's seldom does.
const std::string python = "/usr/bin/python3";

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PythonPackages : public testing::Test {
 protected:
  /// Python's half. False where a library is missing: the test is skipped then.
  [[nodiscard]] bool run(const std::string& action) const {
    const std::string log = folder_.path("log");
    const std::string command = "PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 " + python + " '" +
                                FLUXTILE_SOURCE "/tests/model/exchange_packages.py' '" +
                                FLUXTILE_SOURCE "' " + action + " '" + folder_.path() + "' > '" +
                                log + "' 2>&1";
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127))
      return false;
    EXPECT_EQ(status, 0) << content(log);
    return true;
  }

  [[nodiscard]] Safetensors read(const std::string& name) const {
    return parse_safetensors(content(folder_.path(name)), name);
  }

  TemporaryFolder folder_;
};

#define RUN_OR_SKIP(action) \
  if (!run(action)) GTEST_SKIP() << "Python with torch, numpy and yaml is not installed"

torch::Tensor tensor(const Safetensors& file, const std::string& name) {
  const Tensor& t = file.tensors.at(name);
  torch::Tensor values = torch::empty(t.shape);
  std::copy_n(t.data<float>(), t.count(), values.data_ptr<float>());
  return values;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max().clamp_min(1)).item<double>();
}

TEST_F(PythonPackages, NetworkOfPythonRunsTheSameHere) {
  RUN_OR_SKIP("export");
  const auto package = load_package(folder_.path("package"));
  EXPECT_EQ(package->name, "äpfel \"x\"");
  EXPECT_EQ(package->region, "010");
  EXPECT_TRUE(package->synthetic);
  EXPECT_EQ(package->training, R"({"epochs":3,"note":"a: b","synthetic":true})");
  EXPECT_EQ(package->inputs[3].source, "made: by hand");
  EXPECT_EQ(package->inputs[3].max, 1e9);
  EXPECT_TRUE(package->warnings.empty());

  const Safetensors run = read("run.safetensors");
  const torch::Tensor x = tensor(run, "x"), fluxes = tensor(run, "fluxes");
  const torch::NoGradGuard no_grad;
  const auto network = make_flux_network(*package);
  FluxNetwork::State state = network->zero_state(x.size(0));
  double residue_low = 1e9, residue_high = 0;
  for (int64_t year = 0; year < 2; ++year) {
    const FluxNetwork::YearOutput out = network->run_year(x.select(1, year), state);
    state = out.state;
    EXPECT_LT(largest_difference(out.fluxes, fluxes.select(1, year)), 1e-5) << year;
    EXPECT_LT(largest_difference(out.yield, tensor(run, "yield").select(1, year)), 1e-5) << year;
    residue_low = std::min(residue_low, out.residue.min().item<double>());
    residue_high = std::max(residue_high, out.residue.max().item<double>());
  }
  EXPECT_LT(largest_difference(torch::cat(state), tensor(run, "hidden")), 1e-5);
  EXPECT_EQ(residue_low, 0);  // both branches of the residue were run
  EXPECT_GT(residue_high, 0);
}

TEST_F(PythonPackages, PackageFromHereIsTheSameThere) {
  Package package = random_package(21);
  package.region = "010";
  package.parent_name = "global";
  package.parent_sha256 = std::string(64, 'a');
  package.synthetic = true;
  package.training = R"({"epochs":12,"note":"12","loss":0.1,"terms":["flux","yield: all"]})";
  package.inputs[0].min = -0.1;
  package.inputs[1].source = "gridMET";
  package.inputs[2].scaler = {1.0 / 3, 2e-7 / 3};
  package.scalers["Yield"] = {1e3 / 7, 1e15 / 7};
  save_package(package, folder_.path("package"));
  RUN_OR_SKIP("again");

  const Safetensors arrays = read("arrays.safetensors");
  ASSERT_EQ(arrays.tensors.size(), package.tensors.size());
  for (const auto& [name, expected] : package.tensors) {
    const Tensor& found = arrays.tensors.at(name);
    EXPECT_EQ(found.type, expected.type) << name;
    EXPECT_EQ(found.shape, expected.shape) << name;
    EXPECT_EQ(found.bytes, expected.bytes) << name;
  }
  // Python read and wrote all of it: architecture, scalers, ranges, units, signs, weights.
  const auto from_here = load_package(folder_.path("package"));
  const auto from_there = load_package(folder_.path("again"));
  EXPECT_EQ(from_there->digest, from_here->digest);
  EXPECT_EQ(from_there->name, from_here->name);
  EXPECT_EQ(from_there->region, from_here->region);
  EXPECT_EQ(from_there->parent_name, "global");
  EXPECT_EQ(from_there->parent_sha256, package.parent_sha256);
  EXPECT_EQ(from_there->training, from_here->training);
  EXPECT_EQ(from_there->inputs[1].source, "gridMET");
  EXPECT_EQ(from_there->inputs[0].min, -0.1);
  EXPECT_FALSE(from_there->inputs[1].min);
}

TEST_F(PythonPackages, PlainRecurrentPackageToo) {
  Package package = random_package(22);
  package.scalers.clear();
  for (const std::string architecture : {"gru", "lstm"}) {
    package.architecture = architecture;
    package.tensors =
        weights_of(RecurrentNetwork(architecture, static_cast<int64_t>(package.inputs.size())));
    save_package(package, folder_.path("package"));
    RUN_OR_SKIP("again");
    EXPECT_EQ(load_package(folder_.path("again"))->digest,
              load_package(folder_.path("package"))->digest)
        << architecture;
  }
}

TEST_F(PythonPackages, WhatDoesNotFitIsRefusedThere) {
  save_package(random_package(23), folder_.path("package"));
  RUN_OR_SKIP("refusals");
}

TEST_F(PythonPackages, CommandsOfTheReadmeWork) {
  save_package(random_package(24), folder_.path("package"));
  RUN_OR_SKIP("readme");
  EXPECT_EQ(load_package(folder_.path("models/tuned"))->parent_name, "mine");
}

}  // namespace
}  // namespace fluxtile::test
