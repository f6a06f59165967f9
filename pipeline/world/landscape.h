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

/// Crops by field as functions of EPSG:5070 coordinates (metres), the same for every world of a
/// seed. Fields are quarter sections, whole or cut into halves or quarters, on a lattice turned
/// by 1.3 degrees. Most alternate corn and soybeans from year to year. Thread-safe.
class Fields {
 public:
  /// `size`: side of a quarter section, metres.
  explicit Fields(const Random& random, double size = 804.672);
  [[nodiscard]] Site at(double x, double y, int year) const;

 private:
  Random random_;
  Noise vigour_;
  double size_;
};

/// Fields, a river and towns as functions of EPSG:5070 coordinates (metres). Thread-safe.
class Landscape {
 public:
  /// `x`, `y`: middle of the world; `half`: half its side, metres. Rivers and towns scale with it.
  Landscape(const Random& random, double x, double y, double half, double field_size = 804.672);
  /// Open country: fields, no river and no towns.
  explicit Landscape(const Random& random, double field_size = 804.672);
  [[nodiscard]] Site at(double x, double y, int year) const;
  /// Open water, or the inner part of a town: no soil map there.
  [[nodiscard]] bool without_soil(double x, double y) const;

 private:
  [[nodiscard]] double distance_to_river(double x, double y) const;
  [[nodiscard]] double towns(double x, double y) const;

  Random random_;
  Fields fields_;
  Noise river_;
  bool open_ = false;
  double x_ = 0, y_ = 0, half_ = 0;
};

}  // namespace fluxtile::world
