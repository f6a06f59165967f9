// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/delta_carbon.h"
#include "pipeline/world/random.h"
#include "pipeline/world/sites.h"
#include "pipeline/world/soil.h"
#include "pipeline/world/weather.h"

namespace fluxtile::world {

/// What the true parameters of a place may depend on.
struct ParameterPlace {
  std::string region;  ///< name of the region it lies in
  Climate climate;
  SoilProperties soil{};
};

/// The true parameters of delta-carbon at a place. Thread-safe, cheap.
///
/// In every kind of world the crop's calendar follows the climate as farmers do (planting,
/// degree-days to flowering and maturity, dry-down). Beyond that:
///  - none: typical values everywhere;
///  - explained: turnover of soil carbon, maintenance and growth respiration are smooth functions
///  of
///    clay, soil carbon and mean temperature, the same in all regions;
///  - small_jump, large_jump: each region has its own turnover of soil and litter carbon,
///  respiration
///    of plants, sensitivity to temperature, harvest index and residue removal. The seed draws
///    them. Within a region nothing differs. Small: Rh by 10 to 15 %, Ra by 5 % either way;
///    large: 2.5 times that;
///  - other_structure: as large_jump.
class TrueParameters {
 public:
  TrueParameters(const Random& random, Heterogeneity kind) : random_(random), kind_(kind) {}
  /// Values in the order of delta_carbon::parameters(), each within its range.
  [[nodiscard]] std::vector<float> at(const ParameterPlace& place) const;

 private:
  [[nodiscard]] double level(const std::string& region, int64_t group) const;

  Random random_;
  Heterogeneity kind_;
};

/// Parameters of several places as delta-carbon takes them.
delta_carbon::ParameterSet parameter_set(const TrueParameters& truth,
                                         const std::vector<ParameterPlace>& places);

/// Soils of several places as delta-carbon takes them.
delta_carbon::SoilColumn soil_column(const std::vector<SoilProperties>& soils,
                                     const std::vector<double>& latitudes);

}  // namespace fluxtile::world
