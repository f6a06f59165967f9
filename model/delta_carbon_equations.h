// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "model/delta_carbon_parameters.h"

// The equations of delta-carbon for one day, written once for every kind of number: double (one
// pixel) and torch::Tensor (many pixels, differentiable). docs/delta-carbon.md has them with their
// sources. A kind of number brings the functions below; they must be declared before this file.

// NOLINTBEGIN(cppcoreguidelines-macro-usage): the list of parameters and states makes the structs

namespace fluxtile::delta_carbon {

inline double e_to(double x) { return std::exp(x); }
inline double power(double x, double exponent) { return std::pow(x, exponent); }
inline double root_of(double x) { return std::sqrt(x); }
inline double at_least(double x, double bound) { return std::max(x, bound); }
inline double at_most(double x, double bound) { return std::min(x, bound); }

/// Parameters of the plot and of the crop that stands on it.
template <typename Number>
struct PlotParameters {
#define FLUXTILE_FIELD(field, ...) Number field;
  FLUXTILE_PLOT_PARAMETERS(FLUXTILE_FIELD)
  FLUXTILE_CROP_PARAMETERS(FLUXTILE_FIELD)
#undef FLUXTILE_FIELD
};

/// Takes parameters from `plot(i)` and `crop(i)`, functions of a position in either list.
template <typename Number, typename Plot, typename Crop>
PlotParameters<Number> plot_parameters(const Plot& plot, const Crop& crop) {
  size_t next_plot = 0, next_crop = 0;
  return {
#define FLUXTILE_FIELD(field, ...) plot(next_plot++),
      FLUXTILE_PLOT_PARAMETERS(FLUXTILE_FIELD)
#undef FLUXTILE_FIELD
#define FLUXTILE_FIELD(field, ...) crop(next_crop++),
          FLUXTILE_CROP_PARAMETERS(FLUXTILE_FIELD)
#undef FLUXTILE_FIELD
  };
}

template <typename Number>
struct PlotState {
#define FLUXTILE_FIELD(field, ...) Number field;
  FLUXTILE_STATES(FLUXTILE_FIELD)
#undef FLUXTILE_FIELD
};

/// Calls `visit(i, member)` for every state in order.
template <typename Number, typename Visit>
void for_each_state(PlotState<Number>& state, const Visit& visit) {
  size_t next = 0;
#define FLUXTILE_FIELD(field, ...) visit(next++, state.field);
  FLUXTILE_STATES(FLUXTILE_FIELD)
#undef FLUXTILE_FIELD
}

/// What the equations need of the soil.
template <typename Number>
struct PlotSoil {
  Number available;   ///< mm of water between wilting point and field capacity
  Number saturation;  ///< mm of water between wilting point and full pores
  Number drained;     ///< share of the water above field capacity that drains a day
  Number stabilised;  ///< share of decomposed fast carbon that becomes slow carbon
};

/// One day's weather and photosynthesis.
template <typename Number>
struct PlotDay {
  double day_of_year;       ///< 1 on 1 January
  Number tmax, tmin;        ///< degC
  Number rain;              ///< mm
  Number radiation;         ///< MJ m-2; for the other structure
  Number extraterrestrial;  ///< MJ m-2
  Number gpp;               ///< gC m-2
};

/// One day's results.
template <typename Number>
struct PlotFluxes {
  Number ra, rh;                                            // gC m-2
  Number yield, removed, residue;                           // gC m-2
  Number evapotranspiration, drainage;                      // mm
  Number metabolic_input, structural_input, rate_modifier;  // for equilibrium()
};

template <typename Number>
Number logistic(const Number& x) {
  return 1.0 / (1.0 + e_to(-x));
}

/// Of something that decays at `rate` (d-1), the share that goes in a day.
template <typename Number>
Number daily_share(const Number& rate) {
  return 1.0 - e_to(-rate);
}

template <typename Number>
Number total_carbon(const PlotState<Number>& s) {
  return s.root + s.shoot + s.straw + s.grain + s.reserve + s.metabolic + s.structural + s.fast +
         s.slow;
}

template <typename Number>
Number total_water(const PlotState<Number>& s) {
  return s.snow + s.water;
}

/// Soil as the equations see it: volumes over the rooting depth, Ksat as a rate of drainage, clay
/// as protection of carbon (the form of RothC's ratio of CO2 to stabilised carbon, 1 at 25 % clay).
template <typename Number>
PlotSoil<Number> plot_soil(const PlotParameters<Number>& p, const Number& bulk_density,
                           const Number& sand, const Number& silt, const Number& field_capacity,
                           const Number& wilting_point, const Number& ksat) {
  constexpr double mineral_density = 2.65, least = 0.02;  // Mg m-3, m3 m-3
  const Number available = at_least(field_capacity - wilting_point, least);
  const Number pores = 1.0 - bulk_density / mineral_density;
  const Number drainable = at_least(pores - wilting_point - available, least);
  const Number clay = at_least(1.0 - (sand + silt) / 1000.0, 0.0);
  const Number respired_ratio = 1.67 * (1.85 + 1.6 * e_to(-7.86 * clay));
  const double ratio_at_25 = 1.67 * (1.85 + 1.6 * std::exp(-7.86 * 0.25));
  PlotSoil<Number> soil{};
  soil.available = available * p.root_depth;
  soil.saturation = (available + drainable) * p.root_depth;
  soil.drained = daily_share(p.drainage * 24.0 * ksat / (drainable * p.root_depth));
  soil.stabilised = p.stabilised_share * (1.0 + ratio_at_25) / (1.0 + respired_ratio);
  return soil;
}

/// Potential evapotranspiration after Hargreaves and Samani, mm d-1.
template <typename Number>
Number hargreaves(const PlotDay<Number>& day, const Number& temperature) {
  constexpr double water_of_energy = 0.408;  // mm of water that 1 MJ m-2 evaporates
  return 0.0023 * water_of_energy * day.extraterrestrial * at_least(temperature + 17.8, 0.0) *
         root_of(at_least(day.tmax - day.tmin, 0.1));
}

/// Snow by degree-days, then HBV's soil routine: part of the water passes by, more so when the soil
/// is wet; what the pores cannot hold runs off; water above field capacity drains; the canopy and
/// the soil evaporate. Sets evapotranspiration and drainage.
template <typename Number>
void step_water(const PlotParameters<Number>& p, const PlotSoil<Number>& soil,
                const PlotDay<Number>& day, const Number& temperature, const Number& potential,
                PlotState<Number>& s, PlotFluxes<Number>& flux) {
  // Within 1 K of the threshold rain and snow are mixed.
  const Number snow_share =
      at_most(at_least(0.5 * (p.snow_threshold + 1.0 - temperature), 0.0), 1.0);
  const Number snowfall = day.rain * snow_share;
  const Number degrees = at_least(temperature - p.snow_threshold, 0.0);
  const Number melt = at_most(p.snow_melt * degrees, s.snow + snowfall);
  s.snow = s.snow + snowfall - melt;

  const Number liquid = day.rain - snowfall + melt;
  const Number quick = liquid * power(at_most(s.water / soil.saturation, 1.0), p.quick_flow);
  s.water = s.water + liquid - quick;
  const Number excess = at_least(s.water - soil.saturation, 0.0);
  s.water = s.water - excess;
  const Number drained = soil.drained * at_least(s.water - soil.available, 0.0);
  s.water = s.water - drained;
  flux.drainage = quick + excess + drained;

  const Number canopy = 1.0 - e_to(-s.shoot / p.canopy_carbon);
  const Number coefficient =
      p.bare_coefficient + (p.canopy_coefficient - p.bare_coefficient) * canopy;
  const Number supply = at_most(s.water / (p.stress_onset * soil.available), 1.0);
  flux.evapotranspiration = at_most(coefficient * potential * supply, s.water);
  s.water = s.water - flux.evapotranspiration;
}

/// Topsoil follows the air with a memory of some days and is drawn to the deep soil, more so under
/// snow; the deep soil is the mean of the air over a year.
template <typename Number>
void step_soil_temperature(const PlotParameters<Number>& p, const Number& temperature,
                           PlotState<Number>& s) {
  s.deep_temperature = s.deep_temperature + (temperature - s.deep_temperature) / 365.0;
  const Number air_share = (1.0 - p.deep_share) * e_to(-s.snow / p.snow_insulation);
  const Number target = s.deep_temperature + air_share * (temperature - s.deep_temperature);
  s.soil_temperature =
      s.soil_temperature + daily_share(1.0 / p.temperature_memory) * (target - s.soil_temperature);
}

/// Where the crop is in its life, each from 0 to 1.
template <typename Number>
struct Phase {
  Number season;     ///< emerged and not harvested
  Number filling;    ///< grain fills
  Number ripening;   ///< leaves die
  Number harvested;  ///< of what stands, the share that is harvested today
};

/// Degree-days since planting lead through emergence, grain filling, ripening and maturity. Harvest
/// comes some days after maturity, at a fixed day at the latest; one that falls within a day is
/// spread over two, so that it moves smoothly with the parameters.
template <typename Number>
Phase<Number> step_development(const PlotParameters<Number>& p, const PlotDay<Number>& day,
                               const Number& temperature, PlotState<Number>& s) {
  constexpr double hottest = 30;  // degC; more heat brings no faster growth
  const Number planted = logistic((day.day_of_year - p.planting_day) / 2.0);
  s.degree_days =
      s.degree_days + planted * at_least(at_most(temperature, hottest) - p.base_temperature, 0.0);
  s.ripe_days = s.ripe_days + logistic((s.degree_days - p.maturity_gdd) / 20.0);
  const Number by_ripeness = s.ripe_days - p.dry_down;
  const Number by_date = day.day_of_year + 1.0 - p.latest_harvest;
  const Number before = s.harvested;
  s.harvested = at_least(at_most(at_least(by_ripeness, by_date), 1.0), before);

  Phase<Number> phase{};
  phase.harvested = (s.harvested - before) / at_least(1.0 - before, 1e-6);
  phase.season = logistic((s.degree_days - p.emergence_gdd) / 15.0) * (1.0 - before);
  phase.filling = logistic((s.degree_days - p.flowering_gdd) / 40.0) * (1.0 - before);
  const Number filled = (s.degree_days - p.flowering_gdd) / (p.maturity_gdd - p.flowering_gdd);
  phase.ripening = logistic((filled - 0.75) / 0.08);
  return phase;
}

/// Respiration and growth. Every part pays its own maintenance; a share of what GPP leaves after
/// maintenance is respired in growth; the rest of GPP is allocated by phase. Sets ra.
template <typename Number>
void step_plant(const PlotParameters<Number>& p, const PlotDay<Number>& day,
                const Number& temperature, const Phase<Number>& phase, PlotState<Number>& s,
                PlotFluxes<Number>& flux) {
  const Number warmth = power(p.maintenance_q10, (temperature - 20.0) / 10.0);
  const Number paid = at_most(p.maintenance * warmth, 0.5);
  const Number maintenance = paid * (s.root + s.shoot + p.grain_maintenance * s.grain);
  const Number growth_respiration = p.growth_respiration * at_least(day.gpp - maintenance, 0.0);
  flux.ra = maintenance + growth_respiration;

  const Number gain = day.gpp - growth_respiration;
  const Number to_grain = gain * p.grain_allocation * phase.filling;
  const Number to_root = (gain - to_grain) * p.root_shoot / (1.0 + p.root_shoot);
  const Number to_shoot = gain - to_grain - to_root;
  const Number hunger = at_least(maintenance - day.gpp, 0.0) / (maintenance + 0.01);
  s.root = s.root - paid * s.root + to_root;
  s.shoot = s.shoot - paid * s.shoot + to_shoot;
  s.grain = s.grain - paid * p.grain_maintenance * s.grain + to_grain;

  const Number dying = s.shoot * daily_share(p.senescence * phase.ripening + p.starvation * hunger);
  s.shoot = s.shoot - dying;
  s.straw = s.straw + dying;
}

/// Death outside the season, of fine roots in the season, and the harvest: grain leaves the field
/// by the harvest index, stems and leaves by the removed share. Returns what becomes litter.
template <typename Number>
Number step_harvest(const PlotParameters<Number>& p, const Phase<Number>& phase,
                    PlotState<Number>& s, PlotFluxes<Number>& flux) {
  const Number off_season = p.cover_turnover * (1.0 - phase.season);
  const Number above_share = daily_share(off_season);
  const Number root_share = daily_share(off_season + p.root_turnover * phase.season);
  const Number fallen = above_share * (s.shoot + s.straw + s.grain) + root_share * s.root;
  s.root = s.root - root_share * s.root;

  // The harvest index is of dry matter; grain and straw differ in carbon.
  const Number grain_part = p.harvest_index * p.grain_carbon;
  const Number straw_part = (1.0 - p.harvest_index) * p.straw_carbon;
  const Number kept = 1.0 - above_share;
  const Number cut = phase.harvested * kept * (s.shoot + s.straw + s.grain);
  flux.yield = cut * grain_part / (grain_part + straw_part);
  flux.removed = p.residue_removal * (cut - flux.yield);
  flux.residue = cut - flux.yield - flux.removed + phase.harvested * s.root;
  const Number stays = kept * (1.0 - phase.harvested);
  s.shoot = s.shoot * stays;
  s.straw = s.straw * stays;
  s.grain = s.grain * stays;
  s.root = s.root - phase.harvested * s.root;
  return fallen + flux.residue;
}

/// Warmth after Lloyd and Taylor (1 at 10 degC), times water: a curve that falls on both sides of
/// an optimum.
template <typename Number>
Number decomposition_modifier(const PlotParameters<Number>& p, const PlotSoil<Number>& soil,
                              const PlotState<Number>& s) {
  constexpr double coldest = -35;  // degC; the response has a pole at -46.02
  const Number warmth =
      e_to(p.activation * (1.0 / 56.02 - 1.0 / (at_least(s.soil_temperature, coldest) + 46.02)));
  const Number wetness = at_most(s.water / soil.saturation, 1.0);
  const Number too_dry = at_least(p.optimum_wetness - wetness, 0.0) / p.optimum_wetness;
  const Number too_wet = at_least(wetness - p.optimum_wetness, 0.0) / (1.0 - p.optimum_wetness);
  return warmth * (1.0 - (1.0 - p.dry_response) * too_dry * too_dry -
                   (1.0 - p.wet_response) * too_wet * too_wet);
}

/// Litter becomes CO2 and fast soil carbon, fast carbon CO2 and slow carbon, slow carbon CO2. Sets
/// rh and what equilibrium() needs.
template <typename Number>
void step_soil_carbon(const PlotParameters<Number>& p, const PlotSoil<Number>& soil,
                      const Number& litter, PlotState<Number>& s, PlotFluxes<Number>& flux) {
  flux.rate_modifier = decomposition_modifier(p, soil, s);
  flux.metabolic_input = p.metabolic_litter * litter;
  flux.structural_input = litter - flux.metabolic_input;
  const Number metabolic = s.metabolic * daily_share(p.metabolic_rate * flux.rate_modifier);
  const Number structural = s.structural * daily_share(p.structural_rate * flux.rate_modifier);
  const Number fast = s.fast * daily_share(p.fast_rate * flux.rate_modifier);
  const Number slow = s.slow * daily_share(p.slow_rate * flux.rate_modifier);
  const Number to_fast = p.litter_efficiency * (metabolic + structural);
  const Number to_slow = soil.stabilised * fast;
  s.metabolic = s.metabolic - metabolic + flux.metabolic_input;
  s.structural = s.structural - structural + flux.structural_input;
  s.fast = s.fast - fast + to_fast;
  s.slow = s.slow - slow + to_slow;
  flux.rh = metabolic + structural - to_fast + fast - to_slow + slow;
}

/// One day.
template <typename Number>
PlotFluxes<Number> step(const PlotParameters<Number>& p, const PlotSoil<Number>& soil,
                        const PlotDay<Number>& day, PlotState<Number>& s) {
  PlotFluxes<Number> flux{};
  const Number temperature = 0.5 * (day.tmax + day.tmin);
  step_water(p, soil, day, temperature, hargreaves(day, temperature), s, flux);
  step_soil_temperature(p, temperature, s);
  const Phase<Number> phase = step_development(p, day, temperature, s);
  step_plant(p, day, temperature, phase, s, flux);
  const Number litter = step_harvest(p, phase, s, flux);
  step_soil_carbon(p, soil, litter, s, flux);
  return flux;
}

/// A new year: the crop has not been planted.
template <typename Number>
void begin_year(PlotState<Number>& s) {
  s.degree_days = 0.0 * s.degree_days;
  s.ripe_days = 0.0 * s.ripe_days;
  s.harvested = 0.0 * s.harvested;
}

}  // namespace fluxtile::delta_carbon

// NOLINTEND(cppcoreguidelines-macro-usage)
