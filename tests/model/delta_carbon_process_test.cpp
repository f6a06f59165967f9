// SPDX-License-Identifier: Apache-2.0
#include "model/delta_carbon_process.h"

#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <array>
#include <cmath>

#include "model/delta_carbon_parameters.h"
#include "synthetic_field.h"

namespace fluxtile::delta_carbon {
namespace {

using torch::Tensor;

// Four fields: corn and soybean, each in a warm year (harvest when ripe) and a cold one (snow,
// harvest on the latest day).
struct FourFields {
  static constexpr size_t n = 4;
  ParameterSet drawn = drawn_parameters(n, 77);
  SoilColumn soil = silt_loam(n);
  Forcing year = joined();
  State state = equilibrium(drawn, soil, year);

  static Forcing joined() {
    const std::array<Forcing, n> each = {
        synthetic_year(1, 1, 1500, 41, 1.3), synthetic_year(1, 1, 1300, 42, -6),
        synthetic_year(1, 5, 900, 43, 1.3), synthetic_year(1, 5, 700, 44, -6)};
    Forcing all = synthetic_year(n, 1, 1, 1);
    for (size_t i = 0; i < n; ++i) {
      all.crop[i] = each[i].crop[0];
      for (size_t d = 0; d < all.days; ++d) {
        all.tmax[d * n + i] = each[i].tmax[d];
        all.tmin[d * n + i] = each[i].tmin[d];
        all.rain[d * n + i] = each[i].rain[d];
        all.gpp[d * n + i] = each[i].gpp[d];
      }
    }
    return all;
  }
};

// A number a pixel in which every result of every day has its own weight.
Tensor scalar_of(const ProcessFluxes& flux, const Tensor& state) {
  const int64_t days = flux.ra.size(0);
  const Tensor day = torch::arange(days, torch::kFloat64).unsqueeze(1);
  const auto sum = [&](const Tensor& series, double phase) {
    return (series * (1.2 + torch::sin(0.11 * day + phase))).sum(0);
  };
  Tensor total = torch::zeros_like(flux.ra[0]);
  double phase = 0;
  for (const Tensor& series :
       {flux.ra, flux.rh, flux.nee, flux.yield, flux.removed, flux.residue, flux.soil_water * 0.05,
        flux.evapotranspiration, flux.drainage, flux.snow * 0.1}) {
    total = total + sum(series, phase += 0.7);
  }
  return total + 0.1 * state.sum(0);
}

ProcessInputs repeated(const ProcessInputs& one, int64_t times) {
  const auto wide = [&](const Tensor& t) {
    return t.dim() == 2 ? t.repeat({1, times}) : t.repeat({times});
  };
  return {wide(one.tmax),
          wide(one.tmin),
          wide(one.rain),
          wide(one.gpp),
          wide(one.extraterrestrial),
          wide(one.crop),
          wide(one.bulk_density),
          wide(one.sand),
          wide(one.silt),
          wide(one.field_capacity),
          wide(one.wilting_point),
          wide(one.ksat)};
}

TEST(DeltaCarbonProcess, AgreesWithThePlainForm) {
  FourFields fields;
  const torch::NoGradGuard no_grad;
  Tensor state = to_tensor(fields.state);
  const ProcessFluxes tensors =
      run_process(to_tensor(fields.drawn), process_inputs(fields.soil, fields.year), state);
  const Fluxes plain = run(fields.drawn, fields.soil, fields.year, fields.state);
  const auto expect_same = [&](const Tensor& tensor, const std::vector<float>& series) {
    for (size_t at = 0; at < series.size(); ++at) {
      const double value = tensor.flatten()[static_cast<int64_t>(at)].item<double>();
      ASSERT_NEAR(value, series[at], 1e-6 * (1 + std::abs(value))) << at;
    }
  };
  expect_same(tensors.ra, plain.ra);
  expect_same(tensors.rh, plain.rh);
  expect_same(tensors.nee, plain.nee);
  expect_same(tensors.yield, plain.yield);
  expect_same(tensors.removed, plain.removed);
  expect_same(tensors.residue, plain.residue);
  expect_same(tensors.soil_water, plain.soil_water);
  expect_same(tensors.evapotranspiration, plain.evapotranspiration);
  expect_same(tensors.drainage, plain.drainage);
  expect_same(tensors.snow, plain.snow);
  for (size_t at = 0; at < fields.state.values.size(); ++at) {
    const double value = state.flatten()[static_cast<int64_t>(at)].item<double>();
    EXPECT_NEAR(value, fields.state.values[at], 1e-9 * (1 + std::abs(value)));
  }
}

// Every parameter of every field against central differences, all in one batch: block 2k is
// parameter k a little larger, block 2k + 1 a little smaller.
TEST(DeltaCarbonProcess, GradientsOfEveryParameterAgreeWithDifferences) {
  const FourFields fields;
  const auto count = static_cast<int64_t>(kParameters);
  const auto n = static_cast<int64_t>(FourFields::n);
  const ProcessInputs inputs = process_inputs(fields.soil, fields.year);

  const Tensor values = to_tensor(fields.drawn).requires_grad_();
  Tensor state = to_tensor(fields.state);
  const ProcessFluxes flux = run_process(values, inputs, state);
  scalar_of(flux, state).sum().backward();
  const Tensor gradient = values.grad();

  const torch::NoGradGuard no_grad;
  Tensor moved = values.detach().repeat({1, 2 * count});
  std::vector<double> steps;
  for (int64_t k = 0; k < count; ++k) {
    const Parameter& each = parameters()[static_cast<size_t>(k)];
    steps.push_back(1e-6 * (each.high - each.low));
    moved[k].slice(0, 2 * k * n, (2 * k + 1) * n) += steps.back();
    moved[k].slice(0, (2 * k + 1) * n, (2 * k + 2) * n) -= steps.back();
  }
  Tensor wide_state = to_tensor(fields.state).repeat({1, 2 * count});
  const ProcessFluxes wide = run_process(moved, repeated(inputs, 2 * count), wide_state);
  const Tensor scalar = scalar_of(wide, wide_state).view({count, 2, n});

  std::vector<bool> felt(kParameters, false);
  for (int64_t k = 0; k < count; ++k) {
    const Parameter& each = parameters()[static_cast<size_t>(k)];
    const double width = each.high - each.low;
    for (int64_t i = 0; i < n; ++i) {
      const double expected = (scalar[k][0][i] - scalar[k][1][i]).item<double>() /
                              (2 * steps[static_cast<size_t>(k)]) * width;
      const double found = gradient[k][i].item<double>() * width;
      EXPECT_NEAR(found, expected, 1e-3 + 2e-5 * std::abs(expected))
          << each.name << ", field " << i;
      if (std::abs(expected) > 0.01) felt[static_cast<size_t>(k)] = true;
      const bool of_corn = each.name.rfind("corn.", 0) == 0;
      const bool of_soybean = each.name.rfind("soybean.", 0) == 0;
      if ((of_corn && i >= 2) || (of_soybean && i < 2)) {
        EXPECT_EQ(found, 0) << each.name;
      }
    }
  }
  for (size_t k = 0; k < kParameters; ++k) EXPECT_TRUE(felt[k]) << parameters()[k].name;
}

TEST(DeltaCarbonProcess, GradientsReachPhotosynthesisAndTheStateBefore) {
  const FourFields fields;
  ProcessInputs inputs = process_inputs(fields.soil, fields.year);
  inputs.gpp.requires_grad_();
  const Tensor start = to_tensor(fields.state).requires_grad_();
  Tensor state = start;
  run_process(to_tensor(fields.drawn), inputs, state).reco.sum().backward();
  // More carbon gives more respiration: of GPP its share, and a little through the canopy's water.
  const Tensor of_gpp = inputs.gpp.grad();
  EXPECT_GT(of_gpp[180].min().item<double>(), 0.1);
  EXPECT_LT(of_gpp.max().item<double>(), 1.5);
  const Tensor of_slow = start.grad()[static_cast<int64_t>(kStates) - 1];
  EXPECT_GT(of_slow.min().item<double>(), 0);
  EXPECT_LT(of_slow.max().item<double>(), 0.2);
}

TEST(DeltaCarbonProcess, AnyNumbersBecomeParametersInTheirRange) {
  const auto count = static_cast<int64_t>(kParameters);
  const Tensor raw = torch::stack(
      {torch::full({count}, -50.0, torch::kFloat64), torch::zeros({count}, torch::kFloat64),
       torch::full({count}, 50.0, torch::kFloat64)},
      1);
  const Tensor values = parameters_in_range(raw);
  for (int64_t k = 0; k < count; ++k) {
    const Parameter& each = parameters()[static_cast<size_t>(k)];
    EXPECT_NEAR(values[k][0].item<double>(), each.low, 1e-9 * each.high);
    EXPECT_NEAR(values[k][1].item<double>(), 0.5 * (each.low + each.high), 1e-9 * each.high);
    EXPECT_NEAR(values[k][2].item<double>(), each.high, 1e-9 * each.high);
  }
}

}  // namespace
}  // namespace fluxtile::delta_carbon
