// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/delta_carbon.h"
#include "model/delta_carbon_equations.h"
#include "model/extraterrestrial.h"

// delta-carbon and its other structure over many pixels in float64, without torch.

namespace fluxtile::delta_carbon {

/// Throws Error(data) where shapes do not fit, a crop has another code, a number is not finite.
void check_plots(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing);
void check_radiation(const Forcing& forcing);
void check_state(const State& state, const Forcing& forcing);

/// One pixel with all that stays the same over a year.
struct Plot {
  PlotParameters<double> parameters{};
  PlotSoil<double> soil{};
  Parallel parallel;
};
Plot plot_of(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing,
             size_t pixel);
PlotState<double> state_of(const State& state, size_t pixel);
void keep_state(PlotState<double> of_plot, State& state, size_t pixel);

/// Carbon of the four pools that SOC counts, gC m-2.
inline double soil_carbon(const PlotState<double>& s) {
  return s.metabolic + s.structural + s.fast + s.slow;
}

/// Runs `step_day(plot, day, state)` over the days of a year for every pixel and tells
/// `after_day(d, pixel, day, before, after, fluxes)`. In blocks of pixels that fit the cache.
template <typename StepDay, typename AfterDay>
void run_plots(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing,
               State& state, const StepDay& step_day, const AfterDay& after_day) {
  constexpr size_t block = 32;
  const size_t n = forcing.pixels;
  std::vector<Plot> plots(block);
  std::vector<PlotState<double>> states(block);
  for (size_t first = 0; first < n; first += block) {
    const size_t count = std::min(block, n - first);
    for (size_t i = 0; i < count; ++i) {
      plots[i] = plot_of(parameters, soil, forcing, first + i);
      states[i] = state_of(state, first + i);
      begin_year(states[i]);
    }
    for (size_t d = 0; d < forcing.days; ++d) {
      const SolarDay sun(static_cast<double>(d + 1));
      for (size_t i = 0; i < count; ++i) {
        const size_t at = d * n + first + i;
        PlotDay<double> day{};
        day.day_of_year = static_cast<double>(d + 1);
        day.tmax = forcing.tmax[at];
        day.tmin = forcing.tmin[at];
        day.rain = forcing.rain[at];
        day.radiation = forcing.radiation.empty() ? 0.0 : forcing.radiation[at];
        day.extraterrestrial = extraterrestrial_radiation(plots[i].parallel, sun);
        day.gpp = forcing.gpp[at];
        const PlotState<double> before = states[i];
        const PlotFluxes<double> fluxes = step_day(plots[i], day, states[i]);
        after_day(d, first + i, day, before, states[i], fluxes);
      }
    }
    for (size_t i = 0; i < count; ++i) keep_state(states[i], state, first + i);
  }
}

/// run_plots() with all daily results; carbon and water are balanced every day.
template <typename StepDay>
Fluxes fluxes_of_plots(const ParameterSet& parameters, const SoilColumn& soil,
                       const Forcing& forcing, State& state, const StepDay& step_day) {
  check_plots(parameters, soil, forcing);
  check_state(state, forcing);
  Fluxes all;
  for (std::vector<float>* series :
       {&all.ra, &all.rh, &all.reco, &all.nee, &all.yield, &all.removed, &all.residue,
        &all.soil_water, &all.evapotranspiration, &all.drainage, &all.snow}) {
    series->resize(forcing.days * forcing.pixels);
  }
  all.carbon_error.assign(forcing.pixels, 0.0F);
  all.water_error.assign(forcing.pixels, 0.0F);
  run_plots(parameters, soil, forcing, state, step_day,
            [&](size_t d, size_t pixel, const PlotDay<double>& day, const PlotState<double>& before,
                const PlotState<double>& after, const PlotFluxes<double>& flux) {
              const size_t at = d * forcing.pixels + pixel;
              all.ra[at] = static_cast<float>(flux.ra);
              all.rh[at] = static_cast<float>(flux.rh);
              all.reco[at] = static_cast<float>(flux.ra + flux.rh);
              all.nee[at] = static_cast<float>(flux.ra + flux.rh - day.gpp);
              all.yield[at] = static_cast<float>(flux.yield);
              all.removed[at] = static_cast<float>(flux.removed);
              all.residue[at] = static_cast<float>(flux.residue);
              all.soil_water[at] = static_cast<float>(after.water);
              all.evapotranspiration[at] = static_cast<float>(flux.evapotranspiration);
              all.drainage[at] = static_cast<float>(flux.drainage);
              all.snow[at] = static_cast<float>(after.snow);
              const double carbon = day.gpp - flux.ra - flux.rh - flux.yield - flux.removed -
                                    (total_carbon(after) - total_carbon(before));
              const double water = day.rain - flux.evapotranspiration - flux.drainage -
                                   (total_water(after) - total_water(before));
              all.carbon_error[pixel] =
                  std::max(all.carbon_error[pixel], static_cast<float>(std::abs(carbon)));
              all.water_error[pixel] =
                  std::max(all.water_error[pixel], static_cast<float>(std::abs(water)));
            });
  return all;
}

}  // namespace fluxtile::delta_carbon
