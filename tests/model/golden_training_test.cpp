// SPDX-License-Identifier: Apache-2.0
// What a whole training reports in its first epoch, without dropout, against reference numbers of
// the published model. They lie outside the repository.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <netcdf>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "golden_file.h"
#include "model/training/training.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile::test {
namespace {

constexpr size_t days = SiteYears::days, features = 19;
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

class GoldenTraining : public NeedsFolder<kGolden> {
 protected:
  void given() override {
    folder_ = given_folder() + "/kgml/";
    package_ = load_package(folder_ + "package");
    losses_ = golden_json(folder_ + "losses.json");
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
  const std::vector<double> x_z = golden_values(folder_ + "inputs.nc", "x_z");
  const std::vector<double> target = golden_values(folder_ + "targets.nc", "target_z");
  const std::vector<double> mask = golden_values(folder_ + "targets.nc", "mask");
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
  // Three pixels have no label in that year: they are not in the batch.
  const double share = 8.0 / 5;
  const auto& year0 = losses_["L_flux_L_MB_per_year"][0];
  EXPECT_NEAR(stepped.history[0].train.at("fluxes"), share * year0["L_flux"].get<double>(), 3e-5);
  EXPECT_NEAR(stepped.history[0].train.at("mass balance"), share * year0["L_MB"].get<double>(),
              8e-5);
  const std::string file = folder_ + "grads_year0.safetensors";
  const Tensors gradients = parse_safetensors(read_file(file), file).tensors;
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
  const std::vector<double> x_z = golden_values(folder_ + "tower.nc", "x_z");
  const std::vector<double> length = golden_values(folder_ + "tower.nc", "n_years");
  const std::vector<double> reco = golden_values(folder_ + "tower.nc", "Reco_obs");
  const std::vector<double> nee = golden_values(folder_ + "tower.nc", "NEE_obs");
  const std::vector<double> mask = golden_values(folder_ + "tower.nc", "mask");
  // Days that the reference masks out are those of the other role, or have no label.
  SiteYears table = frame(sites, years);
  Roles trained(sites * years, Role::none), validated = trained;
  table.daily["Reco"].assign(sites * years * days, nan);
  table.daily["NEE"].assign(sites * years * days, nan);
  for (size_t site = 0; site < sites; ++site)
    for (size_t year = 0; year < static_cast<size_t>(length[site]); ++year) {
      const size_t row = table.site_year(site, year);
      const bool masked = *std::max_element(&mask[row * days], &mask[row * days] + days) == 0;
      trained[row] = masked ? Role::validation : Role::train;
      validated[row] = masked ? Role::train : Role::validation;
      for (size_t i = 0; i < days * features; ++i)
        table.inputs[row * days * features + i] =
            physical(x_z[row * days * features + i], i % features);
      for (size_t i = row * days; i < (row + 1) * days; ++i) {
        if (!masked && !(mask[i] > 0)) continue;
        table.daily["Reco"][i] = static_cast<float>(reco[i]);
        table.daily["NEE"][i] = static_cast<float>(nee[i]);
      }
    }
  Schedule schedule = one_epoch(fine_tuning_schedule(true), 0);
  schedule.stages[0].learning_rate = 1e-30;
  const TrainedModel model = train(*package_, table, trained, schedule, {});
  const double expected = losses_["L_tower"]["total"].get<double>();
  EXPECT_NEAR(model.history[0].train.at("loss"), expected, 2e-5 * expected);
  EXPECT_NEAR(model.history[0].train.at("mass balance"),
              losses_["L_tower"]["mass_balance_sum_over_sites"].get<double>() / sites, 1e-4);
  const double validation = losses_["L_tower_validation"]["total"].get<double>();
  EXPECT_NEAR(train(*package_, table, validated, schedule, {}).best_validation, validation,
              2e-5 * validation);
}

}  // namespace
}  // namespace fluxtile::test
