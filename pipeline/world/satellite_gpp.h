// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/world/random.h"

namespace fluxtile::world {

/// GPP as a satellite product would show it: 8-day means times a bias that is smooth in space (8 %,
/// 150 km, the same in all years), an error that is smooth in space and differs between composites
/// (4 %), and one of every pixel of 463 m (6 %); from March to November clouds 200 km wide hide 15
/// % of the composites. Thread-safe.
class SatelliteGpp {
 public:
  explicit SatelliteGpp(const Random& random);
  /// What the product shows of a composite's true mean; NaN under clouds. `x`, `y`: EPSG:5070.
  /// `index`: 0-based composite of the year.
  [[nodiscard]] float observed(double mean, double x, double y, int year, int index) const;

 private:
  Random random_;
  Noise bias_, smooth_, cloud_;
};

/// Mean GPP of the 46 composites of a year that begin on the 0-based days 0, 8, ..., 360; the last
/// has the days that are left. `daily`: 365 or 366 values.
std::vector<double> composite_means(const std::vector<float>& daily);

/// Daily values of consecutive years from their composites: every day has its composite's value;
/// days without one are bridged linearly between the days on either side (at the ends the nearest
/// value is held), as ingestion fills them with `fill: step`. NaN throughout where all is NaN.
/// `composites`: 46 a year, NaN = gap. `days`: 365 or 366, by year.
std::vector<float> fill_composites(const std::vector<float>& composites,
                                   const std::vector<int>& days);

}  // namespace fluxtile::world
