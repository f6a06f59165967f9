// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "geo/resample.h"

// For the resampling .cpp files alone: placement of a source's cells, prepared once for many
// points.
namespace fluxtile {

/// One coordinate axis given by its cell centres.
class AxisPlacement {
 public:
  /// Throws Error(data) unless strictly monotonic with at least two centres.
  explicit AxisPlacement(const std::vector<double>& centres);
  [[nodiscard]] double index(double coordinate) const;  ///< 0 = first centre, unsnapped
  /// Edge k, between the cells k-1 and k: half-way, and half a cell beyond the ends.
  [[nodiscard]] double edge(int64_t k) const;
  [[nodiscard]] bool ascending() const noexcept { return ascending_; }

 private:
  const std::vector<double>& centres_;
  double step_ = 0;
  bool uniform_ = true, ascending_ = true;
};

/// Index coordinates and corners of a source's cells. Refers to the grid, which must outlive it.
class CellPlacement {
 public:
  explicit CellPlacement(const SourceGrid& grid);

  /// As SourceGrid::to_index. A point that is not finite becomes (HUGE_VAL, HUGE_VAL).
  void to_index(double* x, double* y, size_t n) const;
  /// The corner shared by the cells (column-1, row-1) and (column, row), in the source CRS.
  [[nodiscard]] Point corner(int64_t column, int64_t row) const;

  [[nodiscard]] bool columns_grow_right() const noexcept { return columns_grow_right_; }
  [[nodiscard]] bool rows_grow_down() const noexcept { return rows_grow_down_; }
  /// The columns close the circle: the last one borders the first.
  [[nodiscard]] bool full_circle() const noexcept { return full_circle_; }

 private:
  const SourceGrid& grid_;
  std::optional<AxisPlacement> x_, y_;
  double determinant_ = 1;
  double period_ = 0;  ///< of x in CRS units, 0 = not periodic
  double centre_ = 0;  ///< x half-way between the outer edges
  bool full_circle_ = false, columns_grow_right_ = true, rows_grow_down_ = true;
};

/// Weights of one target cell after another in any order of discovery, turned into compressed rows
/// over a tight window.
class WeightTable {
 public:
  /// `candidates`: a window that holds every source cell that will be added.
  WeightTable(size_t targets, const SourceWindow& candidates);
  /// Room for about this many entries.
  void reserve(size_t entries) { entries_.reserve(entries); }
  /// Entries of one target must come in their final order.
  void add(size_t target, int64_t column, int64_t row, double weight) {
    const auto c = static_cast<int32_t>(column - candidates_.column);
    const auto r = static_cast<int32_t>(row - candidates_.row);
    left_ = std::min(left_, c);
    right_ = std::max(right_, c);
    top_ = std::min(top_, r);
    bottom_ = std::max(bottom_, r);
    ++count_[target];
    entries_.push_back({static_cast<int32_t>(target), r * width_ + c, weight});
  }
  [[nodiscard]] ResampleWeights finish(Resampling method);

 private:
  struct Entry {
    int32_t target, index;  ///< index inside the candidates
    double weight;
  };
  SourceWindow candidates_;
  int32_t width_ = 0;  ///< of the candidates
  int32_t left_ = std::numeric_limits<int32_t>::max(), right_ = -1;
  int32_t top_ = std::numeric_limits<int32_t>::max(), bottom_ = -1;
  std::vector<int32_t> count_;  ///< entries of each target
  std::vector<Entry> entries_;
};

/// Area weights; see make_weights.
ResampleWeights area_weights(const Lattice& lattice, const std::vector<CellIndex>& cells,
                             const SourceGrid& source, const Transform& to_source);

}  // namespace fluxtile
