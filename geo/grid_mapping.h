// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fluxtile {

/// What other programs need to place a grid: the CRS as WKT, as an EPSG code and as CF grid mapping
/// parameters (CF-1.8, appendix F).
struct GridMapping {
  using Value = std::variant<std::string, double, std::vector<double>>;

  std::string wkt2;         ///< WKT2:2019, one line
  std::string wkt1;         ///< GDAL's WKT1, one line; WKT2 where WKT1 cannot say it
  std::string projjson;     ///< PROJJSON
  int epsg = 0;             ///< 0 = not an EPSG CRS
  bool geographic = false;  ///< coordinates are degrees
  std::string unit;         ///< UDUNITS name of the coordinate unit: "m", "degrees", ...
  double metres = 1;        ///< per coordinate unit of a projected CRS
  std::string name;         ///< CF grid_mapping_name; empty for a projection CF does not know
  std::vector<std::pair<std::string, Value>> attributes;  ///< CF parameters in a fixed order
};

/// `crs`: authority code, WKT or PROJ string. Throws Error(data) when it is not understood or its
/// coordinate unit has no UDUNITS name.
GridMapping describe_grid_mapping(const std::string& crs);

}  // namespace fluxtile
