// SPDX-License-Identifier: Apache-2.0
// What a whole training reports in its first epoch, without dropout, against reference numbers of
// the published model. They lie outside the repository.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <netcdf>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/training/training.h"

namespace fluxtile::test {
namespace {

constexpr size_t days = SiteYears::days, features = 19;
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::vector<double> read(const std::string& path, const std::string& name) {
  const netCDF::NcFile file(path, netCDF::NcFile::read);
  const netCDF::NcVar variable = file.getVar(name);
  size_t count = 1;
  for (const auto& dimension : variable.getDims()) count *= dimension.getSize();
  std::vector<double> values(count);
  variable.getVar(values.data());
  return values;
}

std::string text_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class GoldenTraining : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("FLUXTILE_GOLDEN");
    if (!folder) GTEST_SKIP() << "FLUXTILE_GOLDEN is not set";
    folder_ = std::string(folder) + "/kgml/";
    package_ = load_package(folder_ + "package");
    losses_ = nlohmann::json::parse(text_of(folder_ + "losses.json"));
  }

  /// Sites and years without values.
  [[nodiscard]] SiteYears frame(size_t sites, size_t years) const {
    SiteYears table;
    for (size_t s = 0; s < sites; ++s) {
      table.sites.emplace_back();
      table.sites.back().name = std::to_string(s);
    }
    for (size_t y = 0; y < years; ++y) table.years.push_back(2001 + static_cast<int>(y));
    for (const PackageInput& input : package_->inputs)
      table.features.push_back({input.name, input.unit, ""});
    table.inputs.assign(sites * years * days * features, nan);
    return table;
  }
  [[nodiscard]] float physical(double z, size_t feature) const {
    const Scaler& scaler = package_->inputs[feature].scaler;
    return static_cast<float>(scaler.mean + scaler.std * z);
  }

  std::string folder_;
  std::shared_ptr<const Package> package_;
  nlohmann::json losses_;
};

Schedule one_epoch(const Schedule& published, size_t stage) {
  Schedule schedule = published;
  schedule.stages = {published.stages.at(stage)};
  schedule.dropout = 0;
  Stage& only = schedule.stages[0];
  only.epochs = 1;
  only.rh_responses.clear();
  only.keep_responses.clear();
  return schedule;
}

TEST_F(GoldenTraining, FluxStepHasTheReferencesLossAndGradient) {
  constexpr size_t pixels = 8, years = 2;
  SiteYears table = frame(pixels, years);
  const std::vector<double> x_z = read(folder_ + "inputs.nc", "x_z");
  const std::vector<double> target = read(folder_ + "targets.nc", "target_z");
  const std::vector<double> mask = read(folder_ + "targets.nc", "mask");
  for (size_t i = 0; i < x_z.size(); ++i) table.inputs[i] = physical(x_z[i], i % features);
  const char* names[] = {"Ra", "Rh", "NEE"};
  for (size_t v = 0; v < 3; ++v) {
    const Scaler& scaler = package_->outputs[v].scaler;
    for (size_t i = 0; i < mask.size(); ++i)
      table.daily[names[v]].push_back(
          mask[i] > 0 ? static_cast<float>((v == 2 ? 1 : -1) *
                                           (scaler.mean + scaler.std * target[3 * i + v]))
                      : nan);
  }
  Schedule schedule = one_epoch(published_schedule(), 1);
  Stage& stage = schedule.stages[0];
  stage.learning_rate = 1e-30;
  // Both years: the mean over their two steps.
  double expected = 0;
  for (const auto& year : losses_["L_flux_L_MB_per_year"])
    expected += year["total"].get<double>() / 2;
  const TrainedModel still =
      train(*package_, table, Roles(pixels * years, Role::train), schedule, {});
  EXPECT_NEAR(still.history[0].train.at("loss"), expected, 2e-5 * expected);

  // The first year alone: Adam's first step goes against the sign of each element.
  Roles first_year(pixels * years, Role::none);
  for (size_t pixel = 0; pixel < pixels; ++pixel)
    first_year[table.site_year(pixel, 0)] = Role::train;
  stage.learning_rate = 1e-3;
  const TrainedModel stepped = train(*package_, table, first_year, schedule, {});
  const auto& year0 = losses_["L_flux_L_MB_per_year"][0];
  EXPECT_NEAR(stepped.history[0].train.at("fluxes"), year0["L_flux"].get<double>(), 2e-5);
  EXPECT_NEAR(stepped.history[0].train.at("mass balance"), year0["L_MB"].get<double>(), 5e-5);
  const std::string file = folder_ + "grads_year0.safetensors";
  const Tensors gradients = parse_safetensors(text_of(file), file).tensors;
  size_t compared = 0;
  for (const auto& [name, gradient] : gradients) {
    const Tensor &before = package_->tensors.at(name), &after = stepped.package.tensors.at(name);
    const std::string module = name.substr(0, name.find('.'));
    if (module == "gru_basic" || module == "attn" || module == "densor_yield") {
      EXPECT_EQ(before.bytes, after.bytes) << name;
      continue;
    }
    for (size_t i = 0; i < gradient.count(); ++i) {
      const auto g = static_cast<double>(gradient.data<float>()[i]);
      if (std::abs(g) < 1e-3) continue;
      const double change = static_cast<double>(after.data<float>()[i]) -
                            static_cast<double>(before.data<float>()[i]);
      ASSERT_NEAR(change, g > 0 ? -1e-3 : 1e-3, 1e-6) << name << " " << i;
      ++compared;
    }
  }
  EXPECT_GT(compared, 10000U);
}

TEST_F(GoldenTraining, TowersHaveTheReferencesTrainingAndValidationLoss) {
  constexpr size_t sites = 3, years = 3;
  const std::vector<double> x_z = read(folder_ + "tower.nc", "x_z");
  const std::vector<double> length = read(folder_ + "tower.nc", "n_years");
  const std::vector<double> reco = read(folder_ + "tower.nc", "Reco_obs");
  const std::vector<double> nee = read(folder_ + "tower.nc", "NEE_obs");
  const std::vector<double> mask = read(folder_ + "tower.nc", "mask");
  // Each site twice: once to train, once to validate.
  SiteYears table = frame(2 * sites, years);
  Roles roles(2 * sites * years, Role::none);
  table.daily["Reco"].assign(2 * sites * years * days, nan);
  table.daily["NEE"].assign(2 * sites * years * days, nan);
  for (size_t site = 0; site < 2 * sites; ++site)
    for (size_t year = 0; year < static_cast<size_t>(length[site % sites]); ++year) {
      const size_t row = table.site_year(site, year);
      const size_t from = (site % sites * years + year) * days;
      roles[row] = site < sites ? Role::train : Role::validation;
      for (size_t i = 0; i < days * features; ++i)
        table.inputs[row * days * features + i] = physical(x_z[from * features + i], i % features);
      for (size_t day = 0; day < days; ++day) {
        if (!(mask[from + day] > 0)) continue;
        table.daily["Reco"][row * days + day] = static_cast<float>(reco[from + day]);
        table.daily["NEE"][row * days + day] = static_cast<float>(nee[from + day]);
      }
    }
  Schedule schedule = one_epoch(fine_tuning_schedule(true), 0);
  const TrainedModel model = train(*package_, table, roles, schedule, {});
  const double expected = losses_["L_tower"]["total"].get<double>();
  EXPECT_NEAR(model.history[0].train.at("loss"), expected, 2e-5 * expected);
  EXPECT_NEAR(model.history[0].train.at("mass balance"),
              losses_["L_tower"]["mass_balance_sum_over_sites"].get<double>() / sites, 1e-4);

  schedule.stages[0].learning_rate = 1e-30;  // validation of the weights as they are
  const double validation = losses_["L_tower_validation"]["total"].get<double>();
  EXPECT_NEAR(train(*package_, table, roles, schedule, {}).best_validation, validation,
              2e-5 * validation);
}

}  // namespace
}  // namespace fluxtile::test
