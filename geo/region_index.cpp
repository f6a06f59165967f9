// SPDX-License-Identifier: Apache-2.0
// Which lattice cells lie inside a region.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/error.h"
#include "geo/region.h"

namespace fluxtile {
namespace {

/// An edge from its lower to its upper end: the same numbers whichever of two neighbouring polygons
/// it is taken from, so that both see a point on the same side.
struct Edge {
  double x0, y0, x1, y1;

  /// Whether a ray from `p` to the right crosses the edge. Half-open in y: a vertex counts for the
  /// edge above it alone.
  [[nodiscard]] bool crosses(Point p) const noexcept {
    if (p.y < y0 || p.y >= y1) return false;
    return (x1 - x0) * (p.y - y0) > (p.x - x0) * (y1 - y0);
  }
};

constexpr double most_pieces = 100000;  // of one edge

/// Calls `visit(x, y)` for the vertices of an edge cut into pieces so that consecutive points are
/// at most `max_step` lattice units apart (as far as one halving pass after another tells); the
/// first vertex is left out.
template <typename Visit>
void walk_edge(Point a, Point b, Point lattice_a, Point lattice_b, const Transform& to_region,
               double max_step, const Visit& visit) {
  const double distance = std::hypot(lattice_b.x - lattice_a.x, lattice_b.y - lattice_a.y);
  if (std::isfinite(distance) && distance > max_step) {
    const auto pieces = static_cast<size_t>(std::min(most_pieces, std::ceil(distance / max_step)));
    std::vector<double> x(pieces - 1), y(pieces - 1);
    for (size_t i = 1; i < pieces; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(pieces);
      x[i - 1] = a.x + t * (b.x - a.x);
      y[i - 1] = a.y + t * (b.y - a.y);
    }
    to_region.inverse(x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i)
      if (std::isfinite(x[i]) && std::isfinite(y[i])) visit(Point{x[i], y[i]});
  }
  if (std::isfinite(lattice_b.x) && std::isfinite(lattice_b.y)) visit(lattice_b);
}

}  // namespace

struct RegionIndex::Edges {
  double bottom = HUGE_VAL, top = -HUGE_VAL, left = HUGE_VAL, right = -HUGE_VAL;
  double bucket_height = 1;
  std::vector<Edge> edges;    ///< sorted into buckets; an edge stands in each it spans
  std::vector<size_t> first;  ///< bucket b holds edges[first[b]] .. edges[first[b + 1] - 1]

  [[nodiscard]] size_t bucket(double y) const noexcept {
    const double at = (y - bottom) / bucket_height;
    return std::min(static_cast<size_t>(std::max(0.0, at)), first.size() - 2);
  }
};

RegionIndex::RegionIndex(const Region& region) : edges_(std::make_unique<Edges>()) {
  Edges& index = *edges_;
  std::vector<Edge> all;
  double climb = 0;
  for (const auto& ring : region.rings) {
    for (size_t i = 0; i + 1 < ring.size(); ++i) {
      const Point &a = ring[i], &b = ring[i + 1];
      if (!std::isfinite(a.x) || !std::isfinite(a.y))
        throw Error(Code::data, "a region's outline has a coordinate that is not a number")
            .found(region.name);
      index.bottom = std::min(index.bottom, a.y);
      index.top = std::max(index.top, a.y);
      index.left = std::min(index.left, a.x);
      index.right = std::max(index.right, a.x);
      if (a.y == b.y) continue;
      all.push_back(a.y < b.y ? Edge{a.x, a.y, b.x, b.y} : Edge{b.x, b.y, a.x, a.y});
      climb += std::abs(a.y - b.y);
    }
  }
  // As many buckets as keep the number of entries at a few per edge.
  const double height = index.top - index.bottom;
  size_t buckets = 1;
  const double wanted = 4 * static_cast<double>(all.size()) * (height / climb);
  if (wanted > 1) buckets = static_cast<size_t>(std::min(wanted, 65536.0));  // not where it is NaN
  index.bucket_height = height > 0 ? height / static_cast<double>(buckets) : 1;
  index.first.assign(buckets + 1, 0);
  for (const Edge& edge : all)
    for (size_t b = index.bucket(edge.y0); b <= index.bucket(edge.y1); ++b) ++index.first[b + 1];
  for (size_t b = 0; b < buckets; ++b) index.first[b + 1] += index.first[b];
  index.edges.resize(index.first.back());
  std::vector<size_t> next(index.first.begin(), index.first.end() - 1);
  for (const Edge& edge : all)
    for (size_t b = index.bucket(edge.y0); b <= index.bucket(edge.y1); ++b)
      index.edges[next[b]++] = edge;
}

RegionIndex::~RegionIndex() = default;
RegionIndex::RegionIndex(RegionIndex&&) noexcept = default;

bool RegionIndex::contains(Point p) const {
  const Edges& index = *edges_;
  if (!(p.y >= index.bottom && p.y < index.top && p.x >= index.left && p.x <= index.right))
    return false;
  const size_t b = index.bucket(p.y);
  bool inside = false;
  for (size_t i = index.first[b]; i < index.first[b + 1]; ++i)
    if (index.edges[i].crosses(p)) inside = !inside;
  return inside;
}

std::vector<CellIndex> cells_inside(const Lattice& lattice, const CellWindow& window,
                                    const RegionIndex& region, const Transform& to_region) {
  std::vector<CellIndex> inside;
  if (window.empty()) return inside;
  constexpr int64_t block = 8192;
  std::vector<double> x, y;
  for (int64_t row = window.row; row < window.row + window.height; ++row) {
    for (int64_t first = window.column; first < window.column + window.width; first += block) {
      const int64_t count = std::min(block, window.column + window.width - first);
      x.resize(static_cast<size_t>(count));
      y.resize(static_cast<size_t>(count));
      for (int64_t i = 0; i < count; ++i) {
        const Point centre = lattice.centre({first + i, row});
        x[static_cast<size_t>(i)] = centre.x;
        y[static_cast<size_t>(i)] = centre.y;
      }
      to_region.forward(x.data(), y.data(), x.size());
      for (int64_t i = 0; i < count; ++i)
        if (region.contains({x[static_cast<size_t>(i)], y[static_cast<size_t>(i)]}))
          inside.push_back({first + i, row});
    }
  }
  return inside;
}

namespace {

/// Cells, and a side of them, that a run can count and a GeoTIFF can hold.
constexpr double most_cells = 5e10, longest_side = 2147483647;
constexpr double most_pieces_of_outline = 2e7;

/// A ring's corners in the CRS of the lattice: x and y; not finite where they cannot be
/// transformed.
std::pair<std::vector<double>, std::vector<double>> corners_on_lattice(
    const std::vector<Point>& ring, const Transform& to_region) {
  std::vector<double> x(ring.size()), y(ring.size());
  for (size_t i = 0; i < ring.size(); ++i) {
    x[i] = ring[i].x;
    y[i] = ring[i].y;
  }
  to_region.inverse(x.data(), y.data(), x.size());
  return {std::move(x), std::move(y)};
}

/// Throws before anything of the region's size is made: a box of too many cells, an outline that is
/// cut into too many pieces of `max_step`.
void require_countable(const Lattice& lattice, const Region& region, const Transform& to_region,
                       double max_step) {
  Point low{HUGE_VAL, HUGE_VAL}, high{-HUGE_VAL, -HUGE_VAL};
  double pieces = 0;
  for (const auto& ring : region.rings) {
    const auto [x, y] = corners_on_lattice(ring, to_region);
    for (size_t i = 0; i < x.size(); ++i) {
      if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
      low = {std::min(low.x, x[i]), std::min(low.y, y[i])};
      high = {std::max(high.x, x[i]), std::max(high.y, y[i])};
      if (i == 0 || !std::isfinite(x[i - 1]) || !std::isfinite(y[i - 1])) continue;
      pieces += 1 + std::min(most_pieces, std::hypot(x[i] - x[i - 1], y[i] - y[i - 1]) / max_step);
    }
  }
  if (!(low.x <= high.x)) return;
  const double width = (high.x - low.x) / lattice.resolution,
               height = (high.y - low.y) / lattice.resolution;
  const double reach =
      std::max({std::abs(low.x - lattice.origin_x), std::abs(high.x - lattice.origin_x),
                std::abs(low.y - lattice.origin_y), std::abs(high.y - lattice.origin_y)}) /
      lattice.resolution;
  if (width < longest_side && height < longest_side && width * height <= most_cells &&
      reach < 0x1p50 && pieces <= most_pieces_of_outline)
    return;
  std::array<char, 120> found{};
  std::snprintf(found.data(), found.size(), "%.3g x %.3g cells", width, height);
  throw Error(Code::data, "region " + region.name + " has too many cells on this grid")
      .found(found.data())
      .expected("at most 5e10 cells in the region's box")
      .hint("choose a coarser grid.resolution, or mend the region's outline");
}

}  // namespace

CellWindow region_window(const Lattice& lattice, const Region& region, const RegionIndex& index,
                         const Transform& to_region) {
  // The outline's box on the lattice, a little generous, then shrunk from its four sides to the
  // first line that holds a cell.
  constexpr double step_cells = 16;
  require_countable(lattice, region, to_region, step_cells * lattice.resolution);
  Point low{HUGE_VAL, HUGE_VAL}, high{-HUGE_VAL, -HUGE_VAL};
  for (const auto& ring : rings_on_lattice(region, to_region, step_cells * lattice.resolution)) {
    for (const Point& p : ring) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
  }
  if (!(low.x <= high.x)) return {};
  CellWindow box = lattice.covering(low, high);
  constexpr int64_t margin = 2;
  box = {box.column - margin, box.row - margin, box.width + 2 * margin, box.height + 2 * margin};

  const auto holds_cells = [&](const CellWindow& line) {
    return !cells_inside(lattice, line, index, to_region).empty();
  };
  const auto row = [&](int64_t r) { return CellWindow{box.column, r, box.width, 1}; };
  while (box.height > 0 && !holds_cells(row(box.row))) {
    ++box.row;
    --box.height;
  }
  while (box.height > 0 && !holds_cells(row(box.row + box.height - 1))) --box.height;
  const auto column = [&](int64_t c) { return CellWindow{c, box.row, 1, box.height}; };
  while (!box.empty() && !holds_cells(column(box.column))) {
    ++box.column;
    --box.width;
  }
  while (!box.empty() && !holds_cells(column(box.column + box.width - 1))) --box.width;
  return box.empty() ? CellWindow{} : box;
}

std::vector<std::vector<Point>> rings_on_lattice(const Region& region, const Transform& to_region,
                                                 double max_step) {
  std::vector<std::vector<Point>> rings;
  for (const auto& ring : region.rings) {
    const auto [x, y] = corners_on_lattice(ring, to_region);
    std::vector<Point> out;
    const auto keep = [&](Point p) { out.push_back(p); };
    for (size_t i = 0; i < ring.size(); ++i) {
      if (i == 0) {
        if (std::isfinite(x[0]) && std::isfinite(y[0])) keep({x[0], y[0]});
        continue;
      }
      walk_edge(ring[i - 1], ring[i], {x[i - 1], y[i - 1]}, {x[i], y[i]}, to_region, max_step,
                keep);
    }
    if (!out.empty()) rings.push_back(std::move(out));
  }
  return rings;
}

}  // namespace fluxtile
