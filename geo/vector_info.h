// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/crs.h"

namespace fluxtile {

struct VectorAttribute {
  std::string name, type;
  std::vector<std::string> examples;  ///< the first distinct values, at most three
  bool unique = false;                ///< every feature has a value of its own, none is empty
};

struct VectorLayer {
  std::string name, geometry;  ///< geometry: "Polygon", "Multi Polygon" ..., "None" for a table
  Crs crs;                     ///< empty: none declared
  int64_t features = 0;
  bool has_extent = false;
  double extent[4] = {0, 0, 0, 0};  ///< x min, y min, x max, y max in the layer's CRS
  std::vector<VectorAttribute> attributes;
};

struct VectorInfo {
  std::string path, driver;
  std::vector<VectorLayer> layers;
};

/// What OGR sees in a vector source. Reads every feature once (for unique attributes), without
/// geometry. Throws Error(data).
VectorInfo read_vector_info(const std::string& path);

/// Files inside an archive (.zip, .tar, .tgz) as GDAL paths, in name order; empty when `path` is no
/// archive or holds none. Throws Error(data) for one that cannot be read.
std::vector<std::string> archive_members(const std::string& path);

}  // namespace fluxtile
