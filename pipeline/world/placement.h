// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "geo/resample.h"
#include "pipeline/world/world.h"

namespace fluxtile::world {

/// Where a raster's cells lie: upper-left corner, square cells, north up.
struct Placement {
  std::string crs;  ///< what OGRSpatialReference::SetFromUserInput understands
  double x0 = 0, y0 = 0, cell = 0;
  int width = 0, height = 0;

  [[nodiscard]] Point centre(int column, int row) const noexcept {
    return {x0 + (column + 0.5) * cell, y0 - (row + 0.5) * cell};
  }
  [[nodiscard]] size_t cells() const noexcept {
    return static_cast<size_t>(width) * static_cast<size_t>(height);
  }
  /// The same lattice as a source of resampling.
  [[nodiscard]] SourceGrid grid() const;
};

/// Cells of EPSG:5070 that cover a box, edges at `shift` modulo `cell`, metres.
Placement covering(const Box& box, double cell, double shift);

}  // namespace fluxtile::world
