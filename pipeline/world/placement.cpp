// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/placement.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {

SourceGrid Placement::grid() const {
  SourceGrid grid;
  grid.crs = Crs::from_user_input(crs);
  grid.width = width;
  grid.height = height;
  const double geotransform[6] = {x0, cell, 0, y0, 0, -cell};
  std::copy(std::begin(geotransform), std::end(geotransform), std::begin(grid.geotransform));
  return grid;
}

Placement covering(const Box& box, double cell, double shift) {
  Placement p;
  p.crs = "EPSG:5070";
  p.cell = cell;
  p.x0 = std::floor((box.x0 - shift) / cell) * cell + shift;
  p.y0 = std::ceil((box.y1 - shift) / cell) * cell + shift;
  p.width = static_cast<int>(std::ceil((box.x1 - p.x0) / cell));
  p.height = static_cast<int>(std::ceil((p.y0 - box.y0) / cell));
  return p;
}

}  // namespace fluxtile::world
