// SPDX-License-Identifier: Apache-2.0
// How exact the engine `fused` must be; bench/accuracy prints the figures.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "network_accuracy.h"
#include "season_inputs.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr size_t kCells = 40;  // a whole block of lanes and a part of one

struct Errors {
  Distance fused, torch, between;
};

std::vector<Errors> errors_of(const Package& package) {
  const YearInputs inputs = season_inputs(package, 5, kCells);
  const NetworkYear exact = reference_network(package, inputs);
  const NetworkYear torch = engine_network(package, inputs, {"torch", "cpu", "fp32"});
  const NetworkYear fused = engine_network(package, inputs, {"fused", "cpu", "fp32"});
  std::vector<Errors> all;
  for (size_t flux = 0; flux < package.outputs.size(); ++flux)
    all.push_back({distance(package, flux, fused, exact), distance(package, flux, torch, exact),
                   distance(package, flux, fused, torch)});
  return all;
}

class FusedAccuracy : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, FusedAccuracy, testing::Values("kgml-ag-c", "gru", "lstm"),
                         [](const auto& which) {
                           std::string name = which.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST_P(FusedAccuracy, IsThatOfFloat32) {
  const Package package = random_package_of(GetParam(), 1);
  size_t flux = 0;
  for (const Errors& errors : errors_of(package)) {
    SCOPED_TRACE(package.outputs[flux++].name);
    EXPECT_GT(errors.torch.rms, 0);
    EXPECT_LT(errors.fused.rms, 1.5 * errors.torch.rms);
    EXPECT_LT(errors.fused.max, 1.5 * errors.torch.max);
    EXPECT_LT(errors.between.max, 1e-5);
    EXPECT_LT(errors.between.annual, 1e-5);
  }
}

// A trained network has days on which a small change decides when a season ends: rounding grows
// there, in every engine alike. Where torch itself is further than 1e-5 from float64 no other
// engine can be within 1e-5 of it; this one is never much further from float64 than torch is.
class FusedAccuracyOfATrainedModel : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, FusedAccuracyOfATrainedModel,
                         testing::Values("global", "illinois", "indiana", "iowa"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(FusedAccuracyOfATrainedModel, IsThatOfFloat32) {
  const auto package =
      load_package(FLUXTILE_SOURCE "/examples/models/demo-" + std::string(GetParam()));
  size_t flux = 0;
  for (const Errors& errors : errors_of(*package)) {
    SCOPED_TRACE(package->outputs[flux++].name);
    EXPECT_LT(errors.fused.mean, 1.5 * errors.torch.mean);
    EXPECT_LT(errors.fused.rms, 1.5 * errors.torch.rms);
    EXPECT_LT(errors.fused.max, 2e-5);  // the same on every machine
    EXPECT_LT(errors.between.annual, 1e-5);
  }
}

}  // namespace
}  // namespace fluxtile::test
