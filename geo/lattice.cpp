// SPDX-License-Identifier: Apache-2.0
#include "geo/lattice.h"

#include <algorithm>
#include <cmath>

#include "geo/window_overlap.h"

namespace fluxtile {
namespace {

/// A box edge this close to a lattice line (in cells) counts as lying on it.
constexpr double snap = 1e-6;

int64_t floor_divide(int64_t value, int64_t divisor) noexcept {
  const int64_t quotient = value / divisor;
  return value % divisor != 0 && value < 0 ? quotient - 1 : quotient;
}

/// First line and number of cells between two coordinates counted in cells.
void covering_span(double a, double b, int64_t& first, int64_t& count) noexcept {
  // Beyond this the lattice's lines are further apart than doubles tell; NaN becomes its edge.
  constexpr double far = 0x1p52;
  const auto line = [far](double x) {
    return static_cast<int64_t>(x > -far ? std::min(x, far) : -far);
  };
  const int64_t low = line(std::floor(std::min(a, b) + snap));
  const int64_t high = line(std::ceil(std::max(a, b) - snap));
  first = low;
  count = std::max<int64_t>(1, high - low);
}

}  // namespace

CellWindow CellWindow::intersection(const CellWindow& other) const noexcept {
  return window_overlap(*this, other);
}

CellWindow CellWindow::united(const CellWindow& other) const noexcept {
  if (other.empty()) return *this;
  if (empty()) return other;
  const int64_t left = std::min(column, other.column), top = std::min(row, other.row);
  return {left, top, std::max(column + width, other.column + other.width) - left,
          std::max(row + height, other.row + other.height) - top};
}

CellWindow Lattice::covering(Point a, Point b) const noexcept {
  CellWindow window;
  covering_span((a.x - origin_x) / resolution, (b.x - origin_x) / resolution, window.column,
                window.width);
  covering_span((origin_y - a.y) / resolution, (origin_y - b.y) / resolution, window.row,
                window.height);
  return window;
}

std::vector<double> Lattice::geotransform(const CellWindow& window) const {
  const Point upper_left = corner({window.column, window.row});
  return {upper_left.x, resolution, 0, upper_left.y, 0, -resolution};
}

CellWindow tile_window(TileIndex tile, int64_t side) noexcept {
  return {tile.column * side, tile.row * side, side, side};
}

std::vector<TileIndex> tiles_of(const CellWindow& window, int64_t side) {
  std::vector<TileIndex> tiles;
  if (window.empty()) return tiles;
  const int64_t first_column = floor_divide(window.column, side);
  const int64_t last_column = floor_divide(window.column + window.width - 1, side);
  const int64_t first_row = floor_divide(window.row, side);
  const int64_t last_row = floor_divide(window.row + window.height - 1, side);
  for (int64_t row = first_row; row <= last_row; ++row)
    for (int64_t column = first_column; column <= last_column; ++column)
      tiles.push_back({column, row});
  return tiles;
}

}  // namespace fluxtile
