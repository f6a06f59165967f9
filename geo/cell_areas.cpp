// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "geo/crs.h"
#include "geo/product_writer.h"

namespace fluxtile {
namespace {

constexpr double kRadian = M_PI / 180.0;
/// Edges longer than this are cut: a straight line between authalic coordinates of points this far
/// apart misses the true edge's area by less than 1e-8 of the cell.
constexpr double kLongestEdge = 2000.0;

/// Ellipsoid through its authalic coordinate: the area between the equator and a latitude, per
/// radian of longitude. Snyder (1987), Map Projections - A Working Manual, eq. 3-12.
class AuthalicEllipsoid {
 public:
  AuthalicEllipsoid(double a, double inverse_flattening) : half_a2_(a * a / 2) {
    const double f = inverse_flattening == 0 ? 0 : 1 / inverse_flattening;
    e2_ = f * (2 - f);
    e_ = std::sqrt(e2_);
  }
  [[nodiscard]] double at(double latitude_degrees) const noexcept {
    const double s = std::sin(std::clamp(latitude_degrees, -90.0, 90.0) * kRadian);
    if (e_ == 0) return half_a2_ * 2 * s;
    return half_a2_ * (1 - e2_) * (s / (1 - e2_ * s * s) + std::atanh(e_ * s) / e_);
  }

 private:
  double half_a2_, e2_ = 0, e_ = 0;
};

}  // namespace

struct CellAreas::Impl {
  Lattice lattice;
  CellWindow window;
  bool geographic = false;
  AuthalicEllipsoid ellipsoid{1, 0};
  double degrees = 1;  ///< per coordinate unit of a geographic grid
  Transform to_geodetic;
  double geodetic_degrees = 1;
  int64_t cuts = 1;  ///< pieces of a cell's edge

  Impl(const Lattice& lattice_, const CellWindow& window_) : lattice(lattice_), window(window_) {
    const Crs crs = Crs::from_user_input(lattice.crs);
    double a = 0, inverse_flattening = 0;
    ellipsoid_of(crs, a, inverse_flattening);
    ellipsoid = AuthalicEllipsoid(a, inverse_flattening);
    geographic = crs.geographic();
    if (geographic) {
      degrees = crs.unit_factor();
      return;
    }
    const Crs base = geodetic_base(crs);
    geodetic_degrees = base.unit_factor();
    to_geodetic = Transform(choose_operation(crs, base));
    const double edge = lattice.resolution * crs.unit_factor();
    cuts = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(edge / kLongestEdge)), 1, 64);
  }

  /// Grid coordinates to (longitude in radians, authalic coordinate), in place; HUGE_VAL where the
  /// projection does not reach.
  void authalic(std::vector<double>& x, std::vector<double>& y) const {
    to_geodetic.forward(x.data(), y.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
        x[i] = y[i] = HUGE_VAL;
        continue;
      }
      x[i] *= geodetic_degrees * kRadian;
      y[i] = ellipsoid.at(y[i] * geodetic_degrees);
    }
  }

  [[nodiscard]] std::vector<double> row_of_degrees(int64_t row) const {
    const double top = lattice.corner({0, window.row + row}).y * degrees;
    const double bottom = lattice.corner({0, window.row + row + 1}).y * degrees;
    const double area = std::fabs(ellipsoid.at(top) - ellipsoid.at(bottom)) *
                        std::fabs(lattice.resolution * degrees * kRadian);
    return std::vector<double>(static_cast<size_t>(window.width), area);
  }

  [[nodiscard]] std::vector<double> row_of_projection(int64_t row) const {
    const auto width = static_cast<size_t>(window.width);
    const auto n = static_cast<size_t>(cuts);
    const Point corner = lattice.corner({window.column, window.row + row});
    const double step = lattice.resolution / static_cast<double>(cuts);
    // Upper and lower edge of the row, then the inner points of every upright edge.
    std::vector<double> top_x(width * n + 1), top_y(top_x.size(), corner.y);
    for (size_t i = 0; i < top_x.size(); ++i) top_x[i] = corner.x + static_cast<double>(i) * step;
    std::vector<double> low_x = top_x, low_y(top_x.size(), corner.y - lattice.resolution);
    std::vector<double> side_x((width + 1) * (n - 1)), side_y(side_x.size());
    for (size_t c = 0; c <= width; ++c)
      for (size_t k = 1; k < n; ++k) {
        side_x[c * (n - 1) + k - 1] = top_x[c * n];
        side_y[c * (n - 1) + k - 1] = corner.y - static_cast<double>(k) * step;
      }
    authalic(top_x, top_y);
    authalic(low_x, low_y);
    authalic(side_x, side_y);

    std::vector<double> areas(width);
    for (size_t c = 0; c < width; ++c) {
      // Around the cell, relative to its first corner; the shoelace sum.
      const double x0 = top_x[c * n], y0 = top_y[c * n];
      double sum = 0, before_x = 0, before_y = 0;
      bool reached = std::isfinite(x0);
      const auto go_to = [&](double x, double y) {
        if (!std::isfinite(x)) {
          reached = false;
          return;
        }
        const double dx = std::remainder(x - x0, 2 * M_PI), dy = y - y0;
        sum += before_x * dy - dx * before_y;
        before_x = dx;
        before_y = dy;
      };
      for (size_t k = 1; k <= n; ++k) go_to(top_x[c * n + k], top_y[c * n + k]);
      for (size_t k = 0; k + 1 < n; ++k)
        go_to(side_x[(c + 1) * (n - 1) + k], side_y[(c + 1) * (n - 1) + k]);
      for (size_t k = n + 1; k-- > 0;) go_to(low_x[c * n + k], low_y[c * n + k]);
      for (size_t k = n - 1; k-- > 0;) go_to(side_x[c * (n - 1) + k], side_y[c * (n - 1) + k]);
      areas[c] = reached ? std::fabs(sum) / 2 : 0;
    }
    return areas;
  }
};

CellAreas::CellAreas(const Lattice& lattice, const CellWindow& window)
    : impl_(std::make_unique<Impl>(lattice, window)) {}
CellAreas::~CellAreas() = default;

std::vector<double> CellAreas::row(int64_t row) const {
  return impl_->geographic ? impl_->row_of_degrees(row) : impl_->row_of_projection(row);
}

}  // namespace fluxtile
