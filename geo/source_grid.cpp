// SPDX-License-Identifier: Apache-2.0
// Where the cells of a source lie: index coordinates of points, and corners of cells.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/digest.h"
#include "base/error.h"
#include "geo/resample.h"
#include "geo/source_cells.h"
#include "geo/window_overlap.h"

namespace fluxtile {
namespace {

constexpr double snap = 1e-6;

double snapped(double value) {
  const double nearest = std::nearbyint(value);
  return std::abs(value - nearest) <= snap ? nearest : value;
}

}  // namespace

SourceWindow SourceWindow::intersection(const SourceWindow& other) const noexcept {
  return window_overlap(*this, other);
}

AxisPlacement::AxisPlacement(const std::vector<double>& centres) : centres_(centres) {
  if (centres_.size() < 2)
    throw Error(Code::data, "a coordinate axis of fewer than two cells does not tell their size")
        .found(std::to_string(centres_.size()) + " value(s)");
  const auto last = static_cast<double>(centres_.size() - 1);
  step_ = (centres_.back() - centres_.front()) / last;
  ascending_ = step_ > 0;
  for (size_t i = 0; i < centres_.size(); ++i) {
    const double expected = centres_.front() + static_cast<double>(i) * step_;
    if (std::abs(centres_[i] - expected) > snap * std::abs(step_)) uniform_ = false;
    if (i > 0 && !(ascending_ ? centres_[i] > centres_[i - 1] : centres_[i] < centres_[i - 1]))
      throw Error(Code::data, "a coordinate axis is not strictly monotonic");
  }
}

double AxisPlacement::index(double coordinate) const {
  if (uniform_) return (coordinate - centres_.front()) / step_;
  const size_t n = centres_.size();
  const auto first_beyond = ascending_
                                ? std::upper_bound(centres_.begin(), centres_.end(), coordinate)
                                : std::upper_bound(centres_.begin(), centres_.end(), coordinate,
                                                   [](double a, double b) { return a > b; });
  size_t left = first_beyond == centres_.begin()
                    ? 0
                    : static_cast<size_t>(first_beyond - centres_.begin()) - 1;
  left = std::min(left, n - 2);
  return static_cast<double>(left) +
         (coordinate - centres_[left]) / (centres_[left + 1] - centres_[left]);
}

double AxisPlacement::edge(int64_t k) const {
  const auto n = static_cast<int64_t>(centres_.size());
  if (uniform_) return centres_.front() + (static_cast<double>(k) - 0.5) * step_;
  const auto at = [&](int64_t i) { return centres_[static_cast<size_t>(i)]; };
  if (k <= 0) return at(0) - 0.5 * (at(1) - at(0));
  if (k >= n) return at(n - 1) + 0.5 * (at(n - 1) - at(n - 2));
  return 0.5 * (at(k - 1) + at(k));
}

CellPlacement::CellPlacement(const SourceGrid& grid) : grid_(grid) {
  if (grid.width <= 0 || grid.height <= 0)
    throw Error(Code::data, "a source grid without cells")
        .found(std::to_string(grid.width) + " x " + std::to_string(grid.height));
  if (grid.x_axis.empty() != grid.y_axis.empty())
    throw Error(Code::internal, "a source grid with one axis only");
  if (!grid.x_axis.empty()) {
    if (static_cast<int64_t>(grid.x_axis.size()) != grid.width ||
        static_cast<int64_t>(grid.y_axis.size()) != grid.height)
      throw Error(Code::internal, "axis lengths differ from the size of the source grid");
    x_.emplace(grid.x_axis);
    y_.emplace(grid.y_axis);
    columns_grow_right_ = x_->ascending();
    rows_grow_down_ = !y_->ascending();
  } else {
    const double* gt = grid.geotransform;
    determinant_ = gt[1] * gt[5] - gt[2] * gt[4];
    if (determinant_ == 0 || !std::isfinite(determinant_))
      throw Error(Code::data, "a source grid whose geotransform cannot be inverted");
    columns_grow_right_ = gt[1] > 0 || (gt[1] == 0 && gt[2] > 0);
    rows_grow_down_ = gt[5] < 0 || (gt[5] == 0 && gt[4] < 0);
  }
  const bool rotated = !x_ && (grid.geotransform[2] != 0 || grid.geotransform[4] != 0);
  if (grid.wraps && !rotated) {
    const double unit = grid.crs.empty() ? 1 : grid.crs.unit_factor();
    period_ = 360 / unit;
    const double left = x_ ? x_->edge(0) : grid.geotransform[0];
    const double right =
        x_ ? x_->edge(grid.width)
           : grid.geotransform[0] + static_cast<double>(grid.width) * grid.geotransform[1];
    centre_ = 0.5 * (left + right);
    const double cell = std::abs(right - left) / static_cast<double>(grid.width);
    full_circle_ = std::abs(std::abs(right - left) - period_) < 1e-3 * cell;
  }
}

void CellPlacement::to_index(double* x, double* y, size_t n) const {
  const double* gt = grid_.geotransform;
  const bool rotated = gt[2] != 0 || gt[4] != 0;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
      x[i] = y[i] = HUGE_VAL;
      continue;
    }
    double px = x[i];
    const double py = y[i];
    if (period_ > 0 && std::abs(px - centre_) > period_ / 2)
      px -= period_ * std::nearbyint((px - centre_) / period_);
    double column, row;
    if (x_) {
      column = x_->index(px);
      row = y_->index(py);
    } else if (!rotated) {
      column = (px - gt[0]) / gt[1] - 0.5;
      row = (py - gt[3]) / gt[5] - 0.5;
    } else {
      const double dx = px - gt[0], dy = py - gt[3];
      column = (gt[5] * dx - gt[2] * dy) / determinant_ - 0.5;
      row = (gt[1] * dy - gt[4] * dx) / determinant_ - 0.5;
    }
    x[i] = snapped(column);
    y[i] = snapped(row);
  }
}

Point CellPlacement::corner(int64_t column, int64_t row) const {
  Point p;
  if (x_) {
    p = {x_->edge(column), y_->edge(row)};
  } else {
    const double* gt = grid_.geotransform;
    const auto c = static_cast<double>(column), r = static_cast<double>(row);
    p = {gt[0] + c * gt[1] + r * gt[2], gt[3] + c * gt[4] + r * gt[5]};
  }
  if (grid_.crs.geographic()) {
    const double pole = 90 / grid_.crs.unit_factor();
    p.y = std::clamp(p.y, -pole, pole);
  }
  return p;
}

void SourceGrid::to_index(double* x, double* y, size_t n) const {
  CellPlacement(*this).to_index(x, y, n);
}

std::string SourceGrid::identity() const {
  Digest digest;
  digest.add_text(crs.wkt()).add_value(width).add_value(height).add_value(wraps);
  if (x_axis.empty()) {
    for (const double value : geotransform) digest.add_value(value);
  } else {
    digest.add(x_axis.data(), x_axis.size() * sizeof(double));
    digest.add(y_axis.data(), y_axis.size() * sizeof(double));
  }
  return std::to_string(width) + "x" + std::to_string(height) + "-" +
         (x_axis.empty() ? "affine-" : "axes-") + digest.hex();
}

}  // namespace fluxtile
