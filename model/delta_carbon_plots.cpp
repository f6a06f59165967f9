// SPDX-License-Identifier: Apache-2.0
#include "model/delta_carbon_plots.h"

#include <string>
#include <utility>

#include "base/error.h"

namespace fluxtile::delta_carbon {
namespace {

using Series = std::pair<const char*, const std::vector<float>*>;

template <typename Value>
void check_values(const char* name, const std::vector<Value>& values, size_t rows, size_t pixels,
                  const char* of_row) {
  if (values.size() != rows * pixels) {
    throw Error(Code::data, "delta-carbon: " + std::string(name) + " has the wrong size")
        .found(std::to_string(values.size()) + " values")
        .expected(std::to_string(rows * pixels));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const Value value = values[i];
    if (std::isfinite(value)) continue;
    throw Error(Code::data, "delta-carbon: " + std::string(name) + " is not a number")
        .found(std::to_string(value) + " at " + of_row + " " + std::to_string(i / pixels) +
               ", pixel " + std::to_string(i % pixels) + " (both from 0)")
        .expected("finite values; gaps are filled before");
  }
}

}  // namespace

void check_plots(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing) {
  const size_t n = forcing.pixels;
  check_values("the parameter set", parameters.values, kParameters, n, "parameter");
  for (const Series& series : {Series{"bulk density", &soil.bulk_density},
                               {"sand", &soil.sand},
                               {"silt", &soil.silt},
                               {"field capacity", &soil.field_capacity},
                               {"wilting point", &soil.wilting_point},
                               {"Ksat", &soil.ksat},
                               {"SOC", &soil.soc},
                               {"latitude", &soil.latitude},
                               {"crop", &forcing.crop}}) {
    check_values(series.first, *series.second, 1, n, "row");
  }
  for (const Series& series : {Series{"maximum temperature", &forcing.tmax},
                               {"minimum temperature", &forcing.tmin},
                               {"precipitation", &forcing.rain},
                               {"GPP", &forcing.gpp}}) {
    check_values(series.first, *series.second, forcing.days, n, "day");
  }
  if (!forcing.radiation.empty()) check_radiation(forcing);
  for (const Series& series :
       {Series{"precipitation", &forcing.rain}, Series{"GPP", &forcing.gpp}}) {
    for (size_t i = 0; i < series.second->size(); ++i) {
      if ((*series.second)[i] >= 0) continue;
      throw Error(Code::data, "delta-carbon: " + std::string(series.first) + " is negative")
          .found(std::to_string((*series.second)[i]) + " at day " + std::to_string(i / n) +
                 ", pixel " + std::to_string(i % n) + " (both from 0)")
          .expected("0 or more");
    }
  }
  for (size_t i = 0; i < n; ++i) {
    if (forcing.crop[i] == 1.0F || forcing.crop[i] == 5.0F) continue;
    throw Error(Code::data, "delta-carbon knows no such crop")
        .found(std::to_string(forcing.crop[i]) + " at pixel " + std::to_string(i) + " (from 0)")
        .expected("1 (corn) or 5 (soybean)");
  }
}

void check_radiation(const Forcing& forcing) {
  check_values("radiation", forcing.radiation, forcing.days, forcing.pixels, "day");
}

void check_state(const State& state, const Forcing& forcing) {
  check_values("the state", state.values, kStates, forcing.pixels, "state");
}

Plot plot_of(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing,
             size_t pixel) {
  const size_t crop_list = kPlotParameters + (forcing.crop[pixel] == 1.0F ? 0 : kCropParameters);
  Plot plot;
  plot.parameters = plot_parameters<double>(
      [&](size_t i) -> double { return parameters.at(i, pixel); },
      [&](size_t i) -> double { return parameters.at(crop_list + i, pixel); });
  plot.soil = plot_soil<double>(plot.parameters, soil.bulk_density[pixel], soil.sand[pixel],
                                soil.silt[pixel], soil.field_capacity[pixel],
                                soil.wilting_point[pixel], soil.ksat[pixel]);
  plot.parallel = Parallel(soil.latitude[pixel]);
  return plot;
}

PlotState<double> state_of(const State& state, size_t pixel) {
  PlotState<double> of_plot{};
  for_each_state(of_plot,
                 [&](size_t i, double& value) { value = state.values[i * state.pixels + pixel]; });
  return of_plot;
}

void keep_state(PlotState<double> of_plot, State& state, size_t pixel) {
  for_each_state(of_plot,
                 [&](size_t i, double& value) { state.values[i * state.pixels + pixel] = value; });
}

}  // namespace fluxtile::delta_carbon
