// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/nearest_name.h"
#include "geo/resample.h"
#include "geo/source_cells.h"

namespace fluxtile {
namespace {

constexpr double snap = 1e-6;

/// The cell along one axis that contains index coordinate `v`; on an edge the one to the right or
/// below, which is the one of the smaller index where indices grow the other way.
int64_t containing_cell(double v, bool grows_with_map) {
  const double edges = v + 0.5;  // cell k covers edges k .. k+1
  const double nearest = std::nearbyint(edges);
  if (std::abs(edges - nearest) <= snap)
    return static_cast<int64_t>(nearest) - (grows_with_map ? 0 : 1);
  return static_cast<int64_t>(std::floor(edges));
}

/// Catmull-Rom: cubic convolution with a = -0.5 (Keys 1981, eq. 4) at distances 1+t, t, 1-t, 2-t.
std::array<double, 4> catmull_rom(double t) {
  const double t2 = t * t, t3 = t2 * t;
  return {-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1, -1.5 * t3 + 2 * t2 + 0.5 * t,
          0.5 * t3 - 0.5 * t2};
}

/// Source cells that point kernels of all targets may touch.
SourceWindow kernel_window(const std::vector<double>& x, const std::vector<double>& y,
                           const SourceGrid& source, int64_t reach, bool full_circle) {
  double left = HUGE_VAL, right = -HUGE_VAL, top = HUGE_VAL, bottom = -HUGE_VAL;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) continue;
    left = std::min(left, x[i]);
    right = std::max(right, x[i]);
    top = std::min(top, y[i]);
    bottom = std::max(bottom, y[i]);
  }
  if (!(left <= right)) return {};
  const auto clip = [](double low, double high, int64_t margin, int64_t size, int64_t& first,
                       int64_t& count) {
    const double limit = static_cast<double>(size) + 4;
    const auto begin = static_cast<int64_t>(std::floor(std::clamp(low, -4.0, limit))) - margin;
    const auto end = static_cast<int64_t>(std::floor(std::clamp(high, -4.0, limit))) + margin + 1;
    first = std::clamp<int64_t>(begin, 0, size);
    count = std::clamp<int64_t>(end, 0, size) - first;
  };
  SourceWindow window;
  clip(left, right, reach, source.width, window.column, window.width);
  clip(top, bottom, reach, source.height, window.row, window.height);
  const auto margin = static_cast<double>(reach) + 1;
  if (full_circle && (left < margin || right > static_cast<double>(source.width - 1) - margin)) {
    window.column = 0;
    window.width = source.width;
  }
  return window;
}

/// The columns or rows under a kernel: their index, or none where the source ends.
struct Taps {
  std::array<int64_t, 4> cell{};
  std::array<double, 4> weight{};
  int count = 0;  ///< present ones
  void add(int64_t k, double w, int64_t size, bool circle) {
    if (circle) k = ((k % size) + size) % size;
    if (k < 0 || k >= size) return;
    cell[static_cast<size_t>(count)] = k;
    weight[static_cast<size_t>(count++)] = w;
  }
};

Taps linear_taps(double v, int64_t size, bool circle) {
  Taps taps;
  const double whole = std::floor(v), t = v - whole;
  const auto k = static_cast<int64_t>(whole);
  if (t < 1) taps.add(k, 1 - t, size, circle);
  if (t > 0) taps.add(k + 1, t, size, circle);
  // Across the seam of a full circle the right neighbour has the smaller column.
  if (taps.count == 2 && taps.cell[0] > taps.cell[1]) {
    std::swap(taps.cell[0], taps.cell[1]);
    std::swap(taps.weight[0], taps.weight[1]);
  }
  return taps;
}

Taps cubic_taps(double v, int64_t size, bool circle) {
  Taps taps;
  const double whole = std::floor(v);
  const auto weights = catmull_rom(v - whole);
  for (int64_t d = 0; d < 4; ++d)
    taps.add(static_cast<int64_t>(whole) - 1 + d, weights[static_cast<size_t>(d)], size, circle);
  return taps;
}

bool near_grid(double v, int64_t size) { return v > -2 && v < static_cast<double>(size) + 1; }

}  // namespace

Resampling parse_resampling(const std::string& name) {
  for (const auto method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area})
    if (name == to_string(method)) return method;
  throw Error(Code::data, "unknown resampling method")
      .found(name)
      .expected("nearest, bilinear, cubic or area")
      .hint(suggestion(name, {"nearest", "bilinear", "cubic", "area"}));
}

const char* to_string(Resampling method) noexcept {
  switch (method) {
    case Resampling::nearest:
      return "nearest";
    case Resampling::bilinear:
      return "bilinear";
    case Resampling::cubic:
      return "cubic";
    case Resampling::area:
      return "area";
  }
  return "unknown";
}

WeightTable::WeightTable(size_t targets, const SourceWindow& candidates)
    : candidates_(candidates), count_(targets) {
  constexpr auto most = static_cast<size_t>(std::numeric_limits<int32_t>::max());
  if (targets > most || candidates.cells() > most)
    throw Error(Code::data, "too many source cells for one block of target cells")
        .found(std::to_string(candidates.width) + " x " + std::to_string(candidates.height) +
               " source cells")
        .hint("use a smaller grid.tile, or a source closer to the grid's resolution");
  width_ = static_cast<int32_t>(candidates.width);
}

ResampleWeights WeightTable::finish(Resampling method) {
  ResampleWeights out;
  out.method = method;
  out.offset.assign(count_.size() + 1, 0);
  for (size_t i = 0; i < count_.size(); ++i) out.offset[i + 1] = out.offset[i] + count_[i];
  if (entries_.empty()) return out;
  const int32_t width = right_ - left_ + 1, height = bottom_ - top_ + 1;
  out.window = {candidates_.column + left_, candidates_.row + top_, width, height};
  out.index.resize(entries_.size());
  out.weight.resize(entries_.size());
  std::vector<int64_t> next(out.offset.begin(), out.offset.end() - 1);
  for (const Entry& entry : entries_) {
    const auto at = static_cast<size_t>(next[static_cast<size_t>(entry.target)]++);
    const int32_t row = entry.index / width_, column = entry.index - row * width_;
    out.index[at] = (row - top_) * width + column - left_;
    out.weight[at] = entry.weight;
  }
  return out;
}

ResampleWeights make_weights(const Lattice& lattice, const std::vector<CellIndex>& cells,
                             const SourceGrid& source, const Transform& to_source,
                             Resampling method) {
  if (method == Resampling::area) return area_weights(lattice, cells, source, to_source);
  const CellPlacement placement(source);
  std::vector<double> x(cells.size()), y(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    const Point centre = lattice.centre(cells[i]);
    x[i] = centre.x;
    y[i] = centre.y;
  }
  to_source.forward(x.data(), y.data(), x.size());
  placement.to_index(x.data(), y.data(), x.size());

  const bool circle = placement.full_circle();
  WeightTable table(cells.size(), kernel_window(x, y, source, 3, circle));
  std::vector<double> fraction_x, fraction_y;
  if (method == Resampling::cubic) {
    fraction_x.assign(cells.size(), 0);
    fraction_y.assign(cells.size(), 0);
  }
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!std::isfinite(x[i]) || !near_grid(x[i], source.width) || !near_grid(y[i], source.height))
      continue;
    if (method == Resampling::nearest) {
      int64_t column = containing_cell(x[i], placement.columns_grow_right());
      const int64_t row = containing_cell(y[i], placement.rows_grow_down());
      if (circle) column = ((column % source.width) + source.width) % source.width;
      if (column >= 0 && column < source.width && row >= 0 && row < source.height)
        table.add(i, column, row, 1);
      continue;
    }
    Taps columns, rows;
    if (method == Resampling::cubic) {
      columns = cubic_taps(x[i], source.width, circle);
      rows = cubic_taps(y[i], source.height, false);
      fraction_x[i] = x[i] - std::floor(x[i]);
      fraction_y[i] = y[i] - std::floor(y[i]);
    }
    if (columns.count * rows.count != 16) {  // bilinear, or a cubic kernel that is cut off
      columns = linear_taps(x[i], source.width, circle);
      rows = linear_taps(y[i], source.height, false);
    }
    for (int r = 0; r < rows.count; ++r)
      for (int c = 0; c < columns.count; ++c)
        table.add(i, columns.cell[static_cast<size_t>(c)], rows.cell[static_cast<size_t>(r)],
                  columns.weight[static_cast<size_t>(c)] * rows.weight[static_cast<size_t>(r)]);
  }
  ResampleWeights weights = table.finish(method);
  weights.fraction_x = std::move(fraction_x);
  weights.fraction_y = std::move(fraction_y);
  return weights;
}

}  // namespace fluxtile
