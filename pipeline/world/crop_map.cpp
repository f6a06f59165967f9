// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/crop_map.h"

#include <limits>

namespace fluxtile::world {
namespace {

// inputs.crop.min_share of a run that says nothing else.
constexpr double kLeastShare = 0.5;

}  // namespace

Placement crop_placement(const World& world) {
  return covering(world.box, world.config.crop_cell, world.config.crop_cell / 2);
}

std::vector<uint8_t> crop_codes(const World& world, const Placement& placement, int year) {
  std::vector<uint8_t> codes;
  codes.reserve(placement.cells());
  for (int row = 0; row < placement.height; ++row) {
    for (int column = 0; column < placement.width; ++column) {
      const Point c = placement.centre(column, row);
      codes.push_back(static_cast<uint8_t>(world.landscape.at(c.x, c.y, year).code));
    }
  }
  return codes;
}

CropOfCells::CropOfCells(const World& world, const Lattice& lattice,
                         const std::vector<CellIndex>& cells)
    : world_(world),
      lattice_(lattice),
      cells_(cells),
      placement_(crop_placement(world)),
      weights_(make_weights(
          lattice, cells, placement_.grid(), Transform(),
          world.config.crop_mode == CropMode::nearest ? Resampling::nearest : Resampling::area)) {}

std::vector<std::optional<Site>> CropOfCells::in(int year) const {
  std::vector<std::optional<Site>> sites(cells_.size());
  for (size_t i = 0; i < cells_.size(); ++i) {
    const Point middle = lattice_.centre(cells_[i]);
    double corn_share = 0, soybean_share = 0;
    std::vector<std::pair<double, Site>> fields;  // squared distance from the middle
    for (auto k = static_cast<size_t>(weights_.offset[i]);
         k < static_cast<size_t>(weights_.offset[i + 1]); ++k) {
      if (weights_.weight[k] == 0) continue;
      const int64_t index = weights_.index[k];
      const Point c = placement_.centre(
          static_cast<int>(weights_.window.column + index % weights_.window.width),
          static_cast<int>(weights_.window.row + index / weights_.window.width));
      const Site site = world_.landscape.at(c.x, c.y, year);
      if (site.code != corn && site.code != soybeans) continue;
      (site.code == corn ? corn_share : soybean_share) += weights_.weight[k];
      const double dx = c.x - middle.x, dy = c.y - middle.y;
      fields.emplace_back(dx * dx + dy * dy, site);
    }
    if (fields.empty()) continue;
    if (world_.config.crop_mode == CropMode::majority && corn_share + soybean_share < kLeastShare)
      continue;
    const int code = soybean_share > corn_share ? soybeans : corn;
    double nearest = std::numeric_limits<double>::infinity();
    for (const auto& [distance, site] : fields) {
      if (site.code == code && distance < nearest) {
        nearest = distance;
        sites[i] = site;
      }
    }
  }
  return sites;
}

}  // namespace fluxtile::world
