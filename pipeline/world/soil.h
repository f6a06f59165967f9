// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "pipeline/world/random.h"

namespace fluxtile::world {

/// The nine static inputs of kgml-ag-c in its order, with its units.
constexpr std::array<const char*, 9> kSoilNames = {"TBKDS", "TSAND", "TSILT", "TFC", "TWP",
                                                   "TKSat", "TSOC",  "TPH",   "TCEC"};
constexpr std::array<const char*, 9> kSoilUnits = {
    "Mg m-3", "g kg-1", "g kg-1", "m3 m-3", "m3 m-3", "mm h-1", "g kg-1", "1", "cmol kg-1"};
constexpr std::array<const char*, 9> kSoilFiles = {
    "bulk_density", "sand", "silt", "field_capacity", "wilting_point", "ksat", "soc", "ph", "cec"};
using SoilProperties = std::array<double, 9>;

/// Soil properties as functions of EPSG:5070 coordinates. Texture, organic carbon and acidity vary
/// smoothly over a kilometre to some hundred kilometres, with more carbon to the north and west of
/// the Midwest (TSOC mostly 8 to 35 g kg-1); the water constants, conductivity and bulk density
/// follow from texture and organic matter by Saxton and Rawls (2006, Soil Sci. Soc. Am. J. 70:1569,
/// table 1). Thread-safe.
class Soil {
 public:
  explicit Soil(const Random& random);
  [[nodiscard]] SoilProperties at(double x, double y) const;

 private:
  Noise texture_, organic_, local_, acidity_, regional_texture_, regional_organic_;
};

}  // namespace fluxtile::world
