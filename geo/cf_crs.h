// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside geo/ alone: what the attributes of a CF grid mapping say about the CRS.

#include <map>
#include <string>

#include "geo/netcdf_file.h"

namespace fluxtile {

/// A CRS as text for Crs::from_user_input, and where it came from.
struct CfCrs {
  std::string definition;  ///< empty: none found
  std::string source;      ///< for people
  std::string refused;     ///< why a grid mapping that is there cannot be used; empty otherwise
};

/// CRS of a grid-mapping variable called `name`. In this order: crs_wkt, spatial_ref and its
/// relatives, epsg_code, PROJ text, the parameters of CF-1.11 appendix F. `axis_metres`: metres per
/// unit of the projection axes, the unit CF gives false easting and northing in.
CfCrs crs_of_grid_mapping(const std::string& name,
                          const std::map<std::string, NcAttribute>& attributes, double axis_metres);

/// CRS given as loose text on a variable or the file (`crs`, `proj4`, `spatial_ref`, `epsg_code`
/// ...), as many tools write it; empty if there is none.
CfCrs crs_of_loose_attributes(const std::string& where,
                              const std::map<std::string, NcAttribute>& attributes);

}  // namespace fluxtile
