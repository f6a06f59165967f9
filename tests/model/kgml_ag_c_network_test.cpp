// SPDX-License-Identifier: Apache-2.0
#include "model/kgml_ag_c_network.h"

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/kgml_ag_c.h"
#include "reference_kgml.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr double tolerance = 1e-5;

struct Case {
  const char* name;
  size_t days;
  double yield_mean;
  bool open;  ///< the residue's ReLU
};

class NetworkAgainstReference : public testing::TestWithParam<Case> {};

/// Runs a year twice, the second one from the state of the first, and compares all outputs.
TEST_P(NetworkAgainstReference, AgreesOverTwoYears) {
  const Case& c = GetParam();
  const Package package = random_package(7, c.yield_mean);
  const auto network = KgmlAgC::from_package(package);
  const c10::InferenceMode inference;
  constexpr int64_t cells = 2;
  const auto days = static_cast<int64_t>(c.days);
  const YearInputs inputs = random_inputs(11, 2020, c.days, {3, 4});

  KgmlAgC::Hidden hidden = KgmlAgC::zero_hidden(cells);
  std::vector<std::vector<double>> state(cells, std::vector<double>(384, 0.0));
  for (int year = 0; year < 2; ++year) {
    torch::Tensor x = torch::empty({cells, days, 19});
    std::vector<ReferenceYear> expected;
    for (int32_t cell = 0; cell < cells; ++cell) {
      const std::vector<float> z = z_scores(inputs, cell, 1.0F, package);
      std::copy(z.begin(), z.end(), x[cell].data_ptr<float>());
      expected.push_back(reference_year(package, z, state[static_cast<size_t>(cell)]));
      state[static_cast<size_t>(cell)] = expected.back().state;
    }
    const KgmlAgC::Output out = network->forward(x, hidden);
    hidden = out.hidden;
    ASSERT_EQ(out.fluxes.sizes(), (torch::IntArrayRef{cells, days, 3}));
    ASSERT_EQ(out.attention.sizes(), (torch::IntArrayRef{cells, days}));
    for (int64_t cell = 0; cell < cells; ++cell) {
      const ReferenceYear& reference = expected[static_cast<size_t>(cell)];
      for (int64_t day = 0; day < days; ++day) {
        const auto d = static_cast<size_t>(day);
        for (int64_t v = 0; v < 3; ++v)
          ASSERT_NEAR(out.fluxes[cell][day][v].item<float>(),
                      reference.fluxes[d][static_cast<size_t>(v)], tolerance)
              << "year " << year << " cell " << cell << " day " << day << " flux " << v;
        ASSERT_NEAR(out.attention[cell][day].item<float>(), reference.attention[d], tolerance);
      }
      EXPECT_NEAR(out.yield[cell].item<float>(), reference.yield_z, tolerance);
      EXPECT_NEAR(out.residue[cell].item<float>(), reference.residue,
                  tolerance * std::max(1000.0, reference.residue));
      EXPECT_EQ(out.residue[cell].item<float>() > 0, c.open);
      const torch::Tensor after = torch::cat({hidden.basic, hidden.ra, hidden.rh, hidden.nee})
                                      .select(1, cell)
                                      .reshape({-1});
      for (int64_t i = 0; i < 384; ++i)
        ASSERT_NEAR(after[i].item<float>(), reference.state[static_cast<size_t>(i)], tolerance);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Years, NetworkAgainstReference,
    testing::Values(Case{"whole", 365, 300, true}, Case{"leap", 366, 300, true},
                    Case{"residue_closed", 365, 4000, false}, Case{"one_day", 1, 300, false},
                    Case{"before_pulse", 298, 300, true}, Case{"half_pulse", 299, 300, true},
                    Case{"pulse", 300, 300, true}, Case{"autumn", 330, 300, true}),
    [](const auto& instance) { return instance.param.name; });

TEST(Network, PulseStandsOnItsTwoDaysOnly) {
  // With another yield scaler the residue alone changes: Rh before day 298 stays, then moves.
  const YearInputs inputs = random_inputs(5, 2019, 365, {0});
  const c10::InferenceMode inference;
  torch::Tensor rh[2];
  for (const int i : {0, 1}) {
    const Package package = random_package(3, i == 0 ? 300 : 500);
    const std::vector<float> z = z_scores(inputs, 0, 1.0F, package);
    const torch::Tensor x = torch::tensor(z).view({1, 365, 19});
    rh[i] = KgmlAgC::from_package(package)
                ->forward(x, KgmlAgC::zero_hidden(1))
                .fluxes.select(2, 1)
                .squeeze(0)
                .contiguous();
  }
  const torch::Tensor moved = (rh[0] - rh[1]).abs();
  EXPECT_EQ(moved.narrow(0, 0, 298).max().item<float>(), 0);
  EXPECT_GT(moved[298].item<float>(), 1e-3);
}

TEST(Network, TrainsThroughEveryTensor) {
  const Package package = random_package(3);
  const auto network = KgmlAgC::from_package(package);
  network->train();
  const YearInputs inputs = random_inputs(5, 2019, 310, {0});
  const torch::Tensor x =
      torch::tensor(z_scores(inputs, 0, 1.0F, package)).view({1, 310, 19}).clone();
  const KgmlAgC::Output out = network->forward(x, KgmlAgC::zero_hidden(1));
  (out.fluxes.square().sum() + out.yield.square().sum()).backward();
  EXPECT_EQ(network->parameters().size(), kgml_ag_c::tensor_shapes().size());
  for (const auto& item : network->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<float>(), 0) << item.key();
  }
}

}  // namespace
}  // namespace fluxtile::test
