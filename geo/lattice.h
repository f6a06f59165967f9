// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fluxtile {

/// A cell of the infinite target lattice. Columns grow to the right, rows grow DOWNWARD from the
/// origin: cell (column, row) covers x in [origin_x + column*res, origin_x + (column+1)*res) and y
/// in (origin_y - (row+1)*res, origin_y - row*res].
struct CellIndex {
  int64_t column = 0;
  int64_t row = 0;
  friend bool operator==(const CellIndex& a, const CellIndex& b) {
    return a.column == b.column && a.row == b.row;
  }
};

/// A rectangle of lattice cells: columns [column, column + width), rows [row, row + height).
struct CellWindow {
  int64_t column = 0, row = 0;
  int64_t width = 0, height = 0;
  [[nodiscard]] bool empty() const noexcept { return width <= 0 || height <= 0; }
  [[nodiscard]] int64_t cells() const noexcept { return empty() ? 0 : width * height; }
  [[nodiscard]] bool contains(CellIndex c) const noexcept {
    return c.column >= column && c.column < column + width && c.row >= row && c.row < row + height;
  }
  [[nodiscard]] CellWindow intersection(const CellWindow& other) const noexcept;
  /// The smallest window that holds both; an empty one counts for nothing.
  [[nodiscard]] CellWindow united(const CellWindow& other) const noexcept;
  friend bool operator==(const CellWindow& a, const CellWindow& b) {
    return a.column == b.column && a.row == b.row && a.width == b.width && a.height == b.height;
  }
};

struct Point {
  double x = 0, y = 0;
};

/// The infinite target lattice: cell edges at origin + k * resolution in the units of `crs`.
struct Lattice {
  std::string crs;        ///< authority code ("EPSG:5070") or WKT, as configured
  double resolution = 0;  ///< side of a cell, CRS units
  double origin_x = 0, origin_y = 0;

  [[nodiscard]] Point centre(CellIndex c) const noexcept {
    return {origin_x + (static_cast<double>(c.column) + 0.5) * resolution,
            origin_y - (static_cast<double>(c.row) + 0.5) * resolution};
  }
  /// Upper-left corner of a cell.
  [[nodiscard]] Point corner(CellIndex c) const noexcept {
    return {origin_x + static_cast<double>(c.column) * resolution,
            origin_y - static_cast<double>(c.row) * resolution};
  }
  /// The smallest window whose cells cover the box (any order of corners).
  [[nodiscard]] CellWindow covering(Point a, Point b) const noexcept;
  /// GDAL geotransform of a window: {x0, res, 0, y0, 0, -res}.
  [[nodiscard]] std::vector<double> geotransform(const CellWindow& window) const;
};

/// A tile of the global tile lattice: cells [column*side, (column+1)*side) and the same for rows.
struct TileIndex {
  int64_t column = 0, row = 0;
  friend bool operator==(const TileIndex& a, const TileIndex& b) {
    return a.column == b.column && a.row == b.row;
  }
  friend bool operator<(const TileIndex& a, const TileIndex& b) {
    return a.row != b.row ? a.row < b.row : a.column < b.column;
  }
};

/// Cells of a tile of `side` cells; `side` > 0.
CellWindow tile_window(TileIndex tile, int64_t side) noexcept;
/// Tiles that a window touches, row by row.
std::vector<TileIndex> tiles_of(const CellWindow& window, int64_t side);

}  // namespace fluxtile
