// SPDX-License-Identifier: Apache-2.0
#include "model/delta_carbon_process.h"

#include <torch/nn/module.h>

namespace fluxtile::delta_carbon {
namespace {

// What the equations ask of a number. Declared before the equations, which then find them.
torch::Tensor e_to(const torch::Tensor& x) { return torch::exp(x); }
torch::Tensor power(const torch::Tensor& x, const torch::Tensor& exponent) {
  return torch::pow(x, exponent);
}
torch::Tensor root_of(const torch::Tensor& x) { return torch::sqrt(x); }
torch::Tensor at_least(const torch::Tensor& x, double bound) { return torch::clamp_min(x, bound); }
torch::Tensor at_least(const torch::Tensor& x, const torch::Tensor& bound) {
  return torch::maximum(x, bound);
}
torch::Tensor at_most(const torch::Tensor& x, double bound) { return torch::clamp_max(x, bound); }
torch::Tensor at_most(const torch::Tensor& x, const torch::Tensor& bound) {
  return torch::minimum(x, bound);
}

}  // namespace
}  // namespace fluxtile::delta_carbon

#include "model/delta_carbon_equations.h"
#include "model/delta_carbon_plots.h"

namespace fluxtile::delta_carbon {
namespace {

using torch::Tensor;

template <typename Value>
Tensor rows_of(const std::vector<Value>& values, size_t pixels) {
  const auto columns = static_cast<int64_t>(pixels);
  const auto rows = columns == 0 ? 0 : static_cast<int64_t>(values.size()) / columns;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): from_blob only reads before the copy
  return torch::from_blob(const_cast<Value*>(values.data()), {rows, columns},
                          torch::CppTypeToScalarType<Value>::value)
      .to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true);
}

Tensor row_of(const std::vector<float>& values) {
  return rows_of(values, values.size()).squeeze(0);
}

PlotParameters<Tensor> parameters_of_crop(const Tensor& parameters, const Tensor& crop) {
  const Tensor corn = crop == 1.0;
  const auto plot = static_cast<int64_t>(kPlotParameters);
  const auto crops = static_cast<int64_t>(kCropParameters);
  return plot_parameters<Tensor>([&](size_t i) { return parameters[static_cast<int64_t>(i)]; },
                                 [&](size_t i) {
                                   const int64_t row = plot + static_cast<int64_t>(i);
                                   return torch::where(corn, parameters[row],
                                                       parameters[row + crops]);
                                 });
}

}  // namespace

ProcessInputs process_inputs(const SoilColumn& soil, const Forcing& forcing) {
  check_plots(ParameterSet::typical(forcing.pixels), soil, forcing);
  ProcessInputs inputs;
  inputs.tmax = rows_of(forcing.tmax, forcing.pixels);
  inputs.tmin = rows_of(forcing.tmin, forcing.pixels);
  inputs.rain = rows_of(forcing.rain, forcing.pixels);
  inputs.gpp = rows_of(forcing.gpp, forcing.pixels);
  std::vector<double> radiation;
  radiation.reserve(forcing.days * forcing.pixels);
  for (size_t d = 0; d < forcing.days; ++d) {
    const SolarDay sun(static_cast<double>(d + 1));
    for (const float latitude : soil.latitude) {
      radiation.push_back(extraterrestrial_radiation(Parallel(latitude), sun));
    }
  }
  inputs.extraterrestrial = rows_of(radiation, forcing.pixels);
  inputs.crop = row_of(forcing.crop);
  inputs.bulk_density = row_of(soil.bulk_density);
  inputs.sand = row_of(soil.sand);
  inputs.silt = row_of(soil.silt);
  inputs.field_capacity = row_of(soil.field_capacity);
  inputs.wilting_point = row_of(soil.wilting_point);
  inputs.ksat = row_of(soil.ksat);
  return inputs;
}

Tensor to_tensor(const ParameterSet& parameters) {
  return rows_of(parameters.values, parameters.pixels);
}

Tensor to_tensor(const State& state) { return rows_of(state.values, state.pixels); }

Tensor parameters_in_range(const Tensor& raw) {
  std::vector<double> low, width;
  for (const Parameter& each : parameters()) {
    low.push_back(each.low);
    width.push_back(each.high - each.low);
  }
  const auto column = [&](const std::vector<double>& values) {
    return torch::tensor(values, torch::kFloat64).to(raw.options()).unsqueeze(1);
  };
  return column(low) + torch::sigmoid(raw) * column(width);
}

ProcessFluxes run_process(const Tensor& parameters, const ProcessInputs& inputs, Tensor& state) {
  const PlotParameters<Tensor> p = parameters_of_crop(parameters, inputs.crop);
  const PlotSoil<Tensor> soil =
      plot_soil<Tensor>(p, inputs.bulk_density, inputs.sand, inputs.silt, inputs.field_capacity,
                        inputs.wilting_point, inputs.ksat);
  PlotState<Tensor> s;
  for_each_state(s, [&](size_t i, Tensor& value) { value = state[static_cast<int64_t>(i)]; });
  begin_year(s);

  std::vector<Tensor> ra, rh, yield, removed, residue, water, evaporated, drainage, snow;
  for (int64_t d = 0; d < inputs.gpp.size(0); ++d) {
    PlotDay<Tensor> day;
    day.day_of_year = static_cast<double>(d + 1);
    day.tmax = inputs.tmax[d];
    day.tmin = inputs.tmin[d];
    day.rain = inputs.rain[d];
    day.extraterrestrial = inputs.extraterrestrial[d];
    day.gpp = inputs.gpp[d];
    const PlotFluxes<Tensor> flux = step(p, soil, day, s);
    ra.push_back(flux.ra);
    rh.push_back(flux.rh);
    yield.push_back(flux.yield);
    removed.push_back(flux.removed);
    residue.push_back(flux.residue);
    water.push_back(s.water);
    evaporated.push_back(flux.evapotranspiration);
    drainage.push_back(flux.drainage);
    snow.push_back(s.snow);
  }
  std::vector<Tensor> states;
  for_each_state(s, [&](size_t, Tensor& value) { states.push_back(value); });
  state = torch::stack(states);

  ProcessFluxes all;
  all.ra = torch::stack(ra);
  all.rh = torch::stack(rh);
  all.reco = all.ra + all.rh;
  all.nee = all.reco - inputs.gpp;
  all.yield = torch::stack(yield);
  all.removed = torch::stack(removed);
  all.residue = torch::stack(residue);
  all.soil_water = torch::stack(water);
  all.evapotranspiration = torch::stack(evaporated);
  all.drainage = torch::stack(drainage);
  all.snow = torch::stack(snow);
  return all;
}

}  // namespace fluxtile::delta_carbon
