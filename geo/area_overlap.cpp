// SPDX-License-Identifier: Apache-2.0
// Area weights: every source cell is a quadrilateral in the grid CRS and is cut by the target
// squares it touches.
#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "geo/resample.h"
#include "geo/source_cells.h"

namespace fluxtile {
namespace {

constexpr double snap = 1e-6;

struct Vertex {
  double x, y;
};
using Quad = std::array<Vertex, 4>;
/// Room for a quadrilateral, even a self-crossing one, cut by four lines.
using Polygon = std::array<Vertex, 24>;

/// Positions of lattice cells in the caller's list.
class CellLookup {
 public:
  explicit CellLookup(const std::vector<CellIndex>& cells) {
    for (const CellIndex& c : cells) box_ = box_.united({c.column, c.row, 1, 1});
    const auto budget = static_cast<int64_t>(16 * cells.size() + 65536);
    dense_ = box_.width < budget && box_.height < budget && box_.cells() <= budget;
    if (dense_) {
      table_.assign(static_cast<size_t>(box_.cells()), -1);
      for (size_t i = 0; i < cells.size(); ++i) table_[slot(cells[i])] = static_cast<int32_t>(i);
    } else {
      for (size_t i = 0; i < cells.size(); ++i)
        sparse_[cells[i].row][cells[i].column] = static_cast<int32_t>(i);
    }
  }
  [[nodiscard]] const CellWindow& box() const noexcept { return box_; }
  [[nodiscard]] int32_t find(CellIndex c) const {
    if (!box_.contains(c)) return -1;
    if (dense_) return table_[slot(c)];
    const auto row = sparse_.find(c.row);
    if (row == sparse_.end()) return -1;
    const auto cell = row->second.find(c.column);
    return cell == row->second.end() ? -1 : cell->second;
  }

 private:
  [[nodiscard]] size_t slot(CellIndex c) const {
    return static_cast<size_t>((c.row - box_.row) * box_.width + c.column - box_.column);
  }
  CellWindow box_;
  bool dense_ = true;
  std::vector<int32_t> table_;
  std::unordered_map<int64_t, std::unordered_map<int64_t, int32_t>> sparse_;
};

/// Keeps the part of a polygon where `sign * (coordinate - bound) >= 0` (Sutherland and Hodgman
/// 1974, one edge of the window). Axis 0 is x, axis 1 is y.
template <int axis>
size_t clip(const Polygon& in, size_t n, double bound, double sign, Polygon& out) {
  size_t m = 0;
  for (size_t i = 0; i < n; ++i) {
    const Vertex &p = in[i], &q = in[i + 1 < n ? i + 1 : 0];
    const double dp = sign * ((axis == 0 ? p.x : p.y) - bound);
    const double dq = sign * ((axis == 0 ? q.x : q.y) - bound);
    if (dp >= 0) out[m++] = p;
    if ((dp > 0 && dq < 0) || (dp < 0 && dq > 0)) {
      const double t = dp / (dp - dq);
      out[m++] =
          axis == 0 ? Vertex{bound, p.y + t * (q.y - p.y)} : Vertex{p.x + t * (q.x - p.x), bound};
    }
  }
  return m;
}

/// Shoelace about the first vertex, so that a polygon squeezed onto a line has area exactly 0.
template <typename Vertices>
double area_of(const Vertices& polygon, size_t n) {
  double twice = 0;
  for (size_t i = 1; i + 1 < n; ++i)
    twice += (polygon[i].x - polygon[0].x) * (polygon[i + 1].y - polygon[0].y) -
             (polygon[i + 1].x - polygon[0].x) * (polygon[i].y - polygon[0].y);
  return std::abs(twice) / 2;
}

/// The quadrilateral relative to a cell: (0, 0) its upper-left, (1, 1) its lower-right corner. All
/// overlaps are computed in these coordinates, so that they depend on the two alone.
template <typename Vertices>
void put_relative(const Lattice& lattice, CellIndex cell, const Quad& quad, Vertices& out) {
  const Point corner = lattice.corner(cell);
  for (size_t i = 0; i < 4; ++i)
    out[i] = {(quad[i].x - corner.x) / lattice.resolution,
              (corner.y - quad[i].y) / lattice.resolution};
}

/// Share of the cell that a quadrilateral covers which lies wholly inside it.
double share_inside(const Lattice& lattice, CellIndex cell, const Quad& quad) {
  Quad a;
  put_relative(lattice, cell, quad, a);
  return area_of(a, 4);
}

/// Share of the lattice cell that any quadrilateral covers.
double overlap(const Lattice& lattice, CellIndex cell, const Quad& quad) {
  Polygon a, b;
  put_relative(lattice, cell, quad, a);
  double low_u = HUGE_VAL, high_u = -HUGE_VAL, low_v = HUGE_VAL, high_v = -HUGE_VAL;
  for (size_t i = 0; i < 4; ++i) {
    low_u = std::min(low_u, a[i].x);
    high_u = std::max(high_u, a[i].x);
    low_v = std::min(low_v, a[i].y);
    high_v = std::max(high_v, a[i].y);
  }
  // Corners that lie on an edge of the cell but for rounding are put onto it, so that a source
  // cell next door never leaves a sliver.
  const double near = snap * std::min({1.0, high_u - low_u, high_v - low_v});
  const auto onto_edge = [near](double v) {
    if (std::abs(v) <= near) return 0.0;
    return std::abs(v - 1) <= near ? 1.0 : v;
  };
  bool inside = true;
  for (size_t i = 0; i < 4; ++i) {
    a[i] = {onto_edge(a[i].x), onto_edge(a[i].y)};
    inside = inside && a[i].x >= 0 && a[i].x <= 1 && a[i].y >= 0 && a[i].y <= 1;
  }
  if (inside) return area_of(a, 4);
  size_t n = clip<0>(a, 4, 0, 1, b);
  n = clip<0>(b, n, 1, -1, a);
  n = clip<1>(a, n, 0, 1, b);
  n = clip<1>(b, n, 1, -1, a);
  return n < 3 ? 0 : area_of(a, n);
}

/// Source cells that may overlap any of the target cells. On a full circle columns may run below 0
/// or beyond the width; they are meant modulo the width.
SourceWindow touched_window(const Lattice& lattice, const std::vector<CellIndex>& cells,
                            const SourceGrid& source, const CellPlacement& placement,
                            const Transform& to_source) {
  constexpr size_t points = 5;  // corners and centre
  constexpr double dx[points] = {0, 1, 1, 0, 0.5}, dy[points] = {0, 0, 1, 1, 0.5};
  constexpr size_t block = 4096;
  const auto width = static_cast<double>(source.width), height = static_cast<double>(source.height);
  const bool circle = placement.full_circle();
  double left = HUGE_VAL, right = -HUGE_VAL, top = HUGE_VAL, bottom = -HUGE_VAL,
         reference = HUGE_VAL;
  std::vector<double> x(block * points), y(block * points);
  for (size_t first = 0; first < cells.size(); first += block) {
    const size_t count = std::min(block, cells.size() - first);
    for (size_t i = 0; i < count; ++i) {
      const Point corner = lattice.corner(cells[first + i]);
      for (size_t p = 0; p < points; ++p) {
        x[i * points + p] = corner.x + dx[p] * lattice.resolution;
        y[i * points + p] = corner.y - dy[p] * lattice.resolution;
      }
    }
    to_source.forward(x.data(), y.data(), count * points);
    placement.to_index(x.data(), y.data(), count * points);
    for (size_t i = 0; i < count; ++i) {
      double l = HUGE_VAL, r = -HUGE_VAL, t = HUGE_VAL, b = -HUGE_VAL;
      for (size_t k = i * points; k < (i + 1) * points; ++k) {
        if (!std::isfinite(x[k])) continue;
        if (circle) {
          if (!std::isfinite(reference)) reference = x[k];
          x[k] -= width * std::nearbyint((x[k] - reference) / width);
        }
        l = std::min(l, x[k]);
        r = std::max(r, x[k]);
        t = std::min(t, y[k]);
        b = std::max(b, y[k]);
      }
      if (!(l <= r)) continue;
      // The image of a straight edge bends: some source cells and a part of the cell's own size.
      const double margin_x = 2 + 0.05 * (r - l), margin_y = 2 + 0.05 * (b - t);
      left = std::min(left, l - margin_x);
      right = std::max(right, r + margin_x);
      top = std::min(top, t - margin_y);
      bottom = std::max(bottom, b + margin_y);
    }
  }
  if (!(left <= right) || bottom < -1 || top > height) return {};
  SourceWindow window;
  window.row = static_cast<int64_t>(std::floor(std::max(top, 0.0)));
  window.height = static_cast<int64_t>(std::ceil(std::min(bottom, height - 1))) - window.row + 1;
  if (circle) {
    window.column = static_cast<int64_t>(std::floor(left));
    window.width = static_cast<int64_t>(std::ceil(right)) - window.column + 1;
    if (2 * window.width > source.width) {  // also around a pole
      window.column = 0;
      window.width = source.width;
    }
  } else {
    if (right < -1 || left > width) return {};
    window.column = static_cast<int64_t>(std::floor(std::max(left, 0.0)));
    window.width = static_cast<int64_t>(std::ceil(std::min(right, width - 1))) - window.column + 1;
  }
  return window;
}

/// Index of the lattice line left of or above `v`, which counts in cells.
int64_t cell_of(double v) {
  const double bounded = std::clamp(v, -4e18, 4e18);
  const auto truncated = static_cast<int64_t>(bounded);
  return truncated - (bounded < static_cast<double>(truncated) ? 1 : 0);
}

/// 360 degrees in units of the lattice where its x is a longitude, else 0.
double lattice_period(const Lattice& lattice, const SourceGrid& source,
                      const Transform& transform) {
  thread_local std::string known_text;
  thread_local double known_period = 0;
  if (transform.identity()) return source.crs.geographic() ? 360 / source.crs.unit_factor() : 0.0;
  if (lattice.crs.empty()) return 0;
  if (known_text != lattice.crs) {
    const Crs crs = Crs::from_user_input(lattice.crs);
    known_period = crs.geographic() ? 360 / crs.unit_factor() : 0.0;
    known_text = lattice.crs;
  }
  return known_period;
}

}  // namespace

ResampleWeights area_weights(const Lattice& lattice, const std::vector<CellIndex>& cells,
                             const SourceGrid& source, const Transform& to_source) {
  const CellPlacement placement(source);
  const SourceWindow touched = touched_window(lattice, cells, source, placement, to_source);
  SourceWindow candidates = touched;
  if (touched.column < 0 || touched.column + touched.width > source.width) {
    candidates.column = 0;  // the seam of a full circle lies inside
    candidates.width = source.width;
  }
  WeightTable table(cells.size(), candidates);
  if (touched.empty() || cells.empty()) return table.finish(Resampling::area);

  table.reserve(touched.cells() + 2 * cells.size());
  const CellLookup lookup(cells);
  const double period = lattice_period(lattice, source, to_source);
  const double middle =
      lattice.centre({lookup.box().column + lookup.box().width / 2, lookup.box().row}).x;
  const CellWindow& box = lookup.box();

  // Columns in ascending order of their index in the source: those past the seam come first.
  std::vector<int64_t> columns(static_cast<size_t>(touched.width));
  const auto modulo = [&](int64_t c) { return ((c % source.width) + source.width) % source.width; };
  for (size_t i = 0; i < columns.size(); ++i)
    columns[i] = modulo(touched.column + static_cast<int64_t>(i));
  std::sort(columns.begin(), columns.end());

  // One line of corners after another; a run of neighbouring columns shares its corners.
  const size_t n = columns.size();
  std::vector<double> upper_x, upper_y, lower_x, lower_y;
  const auto corner_line = [&](int64_t row, std::vector<double>& x, std::vector<double>& y) {
    x.clear();
    y.clear();
    for (size_t i = 0; i < n; ++i) {
      for (int64_t side = i > 0 && columns[i] == columns[i - 1] + 1 ? 1 : 0; side < 2; ++side) {
        const Point p = placement.corner(columns[i] + side, row);
        x.push_back(p.x);
        y.push_back(p.y);
      }
    }
    to_source.inverse(x.data(), y.data(), x.size());
  };
  corner_line(touched.row, upper_x, upper_y);
  for (int64_t row = touched.row; row < touched.row + touched.height; ++row) {
    corner_line(row + 1, lower_x, lower_y);
    size_t at = 0;
    for (size_t i = 0; i < n; ++i, ++at) {
      if (i > 0 && columns[i] != columns[i - 1] + 1) ++at;
      Quad quad = {Vertex{upper_x[at], upper_y[at]}, Vertex{upper_x[at + 1], upper_y[at + 1]},
                   Vertex{lower_x[at + 1], lower_y[at + 1]}, Vertex{lower_x[at], lower_y[at]}};
      bool finite = true;
      for (const Vertex& p : quad) finite = finite && std::isfinite(p.x) && std::isfinite(p.y);
      if (!finite) continue;
      double low_x = HUGE_VAL, high_x = -HUGE_VAL, low_y = HUGE_VAL, high_y = -HUGE_VAL;
      for (size_t k = 0; k < 4; ++k) {
        if (period > 0)
          quad[k].x -=
              period * std::nearbyint((quad[k].x - (k == 0 ? middle : quad[0].x)) / period);
        low_x = std::min(low_x, quad[k].x);
        high_x = std::max(high_x, quad[k].x);
        low_y = std::min(low_y, quad[k].y);
        high_y = std::max(high_y, quad[k].y);
      }
      const int64_t first_column = cell_of((low_x - lattice.origin_x) / lattice.resolution - snap);
      const int64_t last_column = cell_of((high_x - lattice.origin_x) / lattice.resolution + snap);
      const int64_t first_row = cell_of((lattice.origin_y - high_y) / lattice.resolution - snap);
      const int64_t last_row = cell_of((lattice.origin_y - low_y) / lattice.resolution + snap);
      if (first_column == last_column && first_row == last_row) {  // most cells of a fine source
        const CellIndex cell{first_column, first_row};
        const int32_t target = lookup.find(cell);
        if (target < 0) continue;
        const double share = share_inside(lattice, cell, quad);
        if (share > 0) table.add(static_cast<size_t>(target), columns[i], row, share);
        continue;
      }
      for (int64_t r = std::max(box.row, first_row);
           r <= std::min(box.row + box.height - 1, last_row); ++r) {
        for (int64_t c = std::max(box.column, first_column);
             c <= std::min(box.column + box.width - 1, last_column); ++c) {
          const int32_t target = lookup.find({c, r});
          if (target < 0) continue;
          const double share = overlap(lattice, {c, r}, quad);
          if (share > 0) table.add(static_cast<size_t>(target), columns[i], row, share);
        }
      }
    }
    std::swap(upper_x, lower_x);
    std::swap(upper_y, lower_y);
  }
  return table.finish(Resampling::area);
}

}  // namespace fluxtile
