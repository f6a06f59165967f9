// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace fluxtile {

/// What became of one region's tiles.
struct RegionTally {
  uint64_t tile_years_done = 0, tile_years_kept = 0, tile_years_failed = 0, tiles_failed = 0;
  uint64_t pixel_years = 0;
  int64_t cells_modelled = 0;
};

/// What became of the tiles that a graph worked on.
struct RunTally {
  uint64_t tile_years_done = 0;  ///< computed in this run
  uint64_t tile_years_kept = 0;  ///< found valid from before
  uint64_t tiles_failed = 0;
  uint64_t pixel_years = 0;  ///< cells x years that ran through the networks, spin-up included
  uint64_t pixel_days = 0;   ///< cells x days; fewer where a year was taken up in its middle
  uint64_t empty_tiles = 0;  ///< no modelled cell
  int64_t cells_inside = 0, cells_modelled = 0, without_crop = 0, without_static = 0;
  int64_t too_long_gaps = 0, without_climate = 0,
          negative_gpp = 0;                     ///< cell-years, cell-years, composite values
  std::map<std::string, double> stage_seconds;  ///< summed over threads
  double wall_seconds = 0;
  /// Days since 1970-01-01 of the results' years that ran, [first, end); none: first >= end.
  int64_t first_day = std::numeric_limits<int64_t>::max();
  int64_t end_day = std::numeric_limits<int64_t>::min();
  std::map<std::string, RegionTally> regions;  ///< by name
};

}  // namespace fluxtile
