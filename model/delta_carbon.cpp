// SPDX-License-Identifier: Apache-2.0
#include "model/delta_carbon.h"

#include "base/error.h"
#include "model/delta_carbon_plots.h"

namespace fluxtile::delta_carbon {
namespace {

constexpr auto step_day = [](const Plot& plot, const PlotDay<double>& day,
                             PlotState<double>& state) {
  return step(plot.parameters, plot.soil, day, state);
};

constexpr double kSocDepth = 0.3;  // m

double soc_mass(const SoilColumn& soil, size_t pixel) {  // gC m-2
  return 1000.0 * soil.soc[pixel] * soil.bulk_density[pixel] * kSocDepth;
}

// Sums over days of what decides the equilibrium of a pixel.
struct Turnover {
  double metabolic_input = 0, structural_input = 0, rate_modifier = 0;
};

// Runs all years one after another; adds to `sums` unless it is null.
void run_years(const ParameterSet& parameters, const SoilColumn& soil,
               const std::vector<Forcing>& years, State& state, std::vector<Turnover>* sums) {
  for (const Forcing& year : years) {
    run_plots(parameters, soil, year, state, step_day,
              [&](size_t, size_t pixel, const PlotDay<double>&, const PlotState<double>&,
                  const PlotState<double>&, const PlotFluxes<double>& flux) {
                if (sums == nullptr) return;
                Turnover& sum = (*sums)[pixel];
                sum.metabolic_input += flux.metabolic_input;
                sum.structural_input += flux.structural_input;
                sum.rate_modifier += flux.rate_modifier;
              });
  }
}

// Before anything is known: an empty plot, moist, at the mean temperature.
State bare_state(const ParameterSet& parameters, const SoilColumn& soil,
                 const std::vector<Forcing>& years) {
  const size_t n = years[0].pixels;
  State state{n, std::vector<double>(kStates * n, 0.0)};
  for (size_t pixel = 0; pixel < n; ++pixel) {
    double temperature = 0;
    size_t days = 0;
    for (const Forcing& year : years) {
      for (size_t d = 0; d < year.days; ++d) {
        temperature += 0.5 * (year.tmax[d * n + pixel] + year.tmin[d * n + pixel]);
      }
      days += year.days;
    }
    PlotState<double> s = state_of(state, pixel);
    s.water = 0.8 * plot_of(parameters, soil, years[0], pixel).soil.available;
    s.deep_temperature = temperature / static_cast<double>(days);
    keep_state(s, state, pixel);
  }
  return state;
}

// The four pools in balance with the years, in phase with the season; slow carbon at its own
// equilibrium.
State balanced_state(const ParameterSet& parameters, const SoilColumn& soil,
                     const std::vector<Forcing>& years) {
  if (years.empty() || years[0].days == 0) {
    throw Error(Code::data, "delta-carbon: no year to find an equilibrium for");
  }
  size_t days = 0;
  for (const Forcing& year : years) {
    check_plots(parameters, soil, year);
    if (year.pixels != years[0].pixels) {
      throw Error(Code::data, "delta-carbon: years differ in their number of pixels");
    }
    days += year.days;
  }
  State state = bare_state(parameters, soil, years);
  std::vector<Turnover> sums(state.pixels);
  run_years(parameters, soil, years, state, &sums);
  std::vector<double> slow(state.pixels);
  for (size_t pixel = 0; pixel < state.pixels; ++pixel) {
    // The crop's parameters hardly matter here: pools and rates are the plot's.
    const Plot plot = plot_of(parameters, soil, years[0], pixel);
    const PlotParameters<double>& p = plot.parameters;
    const double mean = 1.0 / static_cast<double>(days);
    const double metabolic_input = sums[pixel].metabolic_input * mean;
    const double structural_input = sums[pixel].structural_input * mean;
    const double modifier = sums[pixel].rate_modifier * mean;
    const double to_fast = p.litter_efficiency * (metabolic_input + structural_input);
    PlotState<double> s = state_of(state, pixel);
    s.metabolic = metabolic_input / (p.metabolic_rate * modifier);
    s.structural = structural_input / (p.structural_rate * modifier);
    s.fast = to_fast / (p.fast_rate * modifier);
    slow[pixel] = plot.soil.stabilised * to_fast / (p.slow_rate * modifier);
    s.slow = slow[pixel];
    keep_state(s, state, pixel);
  }
  run_years(parameters, soil, years, state, nullptr);
  for (size_t pixel = 0; pixel < state.pixels; ++pixel) {
    PlotState<double> s = state_of(state, pixel);
    s.slow = slow[pixel];
    keep_state(s, state, pixel);
  }
  return state;
}

}  // namespace

State equilibrium(const ParameterSet& parameters, const SoilColumn& soil,
                  const std::vector<Forcing>& years) {
  State state = balanced_state(parameters, soil, years);
  for (size_t pixel = 0; pixel < state.pixels; ++pixel) {
    PlotState<double> s = state_of(state, pixel);
    const double wanted = soc_mass(soil, pixel);
    const double active = s.metabolic + s.structural + s.fast;
    const double scale = active > 0.5 * wanted ? 0.5 * wanted / active : 1.0;
    s.metabolic *= scale;
    s.structural *= scale;
    s.fast *= scale;
    s.slow = wanted - scale * active;
    keep_state(s, state, pixel);
  }
  return state;
}

State equilibrium(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& year) {
  return equilibrium(parameters, soil, std::vector<Forcing>{year});
}

std::vector<float> equilibrium_soc(const ParameterSet& parameters, const SoilColumn& soil,
                                   const std::vector<Forcing>& years) {
  const State state = balanced_state(parameters, soil, years);
  std::vector<float> soc(state.pixels);
  for (size_t pixel = 0; pixel < state.pixels; ++pixel) {
    soc[pixel] = static_cast<float>(soil_carbon(state_of(state, pixel)) /
                                    (1000.0 * soil.bulk_density[pixel] * kSocDepth));
  }
  return soc;
}

Fluxes run(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing,
           State& state) {
  return fluxes_of_plots(parameters, soil, forcing, state, step_day);
}

}  // namespace fluxtile::delta_carbon
