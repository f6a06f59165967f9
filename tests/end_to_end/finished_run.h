// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "workplace.h"

namespace fluxtile::end_to_end {

/// Two regions with a model each, one year and one of spin-up, in nine tiles.
inline const Words two_regions = {"--set", "region.select=[North, South]", "--threads", "2"};
inline constexpr int north_tiles = 5, south_tiles = 4, all_tiles = north_tiles + south_tiles;

/// Tests of what commands do to an output folder that a run has filled.
class FinishedRun : public Workplace {
 protected:
  /// World and outputs, to be copied and changed. Made once a process.
  static const fs::path& finished();
  /// Its products.
  static const Contents& reference();
  /// A copy of the finished run in this test's folder. Times of change are kept, so nothing has
  /// changed yet but the paths.
  void take_finished() const;

  [[nodiscard]] fs::path world() const { return folder() / "w"; }
  [[nodiscard]] fs::path out() const { return folder() / "w" / "out"; }

  /// The words of a command on world() and out().
  [[nodiscard]] Words verb(const std::string& name, const Words& more = {}) const;
};

}  // namespace fluxtile::end_to_end
