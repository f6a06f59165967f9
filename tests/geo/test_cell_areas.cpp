// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "geo/crs.h"
#include "geo/product_writer.h"

namespace fluxtile {
namespace {

/// Area by PROJ's geodesic polygon over the cell's edge, cut in `cuts` pieces.
double geodesic(const Lattice& lattice, CellIndex cell, int cuts) {
  const Point a = lattice.corner(cell);
  std::vector<double> x, y;
  const double side = lattice.resolution;
  const double dx[] = {1, 0, -1, 0}, dy[] = {0, -1, 0, 1};
  Point at = a;
  for (int edge = 0; edge < 4; ++edge) {
    for (int k = 0; k < cuts; ++k) {
      x.push_back(at.x + dx[edge] * side * k / cuts);
      y.push_back(at.y + dy[edge] * side * k / cuts);
    }
    at = {at.x + dx[edge] * side, at.y + dy[edge] * side};
  }
  const Crs crs = Crs::from_user_input(lattice.crs);
  Transform(choose_operation(crs, geodetic_base(crs))).forward(x.data(), y.data(), x.size());
  double axis = 0, inverse_flattening = 0;
  ellipsoid_of(crs, axis, inverse_flattening);
  return std::fabs(geodesic_area(x.data(), y.data(), x.size(), axis, inverse_flattening));
}

TEST(CellAreas, AlbersCellsHaveTheirNominalArea) {
  const Lattice lattice{"EPSG:5070", 250, 0, 0};
  const CellAreas areas(lattice, {800, -8600, 40, 3});
  for (int64_t row = 0; row < 3; ++row) {
    const std::vector<double> values = areas.row(row);
    ASSERT_EQ(values.size(), 40U);
    for (const double value : values) EXPECT_NEAR(value, 62500, 62500 * 1e-6);
  }
}

TEST(CellAreas, AgreeWithGeodesicPolygons) {
  struct Case {
    Lattice lattice;
    CellIndex cell;
    int cuts;
  };
  const Case cases[] = {
      {{"EPSG:5070", 250, 0, 0}, {800, -8600}, 1},
      {{"EPSG:5070", 20000, 0, 0}, {-100, -140}, 200},
      {{"EPSG:32615", 1000, 0, 0}, {700, -4600}, 8},
      {{"EPSG:3857", 5000, 0, 0}, {-2000, -1000}, 50},
      {{"+proj=sinu +R=6371007.181", 463.312716528, 0, 0}, {-16000, -10000}, 4},
  };
  for (const Case& c : cases) {
    const double expected = geodesic(c.lattice, c.cell, c.cuts);
    const double found = CellAreas(c.lattice, {c.cell.column, c.cell.row, 1, 1}).row(0).at(0);
    EXPECT_NEAR(found / expected, 1, 2e-7) << c.lattice.crs << " " << c.lattice.resolution;
  }
}

TEST(CellAreas, ANeighbourChangesNothing) {
  const Lattice lattice{"EPSG:5070", 5000, 0, 0};
  const auto row = CellAreas(lattice, {10, -500, 30, 2}).row(1);
  for (int64_t c = 0; c < 30; ++c)
    EXPECT_NEAR(CellAreas(lattice, {10 + c, -499, 1, 1}).row(0).at(0), row[static_cast<size_t>(c)],
                1e-3);
}

TEST(CellAreas, DegreeCellsAndTheWholeEllipsoid) {
  const Lattice lattice{"EPSG:4269", 1, -180, 90};
  const CellAreas areas(lattice, {0, 0, 360, 180});
  double sum = 0;
  for (int64_t row = 0; row < 180; ++row)
    for (const double value : areas.row(row)) sum += value;
  // Surface of the GRS80 ellipsoid: 4 pi R2^2 with the authalic radius 6371007.1810 m.
  EXPECT_NEAR(sum / (4 * M_PI * 6371007.1809 * 6371007.1809), 1, 1e-9);
  // The cell 42..43 N: geodesic polygon with both parallels followed closely.
  const double expected = geodesic(lattice, {85, 47}, 400);
  EXPECT_NEAR(areas.row(47).at(85) / expected, 1, 1e-7);
  EXPECT_NEAR(areas.row(47).at(0), 9.1e9, 0.1e9);
}

TEST(CellAreas, ASphereHasItsOwnFormula) {
  const Lattice lattice{"+proj=longlat +R=6371000", 10, -180, 90};
  const CellAreas areas(lattice, {0, 0, 36, 18});
  const double expected = 6371000.0 * 6371000.0 * (10 * M_PI / 180) * std::sin(10 * M_PI / 180);
  EXPECT_NEAR(areas.row(8).at(0) / expected, 1, 1e-12);
}

}  // namespace
}  // namespace fluxtile
