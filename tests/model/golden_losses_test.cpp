// SPDX-License-Identifier: Apache-2.0
// Compares the loss terms with reference numbers of the published model (golden vectors:
// losses.json with its definitions, and the inputs that it names). They lie outside the repository.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdlib>
#include <fstream>
#include <netcdf>
#include <nlohmann/json.hpp>

#include "golden_file.h"
#include "model/kgml_ag_c.h"
#include "model/kgml_ag_c_network.h"
#include "model/training/losses.h"
#include "model/training/response.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile::test {
namespace {

constexpr int64_t days = 365, gpp_feature = 8;

torch::Tensor values(const nlohmann::json& list) {
  return torch::tensor(list.get<std::vector<double>>(), torch::kDouble);
}

double number(const torch::Tensor& value) { return value.item<double>(); }

void expect_relative(double found, double expected, double tolerance, const std::string& what) {
  EXPECT_NEAR(found, expected, tolerance * std::abs(expected)) << what;
}

class GoldenLosses : public NeedsFolder<kGolden> {
 protected:
  void given() override {
    folder_ = given_folder() + "/kgml/";
    golden_ = golden_json(folder_ + "losses.json");
    package_ = load_package(folder_ + "package");
    for (const PackageOutput& output : package_->outputs) outputs_[output.name] = output.scaler;
    scalers_ = {outputs_["Ra"], outputs_["Rh"], outputs_["NEE"], package_->scalers.at("GPP")};
  }

  [[nodiscard]] netCDF::NcFile open(const std::string& name) const {
    return {folder_ + name, netCDF::NcFile::read};
  }

  /// GPP of z-scored inputs, gC m-2 d-1.
  [[nodiscard]] torch::Tensor gpp(const torch::Tensor& x_z) const {
    return x_z.select(-1, gpp_feature) * scalers_.gpp.std + scalers_.gpp.mean;
  }

  /// Fluxes of whole years after a spin-up of two, z-scored [B,years*365,3].
  [[nodiscard]] torch::Tensor fluxes(const torch::Tensor& x_z) const {
    const torch::NoGradGuard no_grad;
    const auto network = KgmlAgC::from_package(*package_);
    KgmlAgC::Hidden hidden = KgmlAgC::zero_hidden(x_z.size(0));
    const auto run = [&](int64_t year) {
      KgmlAgC::Output out = network->forward(x_z.narrow(1, year * days, days), hidden);
      hidden = out.hidden;
      return out.fluxes;
    };
    run(0);
    run(1);
    std::vector<torch::Tensor> parts;
    for (int64_t year = 0; year < x_z.size(1) / days; ++year) parts.push_back(run(year));
    return torch::cat(parts, 1);
  }

  std::string folder_;
  nlohmann::json golden_;
  std::shared_ptr<const Package> package_;
  std::map<std::string, Scaler> outputs_;
  FluxScalers scalers_;
};

TEST_F(GoldenLosses, FluxesAndMassBalance) {
  const auto inputs = open("inputs.nc"), targets = open("targets.nc");
  const torch::Tensor x = read_golden(inputs, "x_z"), z = fluxes(x);
  const torch::Tensor target = read_golden(targets, "target_z"),
                      mask = read_golden(targets, "mask");
  const auto terms = [&](int64_t first, int64_t length) {
    const auto cut = [&](const torch::Tensor& t) { return t.narrow(1, first, length); };
    const auto elements = static_cast<double>(x.size(0) * length);
    return std::pair{number(flux_loss(cut(z), cut(target), cut(mask), elements)),
                     number(mass_balance_loss(cut(z), gpp(cut(x)), cut(mask), scalers_, elements))};
  };
  for (int64_t year = 0; year < 2; ++year) {
    const auto& expected = golden_["L_flux_L_MB_per_year"][static_cast<size_t>(year)];
    const auto [flux, balance] = terms(year * days, days);
    expect_relative(flux, expected["L_flux"], 1e-5, "L_flux");
    expect_relative(balance, expected["L_MB"], 1e-5, "L_MB");
    expect_relative(flux + balance, expected["total"], 1e-5, "total");
  }
  const auto [flux, balance] = terms(0, 2 * days);
  expect_relative(flux, golden_["L_flux_L_MB_whole_record"]["L_flux"], 1e-5, "L_flux");
  expect_relative(balance, golden_["L_flux_L_MB_whole_record"]["L_MB"], 1e-5, "L_MB");
}

/// Towers of the file: the site's years as [years,365].
struct Site {
  torch::Tensor ra, rh, nee, gpp, reco_observed, nee_observed, mask;
};

TEST_F(GoldenLosses, Towers) {
  const auto file = open("tower.nc");
  const torch::Tensor x = read_golden(file, "x_z");
  const torch::Tensor all_gpp = gpp(x);
  const auto& expected = golden_["L_tower"];
  // From the network, and from the predictions that the file holds.
  const torch::Tensor z = fluxes(x);
  for (const bool from_network : {false, true}) {
    double fit = 0, validation = 0, balance = 0;
    for (int64_t s = 0; s < x.size(0); ++s) {
      const auto index = static_cast<size_t>(s);
      const int64_t years = expected["n_years"][index].get<int64_t>();
      const auto cut = [&](const torch::Tensor& t) {
        return t[s].slice(0, 0, years * days).view({years, days});
      };
      const auto predicted = [&](const char* name, int64_t v) {
        if (!from_network) return cut(read_golden(file, std::string(name) + "_pred"));
        const Scaler& scaler = outputs_.at(name);
        const double sign = v < 2 ? -1 : 1;
        return cut((z.select(2, v) * scaler.std + scaler.mean) * sign);
      };
      const torch::Tensor ra = predicted("Ra", 0), rh = predicted("Rh", 1);
      const torch::Tensor nee = predicted("NEE", 2);
      const torch::Tensor reco = cut(read_golden(file, "Reco_obs", torch::kDouble));
      const torch::Tensor nee_observed = cut(read_golden(file, "NEE_obs", torch::kDouble));
      const torch::Tensor mask = cut(read_golden(file, "mask", torch::kDouble));
      const double site_fit = number(tower_loss(ra, rh, nee, reco, mask, nee_observed, mask, true));
      const double site_balance = number(tower_mass_balance(ra, rh, nee, cut(all_gpp), mask));
      expect_relative(site_fit, expected["per_site"][index]["fit"], 1e-5, "fit");
      expect_relative(site_balance, expected["per_site"][index]["mass_balance"], 1e-5, "balance");
      fit += site_fit;
      balance += site_balance;
      validation += number(tower_loss(ra, rh, nee, reco, mask, nee_observed, mask, false));
    }
    expect_relative((fit + balance) / 3, expected["total"], 1e-5, "total");
    expect_relative((validation + balance) / 3, golden_["L_tower_validation"]["total"], 1e-5,
                    "validation");
  }
}

TEST_F(GoldenLosses, SelfPacedStepOne) {
  const auto& expected = golden_["extra_step1_self_paced"];
  const auto outputs = open("outputs.nc"), targets = open("targets.nc");
  const auto first_year = [](const torch::Tensor& t) { return t.narrow(1, 0, days); };
  const torch::Tensor ra = first_year(read_golden(outputs, "Ra_z_spinup"));
  const torch::Tensor target = first_year(read_golden(targets, "target_z")).select(2, 0);
  const torch::Tensor yield = read_golden(outputs, "Yield_z_spinup");
  std::vector<torch::Tensor> yields;
  for (const auto& row : expected["Yield_target"]) yields.push_back(values(row));
  const torch::Tensor ra_errors = sample_errors(ra, target, torch::ones_like(ra));
  const torch::Tensor yield_errors =
      sample_errors(yield, torch::stack(yields), torch::ones_like(yield));
  for (const std::string kind : {"train", "validation"}) {
    const double threshold = kind == "train" ? expected["threshold"].get<double>() : 0;
    const double of_ra = number(self_paced_loss(ra_errors, threshold, 8));
    const double of_yield = number(self_paced_loss(yield_errors, threshold, 8));
    expect_relative(of_ra, expected[kind][1], 1e-5, "Ra " + kind);
    expect_relative(of_yield, expected[kind][2], 1e-5, "Yield " + kind);
    expect_relative(of_ra + of_yield, expected[kind][0], 1e-5, "total " + kind);
  }
}

TEST_F(GoldenLosses, YieldBoundsOfStepThree) {
  const auto outputs = open("outputs.nc"), inputs = open("inputs.nc");
  const torch::Tensor yield = read_golden(outputs, "Yield_spinup").view({-1});
  const torch::Tensor annual_gpp =
      gpp(read_golden(inputs, "x_z")).view({8, 2, days}).sum(2).view({-1});
  expect_relative(number(yield_bound_loss(yield, annual_gpp, 16)),
                  golden_["extra_step3_yield_GPP"]["value"], 1e-5, "yield bounds");
}

TEST_F(GoldenLosses, KeepShapeOfCurves) {
  double sum = 0;
  for (const auto& expected : golden_["L_keep"]["features"]) {
    const ResponseRange& range = response_ranges()[expected["feature"].get<size_t>()];
    EXPECT_EQ(range.feature, expected["name"]);
    EXPECT_EQ(range.ra_r_min, expected["ra_r_min"]);
    EXPECT_EQ(range.rh_r_min, expected["rh_r_min"]);
    const std::vector<double> z = range.points(3);
    ASSERT_EQ(z.size(), expected["n"].get<size_t>()) << range.feature;
    for (size_t k = 0; k < z.size(); ++k)
      EXPECT_NEAR(z[k], expected["z"][k].get<double>(), 1e-9) << range.feature;
    const double loss =
        number(keep_response_loss(range, values(expected["Ra_after"]), values(expected["Rh_after"]),
                                  values(expected["Ra_before"]), values(expected["Rh_before"])));
    EXPECT_NEAR(loss, expected["value"].get<double>(), 1e-3) << range.feature;
    sum += loss;
  }
  EXPECT_NEAR(sum, golden_["L_keep"]["sum"].get<double>(), 5e-3);
}

/// Network, check set and workers for response curves; dropout off, as in the reference numbers.
struct Responses {
  std::shared_ptr<FluxNetwork> network;
  CheckSet set;
  std::unique_ptr<ParallelGradient> work;
};

Responses responses(const std::string& folder, const Package& package, bool perturbed) {
  Package other = package;
  if (perturbed) {
    std::ifstream file(folder + "weights_perturbed.safetensors", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    other.tensors = parse_safetensors(bytes, "weights_perturbed.safetensors").tensors;
  }
  Responses all;
  all.network = make_flux_network(other);
  all.network->dropout.rate = 0;
  const netCDF::NcFile file(folder + "check_set.nc", netCDF::NcFile::read);
  all.set.x_z = read_golden(file, "x_z").view({2, 18, days, 19});
  for (const PackageOutput& output : package.outputs) {
    if (output.name == "Ra") all.set.ra = output.scaler;
    if (output.name == "Rh") all.set.rh = output.scaler;
  }
  all.work = std::make_unique<ParallelGradient>(all.network, 2);
  return all;
}

void expect_curve(const std::vector<double>& found, const nlohmann::json& expected,
                  const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t k = 0; k < found.size(); ++k)
    EXPECT_NEAR(found[k], expected[k].get<double>(),
                1e-5 * std::abs(expected[k].get<double>()) + 1e-6)
        << what << " point " << k;
}

TEST_F(GoldenLosses, SoilCarbonResponseAndItsGradient) {
  const auto& expected = golden_["L_SOC"];
  const ResponseRange& range = response_range("TSOC");
  const Responses of = responses(folder_, *package_, false);
  const double loss = response_gradient(
      *of.work, of.set, 16, range.points(1),
      [&](const ResponseCurve& curve) {
        expect_curve(curve.rh, expected["Rh_mean_gC"], "Rh");
        expect_curve(curve.ra, expected["Ra_mean_gC"], "Ra");
        return falling_rh_loss(curve, range.interval);
      },
      1, 1);
  expect_relative(loss, expected["value"], 1e-4, "L_SOC");
  double largest = 0;
  for (const auto& norm : expected["grad_norm"]) largest = std::max(largest, norm.get<double>());
  for (const auto& item : of.network->named_parameters()) {
    const double norm = expected["grad_norm"].at(item.key()).get<double>();
    EXPECT_NEAR(item.value().grad().norm().item<double>(), norm, 1e-3 * norm + 1e-7 * largest)
        << item.key();
  }
}

TEST_F(GoldenLosses, CurvesOfThePerturbedNetwork) {
  const Responses of = responses(folder_, *package_, true);
  for (const auto& [name, feature] : {std::pair{"L_SOC", 16}, {"L_Rh_GPP", 8}}) {
    const auto& expected = golden_[name]["perturbed_network"];
    const ResponseRange& range = response_ranges()[static_cast<size_t>(feature)];
    const ResponseCurve curve = response_curve(*of.work, of.set, static_cast<size_t>(feature),
                                               range.points(1), 1, 1, false);
    expect_curve(curve.rh, expected["Rh_mean_gC"], name);
    expect_relative(falling_rh_loss(curve, range.interval).value, expected["value"], 1e-4, name);
  }
}

TEST_F(GoldenLosses, KeptCurvesFromBothNetworks) {
  const Responses before = responses(folder_, *package_, false);
  const Responses after = responses(folder_, *package_, true);
  for (const size_t feature : {2U, 7U, 8U, 9U, 16U}) {
    const ResponseRange& range = response_ranges()[feature];
    const auto& expected = golden_["L_keep"]["features"][feature];
    const auto curve = [&](const Responses& of) {
      return response_curve(*of.work, of.set, feature, range.points(3), 1, 1, false);
    };
    const ResponseCurve old = curve(before), now = curve(after);
    expect_curve(old.ra, expected["Ra_before"], range.feature);
    expect_curve(old.rh, expected["Rh_before"], range.feature);
    expect_curve(now.ra, expected["Ra_after"], range.feature);
    expect_curve(now.rh, expected["Rh_after"], range.feature);
    EXPECT_NEAR(keep_curve_loss(now, old, range).value, expected["value"].get<double>(), 1e-3)
        << range.feature;
  }
}

TEST_F(GoldenLosses, YieldResponsesOfStepThree) {
  const Responses of = responses(folder_, *package_, false);
  for (const auto& expected : golden_["extra_step3_yield_response"]) {
    const auto feature = expected["feature"].get<size_t>();
    const ResponseRange& range = response_ranges()[feature];
    const std::vector<double> z = range.points(1);
    ASSERT_EQ(z.size(), expected["n"].get<size_t>()) << range.feature;
    const ResponseCurve curve = response_curve(*of.work, of.set, feature, z, 1, 1, false);
    expect_relative(rising_yield_loss(curve, range.interval).value, expected["value"], 1e-4,
                    range.feature);
  }
}

TEST_F(GoldenLosses, FallingCurves) {
  for (const std::string name : {"L_SOC", "L_Rh_GPP"}) {
    const auto& expected = golden_[name];
    const ResponseRange& range = response_ranges()[expected["feature"].get<size_t>()];
    const std::vector<double> z = range.points(1);
    ASSERT_EQ(z.size(), expected["z"].size());
    for (size_t k = 0; k < z.size(); ++k) EXPECT_NEAR(z[k], expected["z"][k].get<double>(), 1e-9);
    for (const auto& of : {expected, expected["perturbed_network"]})
      EXPECT_NEAR(number(falling_loss(values(of["Rh_mean_gC"]), range.interval)),
                  of["value"].get<double>(), 1e-4 * std::max(1e-9, of["value"].get<double>()));
  }
}

}  // namespace
}  // namespace fluxtile::test
