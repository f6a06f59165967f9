// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace fluxtile {

/// A coordinate reference system given by authority code, WKT or PROJ string. Axis order is always
/// x/longitude first. Immutable and cheap to copy.
class Crs {
 public:
  Crs() = default;  ///< no CRS
  /// Throws Error(data) when PROJ does not understand `definition`.
  static Crs from_user_input(const std::string& definition);

  [[nodiscard]] bool empty() const noexcept { return wkt_.empty(); }
  [[nodiscard]] const std::string& wkt() const noexcept {
    return wkt_;
  }  ///< WKT2:2019, canonical text
  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }  ///< "EPSG:5070 NAD83 / Conus Albers"
  [[nodiscard]] bool geographic() const noexcept {
    return geographic_;
  }  ///< coordinates are degrees
  /// Metres per coordinate unit (projected) or degrees per unit (geographic).
  [[nodiscard]] double unit_factor() const noexcept { return unit_factor_; }
  /// Same CRS, axis order aside.
  [[nodiscard]] bool same_as(const Crs& other) const;

 private:
  std::string wkt_, name_;
  bool geographic_ = false;
  double unit_factor_ = 1;
};

/// How coordinates of one CRS become coordinates of another: chosen once, by plan, and then stored
/// as text.
struct Operation {
  std::string pipeline;  ///< PROJ pipeline string, x/y in and out in the CRSs' own units and
                         ///< x/longitude first; empty = identity (same CRS)
  std::string name;      ///< what PROJ calls it, for people
  double accuracy_m =
      0;  ///< metres; 0 for pure map projections and for the null NAD83/WGS84/sphere rule
  bool ballpark = false;     ///< PROJ knows no real datum operation between the two
  std::string missing_grid;  ///< a grid that would allow a more accurate operation, or empty
};

/// The operation from `from` to `to`, network grids off. Between NAD83 and WGS84 (any realisation)
/// and datum-less spheres or ellipsoids (MODIS) the datum step is null with accuracy 0: geodetic
/// latitude and longitude go over unchanged. Otherwise the most accurate operation that needs no
/// missing grid. Throws Error(data) when there is none.
Operation choose_operation(const Crs& from, const Crs& to);

/// Refuses an operation whose accuracy is unknown or worse than a quarter of a cell of `cell_m`
/// metres: Error(data) that names it, its accuracy and the missing grid where PROJ tells it.
/// Identity always passes.
void require_accuracy(const Operation& operation, double cell_m);

/// A PROJ pipeline ready to use. One PROJ context a thread inside; transform() may be called from
/// any thread.
class Transform {
 public:
  Transform() = default;  ///< identity
  explicit Transform(const Operation& operation);
  explicit Transform(const std::string& pipeline);

  /// In place, exactly, point by point (no approximation). A point PROJ cannot transform becomes
  /// (HUGE_VAL, HUGE_VAL).
  void forward(double* x, double* y, size_t n) const;
  void inverse(double* x, double* y, size_t n) const;
  [[nodiscard]] bool identity() const noexcept { return pipeline_.empty(); }
  [[nodiscard]] const std::string& pipeline() const noexcept { return pipeline_; }

 private:
  std::string pipeline_;
};

/// Area of the quadrilateral of four points (any consistent order) on the CRS's ellipsoid, m2:
/// transforms to geodetic coordinates with `to_geodetic` (degrees) and takes the geodesic polygon.
/// `a` metres and `inverse_flattening` describe the ellipsoid.
double geodesic_area(const double* longitude, const double* latitude, size_t n, double a,
                     double inverse_flattening);

/// Semi-major axis (m) and inverse flattening (0 = sphere) of the CRS's ellipsoid.
void ellipsoid_of(const Crs& crs, double& a, double& inverse_flattening);

/// The geodetic (degree) CRS underneath a projected one; itself when already geographic.
Crs geodetic_base(const Crs& crs);

}  // namespace fluxtile
