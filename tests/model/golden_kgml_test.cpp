// SPDX-License-Identifier: Apache-2.0
// Compares the network and the engine with reference numbers of the published model (golden
// vectors: inputs.nc, outputs.nc and a package). They lie outside the repository.
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <netcdf>

#include "base/error.h"
#include "golden_file.h"
#include "model/engine.h"
#include "model/kgml_ag_c.h"
#include "model/kgml_ag_c_network.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile::test {
namespace {

constexpr int64_t pixels = 8, years = 2, days = 365, features = 19;

/// Largest difference relative to the largest value, at least 1.
double relative_difference(const torch::Tensor& found, const torch::Tensor& expected) {
  const double scale = std::max(1.0, expected.abs().max().item<double>());
  return (found - expected).abs().max().item<double>() / scale;
}

class GoldenKgml : public NeedsFolder<kGolden> {
 protected:
  void given() override {
    const std::string kgml = given_folder() + "/kgml/";
    inputs_.open(kgml + "inputs.nc", netCDF::NcFile::read);
    outputs_.open(kgml + "outputs.nc", netCDF::NcFile::read);
    package_ = load_package(kgml + "package");
  }

  [[nodiscard]] torch::Tensor expected(const std::string& name) const {
    return read_golden(outputs_, name);
  }

  /// The engine's inputs for one year of the vectors, each pixel its own climate cell and a
  /// composite a day.
  [[nodiscard]] YearInputs year_inputs(int64_t year) const {
    const torch::Tensor x = read_golden(inputs_, "x").narrow(1, year * days, days);
    YearInputs in;
    in.year = static_cast<int>(2001 + year);
    in.days = days;
    in.cells = pixels;
    const size_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (uint8_t month = 0; month < 12; ++month)
      in.month.insert(in.month.end(), length[month], month);
    auto climate = std::make_shared<ClimateBlock>();
    climate->days = days;
    climate->cells = pixels;
    climate->variables.assign(kgml_ag_c::input_names().begin(),
                              kgml_ag_c::input_names().begin() + 7);
    auto weights = std::make_shared<SparseWeights>();
    weights->offset.push_back(0);
    in.gpp.composites = days;
    for (int32_t day = 0; day < days; ++day) {
      in.gpp.before.push_back(day);
      in.gpp.after.push_back(day);
      in.gpp.weight.push_back(0);
      for (int64_t pixel = 0; pixel < pixels; ++pixel) {
        const float* values = x[pixel][day].data_ptr<float>();
        climate->values.insert(climate->values.end(), values, values + 7);
        in.gpp.values.push_back(values[8]);
      }
    }
    for (size_t f = 10; f < features; ++f) in.static_names.push_back(kgml_ag_c::input_names()[f]);
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      in.position.push_back(pixel * 40 - 100);
      weights->index.push_back(pixel);
      weights->weight.push_back(1);
      weights->offset.push_back(pixel + 1);
      const float* values = x[pixel][0].data_ptr<float>();
      in.statics.insert(in.statics.end(), values + 10, values + features);
      in.year_feature = values[9];
    }
    in.climate = climate;
    in.climate_weights = weights;
    in.flags.assign(12 * pixels, 0);
    return in;
  }

  [[nodiscard]] MemberInputs member(int64_t year) const {
    const torch::Tensor x = read_golden(inputs_, "x");
    MemberInputs all;
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      all.cell.push_back(pixel);
      all.crop.push_back(x[pixel][year * days][7].item<float>());
    }
    return all;
  }

  netCDF::NcFile inputs_, outputs_;
  std::shared_ptr<const Package> package_;
};

torch::Tensor packed(const KgmlAgC::Hidden& hidden) {
  return torch::cat({hidden.basic, hidden.ra, hidden.rh, hidden.nee}).transpose(0, 1);
}

TEST_F(GoldenKgml, NetworkMatchesWithAndWithoutSpinUp) {
  const auto network = KgmlAgC::from_package(*package_);
  const c10::InferenceMode inference;
  const torch::Tensor x = read_golden(inputs_, "x_z");
  for (const std::string kind : {"_nospin", "_spinup"}) {
    KgmlAgC::Hidden hidden = KgmlAgC::zero_hidden(pixels);
    if (kind == "_spinup")
      for (int64_t year = 0; year < years; ++year)
        hidden = network->forward(x.narrow(1, year * days, days), hidden).hidden;
    EXPECT_LT(relative_difference(packed(hidden), expected("hidden" + kind).select(1, 0)), 1e-5);
    for (int64_t year = 0; year < years; ++year) {
      const KgmlAgC::Output out = network->forward(x.narrow(1, year * days, days), hidden);
      hidden = out.hidden;
      const std::string at = kind + " year " + std::to_string(year);
      const char* names[] = {"Ra", "Rh", "NEE"};
      for (int64_t v = 0; v < 3; ++v)
        EXPECT_LT(
            relative_difference(out.fluxes.select(2, v),
                                expected(names[v] + ("_z" + kind)).narrow(1, year * days, days)),
            1e-5)
            << names[v] << at;
      EXPECT_LT(relative_difference(out.yield, expected("Yield_z" + kind).select(1, year)), 1e-5)
          << at;
      EXPECT_LT(relative_difference(out.attention, expected("attn_score" + kind).select(1, year)),
                1e-5)
          << at;
      const Scaler& residue = package_->scalers.at("Residue");
      EXPECT_LT(relative_difference((out.residue - residue.mean) / residue.std,
                                    expected("residue_z" + kind).select(1, year)),
                1e-5)
          << at;
      EXPECT_LT(relative_difference(packed(hidden), expected("hidden" + kind).select(1, year + 1)),
                1e-5)
          << at;
    }
  }
}

class GoldenEngines : public GoldenKgml, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Cpu, GoldenEngines, testing::Values("torch", "fused"),
                         [](const auto& engine) { return std::string(engine.param); });

TEST_P(GoldenEngines, MatchFromPhysicalInputs) {
  const auto engine = make_engine({GetParam(), "cpu", "fp32"}, package_);
  for (const std::string kind : {"_nospin", "_spinup"}) {
    MemberState state{std::vector<float>(pixels * kgml_ag_c::state_size, 0.0F)};
    if (kind == "_spinup")
      for (int64_t year = 0; year < years; ++year)
        (void)engine->run(year_inputs(year), member(year), state, false);
    for (int64_t year = 0; year < years; ++year) {
      MemberYear result = engine->run(year_inputs(year), member(year), state, true);
      const torch::Tensor daily =
          torch::from_blob(result.daily.data(), {4, days, pixels}).transpose(1, 2);
      const torch::Tensor annual = torch::from_blob(result.annual.data(), {2, pixels});
      const auto of_year = [&](const std::string& name) {
        return expected(name + kind).narrow(1, year * days, days);
      };
      EXPECT_LT(relative_difference(-daily[0], of_year("Ra")), 1e-5) << kind << year;
      EXPECT_LT(relative_difference(-daily[1], of_year("Rh")), 1e-5) << kind << year;
      EXPECT_LT(relative_difference(daily[2], of_year("NEE")), 1e-5) << kind << year;
      EXPECT_LT(relative_difference(annual[0], expected("Yield" + kind).select(1, year)), 1e-5);
      const Scaler& residue = package_->scalers.at("Residue");
      EXPECT_LT(relative_difference((annual[1] - residue.mean) / residue.std,
                                    expected("residue_z" + kind).select(1, year)),
                1e-5);
      EXPECT_LT(relative_difference(torch::from_blob(state.values.data(), {pixels, 6, 64}),
                                    expected("hidden" + kind).select(1, year + 1)),
                1e-5);
    }
  }
}

}  // namespace
}  // namespace fluxtile::test
