// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/world/random.h"

namespace fluxtile::world {

/// Codes of the Cropland Data Layer that the landscape uses.
enum LandCover : int {
  corn = 1,
  soybeans = 5,
  open_water = 111,
  developed = 121,
  forest = 141,
  grass = 176
};

/// What grows at a point in a year.
struct Site {
  int code = 0;       ///< LandCover
  double vigour = 1;  ///< multiplies GPP; differs from field to field and smoothly within one
  double shift = 0;   ///< days by which the season is late
};

/// Fields, crops, a river and towns as functions of EPSG:5070 coordinates (metres). Fields are
/// quarter sections (805 m), whole or cut into halves or quarters, on a lattice turned by 1.3
/// degrees. Most fields alternate corn and soybeans from year to year. Thread-safe.
class Landscape {
 public:
  /// `x`, `y`: middle of the world; `half`: half its side, metres.
  Landscape(const Random& random, double x, double y, double half);
  [[nodiscard]] Site at(double x, double y, int year) const;
  /// Open water, or the inner part of a town: no soil map there.
  [[nodiscard]] bool without_soil(double x, double y) const;

 private:
  [[nodiscard]] double distance_to_river(double x, double y) const;
  [[nodiscard]] double towns(double x, double y) const;

  Random random_;
  Noise vigour_, river_;
  double x_, y_, half_;
};

}  // namespace fluxtile::world
