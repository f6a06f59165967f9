// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/package_text.h"
#include "model/training/training.h"
#include "synthetic_model.h"
#include "synthetic_site_years.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

Roles all_train(const SiteYears& table) {
  return Roles(table.sites.size() * table.years.size(), Role::train);
}

/// Mean and population standard deviation in two passes.
Scaler plain_scaler(const std::vector<double>& values) {
  double mean = 0, variance = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values)
    variance += (value - mean) * (value - mean) / static_cast<double>(values.size());
  return {mean, std::sqrt(variance)};
}

void expect_near(const Scaler& found, const Scaler& expected) {
  EXPECT_NEAR(found.mean, expected.mean, 1e-9 * std::max(1.0, std::abs(expected.mean)));
  EXPECT_NEAR(found.std, expected.std, 1e-9 * std::max(1.0, expected.std));
}

TEST(UntrainedPackage, ScalersAreThoseOfTheTrainingSiteYears) {
  SiteYears table = test::crop_fields(5, 3, 3);
  Roles roles = all_train(table);
  roles[table.site_year(1, 2)] = Role::test;
  roles[table.site_year(2, 0)] = Role::validation;
  const auto trained = [&](size_t row) { return roles[row] == Role::train; };
  // What training may not see is made absurd.
  for (size_t row = 0; row < roles.size(); ++row)
    if (!trained(row)) table.annual["Yield"][row] = 1e6F;

  std::vector<double> radiation, ra, nee, yield, residue;
  for (size_t row = 0; row < roles.size(); ++row) {
    if (!trained(row)) continue;
    double carbon = 0;
    for (size_t day = 0; day < 365; ++day) {
      const float* x = table.inputs.data() + (row * 365 + day) * 19;
      radiation.push_back(static_cast<double>(x[0]));
      ra.push_back(-static_cast<double>(table.daily["Ra"][row * 365 + day]));
      nee.push_back(static_cast<double>(table.daily["NEE"][row * 365 + day]));
      carbon += static_cast<double>(x[8]) + ra.back();
    }
    yield.push_back(static_cast<double>(table.annual["Yield"][row]));
    residue.push_back(std::max(0.0, carbon - yield.back()));
  }
  const Package package = untrained_package("kgml-ag-c", table, roles, 1);
  expect_near(package.inputs[0].scaler, plain_scaler(radiation));
  expect_near(package.outputs[0].scaler, plain_scaler(ra));
  expect_near(package.outputs[2].scaler, plain_scaler(nee));
  expect_near(package.scalers.at("Yield"), plain_scaler(yield));
  expect_near(package.scalers.at("Residue"), plain_scaler(residue));
  EXPECT_LT(package.outputs[0].scaler.mean, 0);
  EXPECT_EQ(*package.inputs[0].min, *std::min_element(radiation.begin(), radiation.end()));
  EXPECT_EQ(*package.inputs[0].max, *std::max_element(radiation.begin(), radiation.end()));
  EXPECT_EQ(package.inputs[8].source, "synthetic");
  EXPECT_TRUE(package.synthetic);
}

TEST(UntrainedPackage, IsDecidedByTheSeedAndCanBeSaved) {
  const SiteYears table = test::crop_fields(5, 2, 2);
  for (const char* architecture : {"kgml-ag-c", "gru", "lstm"}) {
    const Package one = untrained_package(architecture, table, all_train(table), 7);
    EXPECT_EQ(one.digest, untrained_package(architecture, table, all_train(table), 7).digest);
    EXPECT_NE(one.digest, untrained_package(architecture, table, all_train(table), 8).digest);
    const test::TemporaryFolder folder;
    save_package(one, folder.path("model"));
    EXPECT_EQ(load_package(folder.path("model"))->digest, one.digest) << architecture;
  }
}

TEST(UntrainedPackage, WeightsAreSpreadAsPublished) {
  const SiteYears table = test::crop_fields(5, 2, 2);
  const Package package = untrained_package("kgml-ag-c", table, all_train(table), 7);
  const auto reach = [&](const std::string& name) {
    const Tensor& tensor = package.tensors.at(name);
    float most = 0;
    for (size_t i = 0; i < tensor.count(); ++i)
      most = std::max(most, std::abs(tensor.data<float>()[i]));
    return static_cast<double>(most);
  };
  EXPECT_LE(reach("gru_basic.weight_hh_l1"), 0.125);
  EXPECT_GT(reach("gru_basic.weight_hh_l1"), 0.12);
  EXPECT_LE(reach("attn.0.weight"), 0.1);
  EXPECT_GT(reach("attn.0.weight"), 0.095);
  EXPECT_EQ(reach("densor_Ra.bias"), 0);
  EXPECT_NE(package.tensors.at("gru_basic.weight_hh_l0").bytes,
            package.tensors.at("gru_basic.weight_hh_l1").bytes);
}

TEST(UntrainedPackage, AnInputThatDoesNotVaryGetsAScalerOfOne) {
  SiteYears table = test::crop_fields(5, 2, 2);
  for (size_t i = 0; i < table.inputs.size(); i += 19) table.inputs[i + 17] = 6.3F;
  const Package package = untrained_package("kgml-ag-c", table, all_train(table), 7);
  EXPECT_EQ(package.inputs[17].scaler.std, 1);
  EXPECT_FLOAT_EQ(static_cast<float>(package.inputs[17].scaler.mean), 6.3F);
}

TEST(UntrainedPackage, RefusesATableThatLacksWhatItNeeds) {
  const auto message = [](const std::string& architecture, const SiteYears& table) {
    try {
      untrained_package(architecture, table, all_train(table), 1);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      return std::string(error.what());
    }
    return std::string();
  };
  const SiteYears good = test::crop_fields(5, 2, 2);
  SiteYears table = good;
  table.daily.erase("Rh");
  EXPECT_THAT(message("kgml-ag-c", table), HasSubstr("Rh"));
  table = good;
  table.annual.clear();
  EXPECT_THAT(message("kgml-ag-c", table), HasSubstr("Yield"));
  EXPECT_EQ(message("gru", table), "");
  table = good;
  table.features[16].name = "carbon";
  EXPECT_THAT(message("kgml-ag-c", table), HasSubstr("TSOC"));
  table = good;
  std::fill(table.daily["Ra"].begin(), table.daily["Ra"].end(),
            std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(message("kgml-ag-c", table), HasSubstr("Ra"));
  EXPECT_THAT(message("kgml", good), HasSubstr("kgml-ag-c"));
  SiteYears none = good;
  try {
    untrained_package("kgml-ag-c", none, Roles(4, Role::test), 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
  }
}

}  // namespace
}  // namespace fluxtile
