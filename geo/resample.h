// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/crs.h"
#include "geo/lattice.h"

namespace fluxtile {

enum class Resampling { nearest, bilinear, cubic, area };
/// Throws Error(data) with the known names.
Resampling parse_resampling(const std::string& name);
const char* to_string(Resampling method) noexcept;

/// A rectangle of source cells, [column, column+width) x [row, row+height), in a source raster's
/// own indices.
struct SourceWindow {
  int64_t column = 0, row = 0, width = 0, height = 0;
  [[nodiscard]] bool empty() const noexcept { return width <= 0 || height <= 0; }
  [[nodiscard]] size_t cells() const noexcept {
    return empty() ? 0 : static_cast<size_t>(width * height);
  }
  [[nodiscard]] SourceWindow intersection(const SourceWindow& other) const noexcept;
};

/// Where the cells of a source lie: an affine raster or a rectilinear grid given by its axis
/// coordinates. Source index coordinates are in cells with 0 at the CENTRE of the first cell.
struct SourceGrid {
  Crs crs;
  int64_t width = 0, height = 0;
  /// x = gt[0] + c*gt[1] + r*gt[2], y = gt[3] + c*gt[4] + r*gt[5] with c, r counted from the outer
  /// corner; unused if axes are given.
  double geotransform[6] = {0, 1, 0, 0, 0, 1};
  /// Cell centres, strictly monotonic (either direction), in CRS units; empty = affine.
  std::vector<double> x_axis, y_axis;
  /// Longitudes are periodic with 360 degrees (a global or 0..360 grid): target longitudes are
  /// wrapped to the axis.
  bool wraps = false;

  /// Index coordinates of points given in the source CRS, in place. Axes: uniform within 1e-6 of a
  /// cell -> computed from first and last, else piecewise linear between centres (half a
  /// neighbouring cell beyond the ends). Coordinates within 1e-6 of an integer are snapped to it.
  void to_index(double* x, double* y, size_t n) const;
  /// Text that identifies the lattice (CRS, placement, size): equal for rasters that share weights.
  [[nodiscard]] std::string identity() const;
};

/// For every target cell the source cells it is made of, with weights, in compressed rows.
/// `index` counts row-major inside `window`. Entries of a row are ordered by (source row, source
/// column); a whole 4x4 cubic kernel by its place in the kernel. A row may be empty: the target
/// cell lies outside the source. Weights depend on the target cell and the source alone, never on
/// neighbours or on the window.
struct ResampleWeights {
  SourceWindow window;          ///< what has to be read
  std::vector<int64_t> offset;  ///< n + 1
  std::vector<int32_t> index;
  std::vector<double> weight;  ///< bilinear/cubic: sums to 1 over present cells; area: overlap in
                               ///< m2-like grid-CRS units / cell area
  Resampling method = Resampling::nearest;
  /// cubic alone, one a target cell: position between the two middle columns and rows, 0..1, for
  /// the bilinear fallback.
  std::vector<double> fraction_x, fraction_y;
  [[nodiscard]] size_t size() const noexcept { return offset.empty() ? 0 : offset.size() - 1; }
};

/// Weights for `cells` of `lattice`. `to_source`: lattice CRS -> source CRS. Thread-safe.
/// nearest: the cell that contains the centre, on an edge (within 1e-6) the one to the right /
/// below. bilinear: four surrounding centres in the source CRS; absent neighbours (outside) are
/// left out, not renormalised here. cubic: Catmull-Rom (a = -0.5) over 4x4. area: overlap of the
/// target square with every source quadrilateral (its four corners transformed to the grid CRS,
/// straight sides) divided by the target cell's area.
ResampleWeights make_weights(const Lattice& lattice, const std::vector<CellIndex>& cells,
                             const SourceGrid& source, const Transform& to_source,
                             Resampling method);

/// One layer: out[i] = sum(w * v) / sum(w) over the valid source cells of row i; NaN when none is
/// valid. `values` holds window.cells() doubles, NaN = nodata. cubic: when any of the 16 is absent
/// or nodata, falls back to bilinear over the four nearest of them with renormalisation. Summation
/// order is fixed. `coverage` (optional): sum of weights of valid source cells (area: valid share
/// of the cell's area).
void apply_weights(const ResampleWeights& weights, const std::vector<double>& values,
                   std::vector<double>& out, std::vector<double>* coverage = nullptr);

/// Shares of categories: for target cell i and category k (index into `categories`) the share of
/// the cell's area (area weights) or 1/0 (nearest weights) covered by source cells whose value
/// equals categories[k]. Layout [cell][category].
std::vector<double> category_shares(const ResampleWeights& weights,
                                    const std::vector<double>& values,
                                    const std::vector<double>& categories);

}  // namespace fluxtile
