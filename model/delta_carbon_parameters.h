// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// The one list of delta-carbon's parameters and states: the table of parameters(), the structs that
// the equations read and the page docs/delta-carbon.md all follow it.

// Parameters of the plot: field, name, unit, low, high, typical, meaning.
// clang-format off
// NOLINTBEGIN(cppcoreguidelines-macro-usage,bugprone-macro-parentheses): one list, many uses
#define FLUXTILE_PLOT_PARAMETERS(X)                                                                \
  X(root_depth, "water.root_depth", "mm", 600, 1900, 1200,                                         \
    "depth of the soil that holds the bucket of water")                                            \
  X(quick_flow, "water.quick_flow", "1", 1, 8, 3,                                                  \
    "exponent of the share of rain that passes by the bucket (HBV's beta)")                        \
  X(drainage, "water.drainage", "1", 0.002, 0.3, 0.02,                                             \
    "drainage of water above field capacity, as a share of TKSat")                                 \
  X(stress_onset, "water.stress_onset", "1", 0.3, 1, 0.6,                                          \
    "share of the available water below which evapotranspiration falls (HBV's LP)")                \
  X(bare_coefficient, "water.bare_coefficient", "1", 0.15, 0.6, 0.35,                              \
    "evapotranspiration of bare soil over the potential one")                                      \
  X(canopy_coefficient, "water.canopy_coefficient", "1", 0.8, 1.3, 1.05,                           \
    "evapotranspiration of a closed canopy over the potential one")                                \
  X(canopy_carbon, "water.canopy_carbon", "gC m-2", 40, 200, 90,                                   \
    "live shoot at which the canopy covers 63 % of the ground")                                    \
  X(snow_threshold, "snow.threshold", "degC", -1.5, 2.5, 0.5,                                      \
    "daily mean temperature at which half of the precipitation is snow")                           \
  X(snow_melt, "snow.melt", "mm K-1 d-1", 1.5, 7, 3.5, "degree-day factor")                        \
  X(temperature_memory, "temperature.memory", "d", 4, 25, 10,                                      \
    "days over which the soil forgets the temperature of the air")                                 \
  X(deep_share, "temperature.deep_share", "1", 0.05, 0.5, 0.25,                                    \
    "share of the deep soil's temperature in that of bare topsoil")                                \
  X(snow_insulation, "temperature.snow_insulation", "mm", 8, 80, 25,                               \
    "snow (water) that damps the air's temperature to 37 %")                                       \
  X(maintenance_q10, "plant.maintenance_q10", "1", 1.4, 2.6, 1.9,                                  \
    "factor of maintenance respiration per 10 K")                                                  \
  X(grain_maintenance, "plant.grain_maintenance", "1", 0.03, 0.5, 0.15,                            \
    "maintenance of grain over that of root and shoot")                                            \
  X(root_turnover, "plant.root_turnover", "d-1", 0.001, 0.012, 0.004,                              \
    "fine roots that die a day in the season")                                                     \
  X(starvation, "plant.starvation", "d-1", 0.01, 0.2, 0.05,                                        \
    "shoot that dies a day where GPP pays nothing of its maintenance")                             \
  X(cover_turnover, "plant.cover_turnover", "d-1", 0.01, 0.08, 0.03,                               \
    "plants that die a day outside the crop's season")                                             \
  X(straw_carbon, "plant.straw_carbon", "g g-1", 0.4, 0.48, 0.44,                                  \
    "carbon in the dry matter of stems and leaves")                                                \
  X(metabolic_rate, "litter.metabolic_rate", "d-1", 0.006, 0.05, 0.02,                             \
    "decomposition of fast litter at 10 degC and optimum water")                                   \
  X(structural_rate, "litter.structural_rate", "d-1", 0.0007, 0.005, 0.0018,                       \
    "decomposition of structural litter")                                                          \
  X(litter_efficiency, "litter.efficiency", "1", 0.25, 0.6, 0.45,                                  \
    "share of decomposed litter that becomes fast soil carbon")                                    \
  X(fast_rate, "soil.fast_rate", "d-1", 0.0004, 0.004, 0.0012,                                     \
    "decomposition of fast soil carbon")                                                           \
  X(slow_rate, "soil.slow_rate", "d-1", 2.5e-5, 2e-4, 6.5e-5,                                      \
    "decomposition of slow soil carbon")                                                           \
  X(stabilised_share, "soil.stabilised_share", "1", 0.2, 0.7, 0.5,                                 \
    "share of decomposed fast carbon that becomes slow carbon, at 25 % clay")                      \
  X(activation, "soil.activation", "K", 180, 450, 308.56,                                          \
    "steepness of the temperature response (E0 of Lloyd and Taylor)")                              \
  X(optimum_wetness, "soil.optimum_wetness", "1", 0.3, 0.75, 0.5,                                  \
    "water over saturation, both above wilting, at which decomposition is fastest")                \
  X(dry_response, "soil.dry_response", "1", 0.05, 0.7, 0.35,                                       \
    "decomposition at the wilting point over that at the optimum")                                 \
  X(wet_response, "soil.wet_response", "1", 0.1, 0.95, 0.5,                                        \
    "decomposition at saturation over that at the optimum")

// Parameters of the crop: field, unit, corn's low, high, typical, soybean's low, high, typical,
// meaning. The name is `corn.` or `soybean.` and the field.
#define FLUXTILE_CROP_PARAMETERS(X)                                                                \
  X(planting_day, "d", 95, 150, 122, 105, 168, 139,                                                \
    "day of the year on which degree-days begin to count")                                         \
  X(base_temperature, "degC", 6, 12, 10, 6, 12, 10, "temperature at which growth begins")            \
  X(emergence_gdd, "K d", 30, 150, 70, 30, 150, 75, "degree-days from planting to emergence")      \
  X(flowering_gdd, "K d", 550, 950, 740, 400, 900, 640,                                            \
    "degree-days from planting to the start of grain filling")                                     \
  X(maturity_gdd, "K d", 1100, 1800, 1480, 1000, 1700, 1380,                                       \
    "degree-days from planting to maturity")                                                       \
  X(dry_down, "d", 5, 50, 28, 4, 35, 14, "days from maturity to harvest")                          \
  X(latest_harvest, "d", 275, 330, 306, 265, 320, 295,                                             \
    "day of the year on which the crop is harvested at the latest")                                \
  X(maintenance, "d-1", 0.006, 0.028, 0.016, 0.01, 0.044, 0.026,                                 \
    "maintenance respiration per unit of live carbon at 20 degC")                                  \
  X(growth_respiration, "1", 0.15, 0.35, 0.25, 0.18, 0.4, 0.3,                                    \
    "respired share of what is left of GPP after maintenance")                                     \
  X(root_shoot, "1", 0.1, 0.5, 0.22, 0.1, 0.55, 0.3,                                              \
    "carbon that goes to roots for each unit to shoots")                                           \
  X(grain_allocation, "1", 0.5, 0.97, 0.85, 0.45, 0.95, 0.8,                                       \
    "share of growth that goes to grain while it fills")                                           \
  X(senescence, "d-1", 0.005, 0.12, 0.035, 0.01, 0.15, 0.05,                                       \
    "shoot that dies a day as the crop ripens")                                                    \
  X(harvest_index, "1", 0.4, 0.6, 0.54, 0.28, 0.5, 0.4,                                           \
    "grain over grain, stems and leaves at harvest, dry matter")                                   \
  X(grain_carbon, "g g-1", 0.38, 0.46, 0.42, 0.46, 0.56, 0.52,                                     \
    "carbon in the dry matter of grain")                                                           \
  X(residue_removal, "1", 0, 0.6, 0.05, 0, 0.4, 0.02,                                              \
    "share of stems and leaves that leaves the field after harvest")                               \
  X(metabolic_litter, "1", 0.12, 0.55, 0.32, 0.25, 0.8, 0.5,                                       \
    "share of dead plant matter that is fast litter")

// States: field, name, unit.
#define FLUXTILE_STATES(X)                                                                         \
  X(snow, "snow", "mm")                                                                            \
  X(water, "soil_water", "mm")                                                                     \
  X(soil_temperature, "soil_temperature", "degC")                                                  \
  X(deep_temperature, "deep_temperature", "degC")                                                  \
  X(degree_days, "degree_days", "K d")                                                             \
  X(ripe_days, "ripe_days", "d")                                                                   \
  X(harvested, "harvested", "1")                                                                   \
  X(root, "root", "gC m-2")                                                                        \
  X(shoot, "shoot", "gC m-2")                                                                      \
  X(straw, "straw", "gC m-2")                                                                      \
  X(grain, "grain", "gC m-2")                                                                      \
  X(reserve, "reserve", "gC m-2")                                                                  \
  X(metabolic, "metabolic_litter", "gC m-2")                                                       \
  X(structural, "structural_litter", "gC m-2")                                                     \
  X(fast, "fast_soil_carbon", "gC m-2")                                                            \
  X(slow, "slow_soil_carbon", "gC m-2")
// clang-format on

namespace fluxtile::delta_carbon {

#define FLUXTILE_COUNT(...) +1
constexpr size_t kPlotParameters = 0 FLUXTILE_PLOT_PARAMETERS(FLUXTILE_COUNT);
constexpr size_t kCropParameters = 0 FLUXTILE_CROP_PARAMETERS(FLUXTILE_COUNT);
constexpr size_t kParameters = kPlotParameters + 2 * kCropParameters;  ///< plot, corn, soybean
constexpr size_t kStates = 0 FLUXTILE_STATES(FLUXTILE_COUNT);
#undef FLUXTILE_COUNT
// NOLINTEND(cppcoreguidelines-macro-usage,bugprone-macro-parentheses)

}  // namespace fluxtile::delta_carbon
