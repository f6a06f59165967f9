// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace fluxtile::delta_carbon {

/// The daily agro-carbon process model delta-carbon (docs/delta-carbon.md): soil water and snow,
/// soil temperature, plant carbon by phase, harvest, two litter and two soil carbon pools. This
/// header needs no torch; the differentiable form is delta_carbon_process.h.

/// One parameter: its name, unit, range, value for a typical Midwest field. Crop parameters exist
/// twice, `corn.` and `soybean.`.
struct Parameter {
  std::string name, unit, meaning;
  double low = 0, high = 0, typical = 0;
};
/// All parameters, in order.
const std::vector<Parameter>& parameters();
size_t parameter(const std::string& name);  ///< its position; throws Error(data), nearest name

/// Parameters of `n` pixels: [parameter][pixel].
struct ParameterSet {
  size_t pixels = 0;
  std::vector<float> values;
  static ParameterSet typical(size_t pixels);
  [[nodiscard]] float& at(size_t parameter, size_t pixel) { return values[parameter * pixels + pixel]; }
};

/// Weather, GPP and crop of one calendar year or part of it: [day][pixel].
struct Forcing {
  size_t days = 0, pixels = 0;
  std::vector<float> tmax, tmin;  ///< degC
  std::vector<float> radiation;   ///< MJ m-2 d-1
  std::vector<float> rain;        ///< precipitation, mm d-1
  std::vector<float> gpp;         ///< gC m-2 d-1
  std::vector<float> crop;        ///< [pixel] 1 = corn, 5 = soybean
};

/// Soil of each pixel, in the units of the models' inputs (science of kgml-ag-c inputs 10 to 18).
struct SoilColumn {
  std::vector<float> bulk_density, sand, silt, field_capacity, wilting_point, ksat, soc;  ///< [pixel]
};

/// States, [state][pixel]; names and units in state_names().
struct State {
  size_t pixels = 0;
  std::vector<float> values;
};
const std::vector<std::string>& state_names();

/// Daily results, [day][pixel], positive = release; yield and residue of the days of harvest.
struct Fluxes {
  std::vector<float> ra, rh, reco, nee;                  ///< gC m-2 d-1; NEE = Reco - GPP
  std::vector<float> yield, residue;                     ///< gC m-2, 0 on other days
  std::vector<float> soil_water, evapotranspiration, drainage, snow;  ///< mm, mm d-1, mm d-1, mm
  /// GPP - Ra - Rh - yield - removed residue - change of all carbon; mm: the same for water.
  std::vector<float> carbon_error, water_error;          ///< [pixel], largest of all days
};

/// Pools at the analytic equilibrium of the mean litter input and mean rate modifiers of `forcing`
/// (whole years), scaled so that their sum matches TSOC over the top 0.3 m.
State equilibrium(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing);

/// Steps through the days of one year from 1 January; `state` is replaced. Thread-safe. Latitude is
/// needed for potential evapotranspiration and day length: [pixel], degrees.
Fluxes run(const ParameterSet& parameters, const SoilColumn& soil, const Forcing& forcing,
           const std::vector<float>& latitude, State& state);

/// A second truth with another structure (docs/delta-carbon.md): other temperature and moisture
/// responses, respiration of recent photosynthate with delay, one soil pool; `parameters` of the
/// same names are used where they exist. For the worlds whose truth the process model does not fit.
Fluxes run_other_structure(const ParameterSet& parameters, const SoilColumn& soil,
                           const Forcing& forcing, const std::vector<float>& latitude,
                           State& state);

}  // namespace fluxtile::delta_carbon
