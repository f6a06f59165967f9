// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fluxtile::delta_carbon {

/// The daily agro-carbon process model delta-carbon (docs/delta-carbon.md): soil water and snow,
/// soil temperature, plant carbon by phase, harvest, two litter and two soil carbon pools. The
/// equations stand in delta_carbon_equations.h, once for both forms. This header needs no torch;
/// the differentiable form is delta_carbon_process.h.

/// One parameter: its name, unit, range, value for a typical Midwest field. Crop parameters exist
/// twice, `corn.` and `soybean.`.
struct Parameter {
  std::string name, unit, meaning;
  double low = 0, high = 0, typical = 0;
};
/// All parameters, in order: those of the plot, corn's, soybean's.
const std::vector<Parameter>& parameters();
/// A parameter's position. Throws Error(data) with the nearest names.
size_t parameter(const std::string& name);

/// Parameters of `pixels` pixels: [parameter][pixel].
struct ParameterSet {
  size_t pixels = 0;
  std::vector<float> values;
  static ParameterSet typical(size_t pixels);
  [[nodiscard]] float& at(size_t parameter, size_t pixel) {
    return values[parameter * pixels + pixel];
  }
  [[nodiscard]] float at(size_t parameter, size_t pixel) const {
    return values[parameter * pixels + pixel];
  }
};

/// Weather, GPP and crop of one calendar year, or of its first days: [day][pixel].
struct Forcing {
  size_t days = 0, pixels = 0;
  std::vector<float> tmax, tmin;  ///< degC
  std::vector<float> radiation;   ///< MJ m-2 d-1; needed by run_other_structure() alone
  std::vector<float> rain;        ///< precipitation, mm d-1
  std::vector<float> gpp;         ///< gC m-2 d-1, 0 or more
  std::vector<float> crop;        ///< [pixel] 1 = corn, 5 = soybean
};

/// Soil and latitude of each pixel, the soil in the units of the models' inputs (inputs 10 to 18 of
/// kgml-ag-c): Mg m-3, g kg-1, g kg-1, m3 m-3, m3 m-3, mm h-1, gC kg-1; degrees north.
struct SoilColumn {
  std::vector<float> bulk_density, sand, silt, field_capacity, wilting_point, ksat,
      soc;                      ///< [pixel]
  std::vector<float> latitude;  ///< [pixel]; for the sun, and so for potential evapotranspiration
};

/// States, [state][pixel]; names and units in state_names(), state_units(). Reserve is a pool of
/// the other structure and stays as it is in run().
struct State {
  size_t pixels = 0;
  std::vector<double> values;
};
const std::vector<std::string>& state_names();
const std::vector<std::string>& state_units();

/// Daily results, [day][pixel], positive = release; yield, removed and residue are of the days of
/// harvest (one or two: a harvest may begin within a day), 0 on others.
struct Fluxes {
  std::vector<float> ra, rh, reco, nee;  ///< gC m-2 d-1; NEE = Reco - GPP
  std::vector<float> yield;              ///< gC m-2 in grain that leaves the field
  std::vector<float> removed;            ///< gC m-2 in stems and leaves that leave the field
  std::vector<float> residue;            ///< gC m-2 left on the field, with the roots
  /// mm above the wilting point, mm d-1, mm d-1 (with surface runoff), mm of water.
  std::vector<float> soil_water, evapotranspiration, drainage, snow;
  /// [pixel] largest over the days of |GPP - Ra - Rh - yield - removed - change of all carbon|,
  /// gC m-2, and the same for water, mm: rounding of float64.
  std::vector<float> carbon_error, water_error;
};

/// The state on 1 January before `years` (each a whole year, the same pixels), as if they had
/// repeated for ever: litter and fast soil carbon at the analytic equilibrium of the mean litter
/// input and the mean rate modifiers, then one pass through the years to bring all states into
/// phase with the season. Slow carbon holds what is left of SOC x bulk density x 0.3 m, so that the
/// four pools together match it. Where that leaves less than half, the other pools are scaled down.
State equilibrium(const ParameterSet& parameters, const SoilColumn& soil,
                  const std::vector<Forcing>& years);
State equilibrium(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& year);

/// SOC (gC kg-1) of each pixel at which equilibrium() would change nothing: the four pools at their
/// own equilibrium with `years`.
std::vector<float> equilibrium_soc(const ParameterSet& parameters, const SoilColumn& soil,
                                   const std::vector<Forcing>& years);

/// Steps through the days of one year from 1 January; `state` is replaced. Computes in float64;
/// pixels do not see each other. Thread-safe: callers may split pixels. Throws Error(data): shapes
/// that do not fit, a crop other than 1 and 5, a number that is not finite (with day and pixel).
Fluxes run(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing,
           State& state);

/// A second truth with another structure (docs/delta-carbon.md): other temperature and moisture
/// responses, respiration of recent photosynthate with delay, one soil pool; `parameters` of the
/// same names are used where they exist. For the worlds whose truth the process model does not fit.
/// Takes and returns the same states: slow holds the one soil pool, metabolic the recent litter.
Fluxes run_other_structure(const ParameterSet& parameters, const SoilColumn& soil,
                           const Forcing& forcing, State& state);

}  // namespace fluxtile::delta_carbon
