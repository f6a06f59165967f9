// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "geo/crs.h"
#include "geo/lattice.h"

namespace fluxtile {

/// One region's outline in the CRS of its source. Features that share the key are united; invalid
/// ones are repaired.
struct Region {
  std::string name;  ///< value of the key attribute
  /// Closed rings (first point == last), holes included: membership is the even-odd crossing rule.
  std::vector<std::vector<Point>> rings;
  std::vector<std::string> warnings;
  [[nodiscard]] std::string digest() const;  ///< xxh3-128 of the coordinates
};

struct RegionSource {
  std::string path;
  std::string layer;  ///< empty: the first layer that has `key`
  std::string key;    ///< attribute
  std::string crs;    ///< only where the source declares none
};

struct RegionSet {
  Crs crs;                      ///< of the rings
  std::vector<Region> regions;  ///< in the order selected; for `all`, in order of the key's text
};

/// Reads the selected regions (`{"all"}` = every feature). Throws Error(data): no such file, layer,
/// key (with nearest names), no CRS.
RegionSet read_regions(const RegionSource& source, const std::vector<std::string>& select);
/// Names under the key, for messages and `inspect`.
std::vector<std::string> region_names(const RegionSource& source);

/// Point-in-region test with edges in a y-index. Half-open crossing rule: a point on an edge shared
/// by two regions belongs to exactly one. Immutable, thread-safe.
class RegionIndex {
 public:
  explicit RegionIndex(const Region& region);
  ~RegionIndex();
  RegionIndex(RegionIndex&&) noexcept;
  [[nodiscard]] bool contains(Point p) const;

 private:
  struct Edges;
  std::unique_ptr<Edges> edges_;
};

/// Cells of `window` whose centre, transformed lattice -> region CRS, lies inside; row by row.
std::vector<CellIndex> cells_inside(const Lattice& lattice, const CellWindow& window,
                                    const RegionIndex& region, const Transform& to_region);

/// Tight window of the cells inside the region; empty if none. Works in strips: memory does not
/// grow with the region.
CellWindow region_window(const Lattice& lattice, const Region& region, const RegionIndex& index,
                         const Transform& to_region);

/// Rings in lattice coordinates, densified to at most `max_step` lattice units (for quicklook
/// outlines).
std::vector<std::vector<Point>> rings_on_lattice(const Region& region, const Transform& to_region,
                                                 double max_step);

}  // namespace fluxtile
