// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "geo/lattice.h"

namespace fluxtile {

/// "X,Y" -> a point. Throws Error(usage).
Point parse_point(const std::string& text);

struct PointList {
  std::vector<Point> points;
  bool lonlat = false;  ///< the columns are longitude and latitude
};

/// Reads points from a CSV file with a header that has columns x,y or lon,lat (longitude,latitude);
/// other columns are ignored. Throws Error(data) with the line.
PointList read_points(const std::string& path);

}  // namespace fluxtile
