// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "model/delta_carbon.h"
#include "model/delta_carbon_plots.h"

// A world whose carbon follows other rules than delta-carbon's: what one model family cannot fit.
// The bucket of water, the crop's calendar and the harvest are shared, since they are management
// and bookkeeping; every response of respiration, and the demand for water, is another one.

namespace fluxtile::delta_carbon {
namespace {

constexpr double kReserveDays = 10;         // how long respiration remembers photosynthesis
constexpr double kSubstrateFactor = 1.3;    // respired share of the reserve's outflow over growth's
constexpr double kMaintenanceFactor = 0.5;  // what is left to respiration of standing tissue
constexpr double kLitterFactor = 2.5;       // rate of the one litter pool over structural litter's
constexpr double kHumifiedFactor = 0.8;     // litter that becomes soil carbon over its efficiency
constexpr double kSoilFactor = 1.6;         // rate of the one soil pool over slow carbon's
constexpr double kReference = 15;           // degC of both decomposition rates

// Potential evapotranspiration after Makkink, from radiation, mm d-1.
double makkink(double celsius, double radiation) {
  constexpr double psychrometric = 0.066, latent = 2.45;  // kPa K-1, MJ kg-1
  const double saturation = 0.6108 * std::exp(17.27 * celsius / (celsius + 237.3));
  const double slope = 4098 * saturation / ((celsius + 237.3) * (celsius + 237.3));
  return 0.65 * slope / (slope + psychrometric) * std::max(radiation, 0.0) / latent;
}

// Arrhenius with the energy that gives the parameter's Q10 at 20 degC.
double arrhenius(const PlotParameters<double>& p, double celsius) {
  constexpr double reference = 293.15;  // K
  const double energy_over_gas = reference * reference * std::log(p.maintenance_q10) / 10;
  return std::exp(energy_over_gas * (1 / reference - 1 / (celsius + 273.15)));
}

// A line from the wilting point to 70 % of field capacity, then flat: wetness does no harm.
double line_in_water(const PlotParameters<double>& p, const PlotSoil<double>& soil, double water) {
  return p.dry_response + (1 - p.dry_response) * std::min(water / (0.7 * soil.available), 1.0);
}

// GPP goes through a reserve, whose outflow is partly respired: photosynthesis of past days shows
// in today's Ra. Maintenance follows today's air.
void step_reserve_and_plant(const PlotParameters<double>& p, const PlotDay<double>& day,
                            double temperature, const Phase<double>& phase, PlotState<double>& s,
                            PlotFluxes<double>& flux) {
  const double spent = (s.reserve + day.gpp) * daily_share(1 / kReserveDays);
  s.reserve += day.gpp - spent;
  const double substrate = std::min(kSubstrateFactor * p.growth_respiration, 0.9) * spent;
  const double paid = std::min(kMaintenanceFactor * p.maintenance * arrhenius(p, temperature), 0.5);
  flux.ra = substrate + paid * (s.root + s.shoot + p.grain_maintenance * s.grain);

  const double gain = spent - substrate;
  const double to_grain = gain * p.grain_allocation * phase.filling;
  const double to_root = (gain - to_grain) * p.root_shoot / (1 + p.root_shoot);
  s.root += to_root - paid * s.root;
  s.shoot += gain - to_grain - to_root - paid * s.shoot;
  s.grain += to_grain - paid * p.grain_maintenance * s.grain;
  const double dying = s.shoot * daily_share(p.senescence * phase.ripening);
  s.shoot -= dying;
  s.straw += dying;
}

// Recent litter is one pool that flares up after harvest and ploughing; soil carbon is the other.
// Both follow the air of the day by a Q10.
void step_litter_and_soil(const PlotParameters<double>& p, const PlotSoil<double>& soil,
                          double temperature, double litter, PlotState<double>& s,
                          PlotFluxes<double>& flux) {
  s.metabolic += s.structural;
  s.structural = 0;
  s.slow += s.fast;
  s.fast = 0;
  const double decades = (temperature - kReference) / 10;
  const double soil_q10 = 1 + 1.2 * p.activation / 308.56, litter_q10 = 0.8 * soil_q10;
  const double water = line_in_water(p, soil, s.water);
  const double decomposed = s.metabolic * daily_share(kLitterFactor * p.structural_rate *
                                                      std::pow(litter_q10, decades) * water);
  const double mineralised =
      s.slow * daily_share(kSoilFactor * p.slow_rate * std::pow(soil_q10, decades) * water);
  const double humified = std::min(kHumifiedFactor * p.litter_efficiency, 0.9) * decomposed;
  s.metabolic += litter - decomposed;
  s.slow += humified - mineralised;
  flux.rh = decomposed - humified + mineralised;
}

PlotFluxes<double> step_other_structure(const Plot& plot, const PlotDay<double>& day,
                                        PlotState<double>& s) {
  PlotFluxes<double> flux{};
  const double temperature = 0.5 * (day.tmax + day.tmin);
  step_water(plot.parameters, plot.soil, day, temperature, makkink(temperature, day.radiation), s,
             flux);
  step_soil_temperature(plot.parameters, temperature, s);  // no response reads it; a state it stays
  const Phase<double> phase = step_development(plot.parameters, day, temperature, s);
  step_reserve_and_plant(plot.parameters, day, temperature, phase, s, flux);
  const double litter = step_harvest(plot.parameters, phase, s, flux);
  step_litter_and_soil(plot.parameters, plot.soil, temperature, litter, s, flux);
  return flux;
}

}  // namespace

Fluxes run_other_structure(const ParameterSet& parameters, const SoilColumn& soil,
                           const Forcing& forcing, State& state) {
  check_radiation(forcing);
  return fluxes_of_plots(parameters, soil, forcing, state, step_other_structure);
}

}  // namespace fluxtile::delta_carbon
