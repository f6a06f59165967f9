// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/delta_carbon.h"

namespace fluxtile::delta_carbon {

/// A year of invented weather of the Corn Belt (mean 10 degC, 900 mm) on every pixel, each with its
/// own days of rain and warm spells, and GPP of the crop: `annual_gpp` gC m-2 in a smooth season.
/// `warmer` is added to all temperatures.
Forcing synthetic_year(size_t pixels, float crop, double annual_gpp, unsigned seed,
                       double warmer = 0);

/// A silt loam with SOC 17 g kg-1 at 41 degrees north.
SoilColumn silt_loam(size_t pixels);

/// Parameters drawn evenly from their ranges.
ParameterSet drawn_parameters(size_t pixels, unsigned seed);

/// Pixel `from` alone.
ParameterSet one_pixel(const ParameterSet& all, size_t from);
SoilColumn one_pixel(const SoilColumn& all, size_t from);
Forcing one_pixel(const Forcing& all, size_t from);
State one_pixel(const State& all, size_t from);

/// Sum of a series over the days, for one pixel.
double annual(const std::vector<float>& series, size_t pixels, size_t pixel);

/// Carbon of all pools, gC m-2; water and snow, mm.
double carbon_in(const State& state, size_t pixel);
double water_in(const State& state, size_t pixel);
/// One state by its name.
double state_value(const State& state, const std::string& name, size_t pixel);

}  // namespace fluxtile::delta_carbon
