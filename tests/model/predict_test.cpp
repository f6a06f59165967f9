// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "model/flux_network.h"
#include "model/torch_runtime.h"
#include "model/training/training.h"
#include "synthetic_model.h"
#include "synthetic_site_years.h"

namespace fluxtile {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Inputs of one site-year, z-scored, [1,365,19].
torch::Tensor z_scored(const Package& package, const SiteYears& table, size_t site, size_t year) {
  torch::Tensor x = torch::empty({1, 365, 19});
  const float* physical = table.input(site, year);
  for (size_t i = 0; i < 365 * 19; ++i) {
    const Scaler& scaler = package.inputs[i % 19].scaler;
    x.data_ptr<float>()[i] =
        static_cast<float>((static_cast<double>(physical[i]) - scaler.mean) / scaler.std);
  }
  return x;
}

TEST(Predict, IsTheNetworkYearByYearAfterTheSpinUp) {
  keep_torch_to_one_thread();
  const SiteYears table = test::crop_fields(11, 3, 3);
  const Package package = test::random_package(4);
  const Predictions out = predict(package, table, 2, 1);
  const auto network = make_flux_network(package);
  const torch::NoGradGuard no_gradient;
  for (size_t site = 0; site < 3; ++site) {
    auto state = network->zero_state(1);
    for (const size_t year : {0U, 1U})
      state = network->run_year(z_scored(package, table, site, year), state).state;
    for (size_t year = 0; year < 3; ++year) {
      const auto expected = network->run_year(z_scored(package, table, site, year), state);
      state = expected.state;
      const size_t row = table.site_year(site, year);
      for (int64_t day = 0; day < 365; day += 13) {
        const size_t i = row * 365 + static_cast<size_t>(day);
        const auto value = [&](int64_t v, const Scaler& scaler) {
          return scaler.mean + scaler.std * expected.fluxes[0][day][v].item<double>();
        };
        const double ra = -value(0, package.outputs[0].scaler);
        const double rh = -value(1, package.outputs[1].scaler);
        EXPECT_NEAR(out.daily.at("Ra")[i], ra, 2e-5);
        EXPECT_NEAR(out.daily.at("Rh")[i], rh, 2e-5);
        EXPECT_NEAR(out.daily.at("Reco")[i], ra + rh, 4e-5);
        EXPECT_NEAR(out.daily.at("NEE")[i], value(2, package.outputs[2].scaler), 2e-5);
      }
      const Scaler& yield = package.scalers.at("Yield");
      EXPECT_NEAR(out.annual.at("Yield")[row],
                  yield.mean + yield.std * expected.yield[0].item<double>(), 1e-3);
      EXPECT_NEAR(out.annual.at("Residue")[row], expected.residue[0].item<double>(), 1e-2);
    }
  }
}

TEST(Predict, ThreadsChangeNothing) {
  const SiteYears table = test::crop_fields(11, 40, 2);
  const Package package = test::random_package(4);
  const Predictions one = predict(package, table, 2, 1), two = predict(package, table, 2, 2);
  EXPECT_EQ(one.daily, two.daily);
  EXPECT_EQ(one.annual, two.annual);
  EXPECT_NE(one.daily, predict(package, table, 0, 1).daily);
}

TEST(Predict, AYearWithGapsHasNoValueAndLeavesTheStateAsItWas) {
  SiteYears table = test::crop_fields(11, 2, 3);
  table.daily.clear();
  table.annual.clear();
  const Package package = test::random_package(4);
  SiteYears gap = table;
  gap.inputs[(gap.site_year(1, 1) * 365 + 7) * 19 + 2] = nan;
  const Predictions out = predict(package, gap, 1, 1);
  const size_t row = table.site_year(1, 1);
  EXPECT_TRUE(std::isnan(out.daily.at("NEE")[row * 365]));
  EXPECT_TRUE(std::isnan(out.annual.at("Yield")[row]));

  // The same site without that year.
  SiteYears shorter = table;
  shorter.sites = {table.sites[1]};
  shorter.years = {2001, 2002};
  const size_t size = 365 * 19;
  shorter.inputs.assign(table.input(1, 0), table.input(1, 0) + size);
  shorter.inputs.insert(shorter.inputs.end(), table.input(1, 2), table.input(1, 2) + size);
  const Predictions expected = predict(package, shorter, 1, 1);
  for (size_t day = 0; day < 365; ++day)
    ASSERT_NEAR(out.daily.at("NEE")[table.site_year(1, 2) * 365 + day],
                expected.daily.at("NEE")[365 + day], 1e-4);
  // The other site is not touched.
  const Predictions whole = predict(package, table, 1, 1);
  for (size_t i = 0; i < 3 * 365; ++i)
    ASSERT_NEAR(out.daily.at("Rh")[i], whole.daily.at("Rh")[i], 1e-5);
}

TEST(Predict, TheYearIsClampedAsInMaps) {
  SiteYears table = test::crop_fields(11, 1, 2);
  Package package = test::random_package(4);
  PackageInput& year = package.inputs[9];
  ASSERT_EQ(year.name, "Year");
  year.min = 2001;
  year.max = 2002;
  const Predictions inside = predict(package, table, 0, 1);
  for (size_t i = 9; i < table.inputs.size(); i += 19)
    if (table.inputs[i] > 2001.5F) table.inputs[i] = 2030;
  EXPECT_EQ(predict(package, table, 0, 1).daily, inside.daily);
  year.max.reset();
  EXPECT_NE(predict(package, table, 0, 1).daily, inside.daily);
}

TEST(Predict, BaselinesHaveNoYield) {
  const SiteYears table = test::crop_fields(11, 2, 2);
  const Package package = untrained_package("gru", table, Roles(4, Role::train), 1);
  const Predictions out = predict(package, table, 2, 1);
  EXPECT_TRUE(out.annual.empty());
  EXPECT_EQ(out.daily.at("NEE").size(), 4U * 365U);
  EXPECT_TRUE(std::isfinite(out.daily.at("NEE")[1000]));
}

}  // namespace
}  // namespace fluxtile
