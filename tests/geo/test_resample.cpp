// SPDX-License-Identifier: Apache-2.0
#include "geo/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Cells = std::vector<CellIndex>;

Cells cells_of(const CellWindow& w) {
  Cells cells;
  for (int64_t row = w.row; row < w.row + w.height; ++row)
    for (int64_t column = w.column; column < w.column + w.width; ++column)
      cells.push_back({column, row});
  return cells;
}

/// Source cells of `size`, upper-left corner at (x, y).
SourceGrid affine(int64_t width, int64_t height, double x, double y, double size) {
  SourceGrid grid;
  grid.width = width;
  grid.height = height;
  const double gt[6] = {x, size, 0, y, 0, -size};
  std::copy(gt, gt + 6, grid.geotransform);
  return grid;
}

SourceGrid rotated(int64_t side, double x, double y, double size, double angle) {
  SourceGrid grid = affine(side, side, x, y, size);
  grid.geotransform[1] = size * std::cos(angle);
  grid.geotransform[2] = size * std::sin(angle);
  grid.geotransform[4] = size * std::sin(angle);
  grid.geotransform[5] = -size * std::cos(angle);
  return grid;
}

SourceGrid from_axes(std::vector<double> x, std::vector<double> y, const std::string& crs = "") {
  SourceGrid grid;
  grid.width = static_cast<int64_t>(x.size());
  grid.height = static_cast<int64_t>(y.size());
  grid.x_axis = std::move(x);
  grid.y_axis = std::move(y);
  if (!crs.empty()) grid.crs = Crs::from_user_input(crs);
  return grid;
}

std::vector<double> steps(double first, double step, int n) {
  std::vector<double> axis;
  for (int i = 0; i < n; ++i) axis.push_back(first + i * step);
  return axis;
}

struct Entry {
  int64_t row, column;
  double weight;
  bool operator==(const Entry& o) const {
    return row == o.row && column == o.column && weight == o.weight;
  }
};

/// Entries of target i in the source's own indices.
std::vector<Entry> entries(const ResampleWeights& w, size_t i) {
  std::vector<Entry> out;
  for (auto k = static_cast<size_t>(w.offset[i]); k < static_cast<size_t>(w.offset[i + 1]); ++k)
    out.push_back({w.window.row + w.index[k] / w.window.width,
                   w.window.column + w.index[k] % w.window.width, w.weight[k]});
  return out;
}

double sum_of(const std::vector<Entry>& list) {
  double sum = 0;
  for (const Entry& e : list) sum += e.weight;
  return sum;
}

/// Values of a function of the source's own (column, row), laid out over the window of `w`.
std::vector<double> layer(const ResampleWeights& w,
                          const std::function<double(int64_t, int64_t)>& value) {
  std::vector<double> values;
  for (int64_t row = 0; row < w.window.height; ++row)
    for (int64_t column = 0; column < w.window.width; ++column)
      values.push_back(value(w.window.column + column, w.window.row + row));
  return values;
}

std::vector<double> applied(const ResampleWeights& w,
                            const std::function<double(int64_t, int64_t)>& value) {
  std::vector<double> out;
  apply_weights(w, layer(w, value), out);
  return out;
}

double random_unit(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) / 9007199254740992.0;
}

const Transform identity;
Transform between(const std::string& from, const std::string& to) {
  return Transform(choose_operation(Crs::from_user_input(from), Crs::from_user_input(to)));
}
const char* const modis = "+proj=sinu +R=6371007.181";

TEST(Resampling, NamesGoBothWays) {
  for (const auto method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area})
    EXPECT_EQ(parse_resampling(to_string(method)), method);
  try {
    parse_resampling("bilinaer");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("bilinear"));
  }
}

// ---------------------------------------------------------------------- index coordinates

TEST(SourceGrid, IndexIsZeroAtTheFirstCentre) {
  double x[] = {105, 100, 139.9}, y[] = {195, 200, 170.1};
  affine(4, 3, 100, 200, 10).to_index(x, y, 3);
  EXPECT_EQ(x[0], 0);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(x[1], -0.5);
  EXPECT_EQ(y[1], -0.5);
  EXPECT_NEAR(x[2], 3.49, 1e-12);
  EXPECT_NEAR(y[2], 2.49, 1e-12);
}

TEST(SourceGrid, RotatedIndexInvertsTheGeotransform) {
  const SourceGrid grid = rotated(20, 1000, 5000, 12, 0.4);
  for (double c = -1; c < 20; c += 3.3)
    for (double r = -1; r < 20; r += 2.7) {
      const double* gt = grid.geotransform;
      double x = gt[0] + (c + 0.5) * gt[1] + (r + 0.5) * gt[2];
      double y = gt[3] + (c + 0.5) * gt[4] + (r + 0.5) * gt[5];
      grid.to_index(&x, &y, 1);
      EXPECT_NEAR(x, c, 1e-9);
      EXPECT_NEAR(y, r, 1e-9);
    }
}

TEST(SourceGrid, AxesInEitherDirection) {
  for (const bool ascending : {false, true}) {
    const SourceGrid grid =
        from_axes(steps(-100, 0.25, 9), ascending ? steps(30, 0.25, 5) : steps(31, -0.25, 5));
    double x = -99.9, y = 30.6;
    grid.to_index(&x, &y, 1);
    EXPECT_NEAR(x, 0.4, 1e-12);
    EXPECT_NEAR(y, ascending ? 2.4 : 1.6, 1e-12);
  }
}

TEST(SourceGrid, UnevenAxisIsPiecewiseLinear) {
  const SourceGrid grid = from_axes({0, 1, 3, 7}, {10, 9, 7, 3});
  double x[] = {0.5, 2, 5, -0.5, 9}, y[] = {9.5, 8, 5, 10.5, 1};
  grid.to_index(x, y, 5);
  const double expected[] = {0.5, 1.5, 2.5, -0.5, 3.5};
  for (int i = 0; i < 5; ++i) {
    EXPECT_DOUBLE_EQ(x[i], expected[i]);
    EXPECT_DOUBLE_EQ(y[i], expected[i]);
  }
}

TEST(SourceGrid, NearIntegersAreSnapped) {
  double x[] = {105 + 9e-6, 105 + 2e-5}, y[] = {195 - 9e-6, 195};
  affine(4, 3, 100, 200, 10).to_index(x, y, 2);
  EXPECT_EQ(x[0], 0);
  EXPECT_EQ(y[0], 0);
  EXPECT_GT(x[1], 1e-6);
}

TEST(SourceGrid, LongitudesAreWrappedToTheAxis) {
  SourceGrid grid = from_axes(steps(200, 1, 60), steps(50, -1, 20), "EPSG:4326");
  grid.wraps = true;
  double x[] = {-150, 210, -160.75, 570}, y[] = {50, 50, 50, 50};
  grid.to_index(x, y, 4);
  EXPECT_EQ(x[0], 10);
  EXPECT_EQ(x[1], 10);
  EXPECT_DOUBLE_EQ(x[2], -0.75);
  EXPECT_EQ(x[3], 10);
}

TEST(SourceGrid, RefusesBrokenAxes) {
  double x = 0, y = 0;
  EXPECT_THROW(from_axes({0, 1, 1}, {0, 1}).to_index(&x, &y, 1), Error);
  EXPECT_THROW(from_axes({0, 2, 1}, {0, 1}).to_index(&x, &y, 1), Error);
  EXPECT_THROW(from_axes({0}, {0, 1}).to_index(&x, &y, 1), Error);
  EXPECT_THROW(rotated(3, 0, 0, 0, 0).to_index(&x, &y, 1), Error);
  EXPECT_THROW(SourceGrid().to_index(&x, &y, 1), Error);
}

TEST(SourceGrid, IdentityTellsPlacementsApart) {
  const SourceGrid a = affine(4, 3, 100, 200, 10);
  SourceGrid b = a, c = a, d = a;
  EXPECT_EQ(a.identity(), b.identity());
  b.geotransform[0] += 1e-9;
  c.crs = Crs::from_user_input("EPSG:5070");
  d.height = 4;
  EXPECT_NE(a.identity(), b.identity());
  EXPECT_NE(a.identity(), c.identity());
  EXPECT_NE(a.identity(), d.identity());
  EXPECT_NE(from_axes({0, 1}, {0, 1}).identity(), from_axes({0, 1}, {0, 2}).identity());
}

// ---------------------------------------------------------------------- nearest

TEST(Nearest, TakesTheContainingCell) {
  const Lattice fine{"", 4, 1, 0};  // centres at 3, 7, 11, ...
  const auto w = make_weights(fine, {{0, 0}, {1, 0}, {2, 2}}, affine(3, 3, 0, 0, 10), identity,
                              Resampling::nearest);
  EXPECT_EQ(entries(w, 0), (std::vector<Entry>{{0, 0, 1}}));
  EXPECT_EQ(entries(w, 1), (std::vector<Entry>{{0, 0, 1}}));
  EXPECT_EQ(entries(w, 2), (std::vector<Entry>{{1, 1, 1}}));
  EXPECT_EQ(w.window.width, 2);
  EXPECT_EQ(w.window.height, 2);
}

TEST(Nearest, OnAnEdgeTakesTheCellToTheRightAndBelowHoweverTheSourceIsStored) {
  // Target centres lie exactly on source corners.
  const Lattice lattice{"", 10, -5, 5};
  const Cells cells = cells_of({0, 0, 4, 4});
  const auto value = [](double x, double y) { return 100 * x + y; };
  const SourceGrid north_up = affine(3, 3, 0, 0, 10);
  const auto up = make_weights(lattice, cells, north_up, identity, Resampling::nearest);
  const auto reference = applied(up, [&](int64_t c, int64_t r) {
    return value(5 + 10.0 * static_cast<double>(c), -5 - 10.0 * static_cast<double>(r));
  });
  EXPECT_EQ(reference[0], value(5, -5));
  EXPECT_TRUE(std::isnan(reference[3]));   // on the right edge of the raster: outside
  EXPECT_TRUE(std::isnan(reference[12]));  // on its lower edge: outside
  for (const bool flip_x : {false, true}) {
    for (const bool flip_y : {false, true}) {
      for (const bool by_axes : {false, true}) {
        SourceGrid grid = north_up;
        if (flip_x) {
          grid.geotransform[0] = 30;
          grid.geotransform[1] = -10;
        }
        if (flip_y) {
          grid.geotransform[3] = -30;
          grid.geotransform[5] = 10;
        }
        if (by_axes) {
          grid.x_axis = flip_x ? steps(25, -10, 3) : steps(5, 10, 3);
          grid.y_axis = flip_y ? steps(-25, 10, 3) : steps(-5, -10, 3);
        }
        const auto w = make_weights(lattice, cells, grid, identity, Resampling::nearest);
        const auto out = applied(w, [&](int64_t c, int64_t r) {
          const auto dc = static_cast<double>(c), dr = static_cast<double>(r);
          return value(flip_x ? 25 - 10 * dc : 5 + 10 * dc, flip_y ? -25 + 10 * dr : -5 - 10 * dr);
        });
        for (size_t i = 0; i < out.size(); ++i)
          EXPECT_TRUE(out[i] == reference[i] || (std::isnan(out[i]) && std::isnan(reference[i])))
              << i << " " << flip_x << flip_y << by_axes;
      }
    }
  }
}

TEST(Nearest, EdgesAreSnapped) {
  // 3e-6 left of an edge of a 10 m cell is 3e-7 of a cell: counts as on the edge.
  const auto w = make_weights({"", 10, 5 - 3e-6, 0}, {{0, 0}}, affine(3, 3, 0, 0, 10), identity,
                              Resampling::nearest);
  EXPECT_EQ(entries(w, 0), (std::vector<Entry>{{0, 1, 1}}));
}

// ---------------------------------------------------------------------- bilinear

TEST(Bilinear, EqualsTheFormulaWithNodataLeftOut) {
  std::mt19937_64 random(3);
  const int64_t side = 12;
  std::vector<double> source(static_cast<size_t>(side * side));
  for (double& v : source) v = random_unit(random) < 0.2 ? nan : random_unit(random);
  const Lattice lattice{"", 0.37, -0.9, 0.8};
  const Cells cells = cells_of({0, 0, 40, 40});
  const auto w =
      make_weights(lattice, cells, affine(side, side, 0, 0, 1), identity, Resampling::bilinear);
  const auto out =
      applied(w, [&](int64_t c, int64_t r) { return source[static_cast<size_t>(r * side + c)]; });
  int valid = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    const double fx = lattice.centre(cells[i]).x - 0.5, fy = -lattice.centre(cells[i]).y - 0.5;
    double sum = 0, weight = 0;
    for (int dy = 0; dy < 2; ++dy)
      for (int dx = 0; dx < 2; ++dx) {
        const auto c = static_cast<int64_t>(std::floor(fx)) + dx;
        const auto r = static_cast<int64_t>(std::floor(fy)) + dy;
        if (c < 0 || r < 0 || c >= side || r >= side) continue;
        const double v = source[static_cast<size_t>(r * side + c)];
        const double k = (1 - std::abs(fx - static_cast<double>(c))) *
                         (1 - std::abs(fy - static_cast<double>(r)));
        if (std::isnan(v) || k <= 1e-9) continue;
        sum += k * v;
        weight += k;
      }
    if (weight > 0) {
      EXPECT_NEAR(out[i], sum / weight, 1e-9) << i;
      ++valid;
    } else {
      EXPECT_TRUE(std::isnan(out[i])) << i;
    }
  }
  EXPECT_GT(valid, 500);
  EXPECT_LT(valid, 1600);
}

TEST(Bilinear, OnACentreOnlyThatCellCounts) {
  const auto w = make_weights({"", 1, 1e-8, 0}, {{1, 1}}, affine(3, 3, 0, 0, 1), identity,
                              Resampling::bilinear);
  EXPECT_EQ(entries(w, 0), (std::vector<Entry>{{1, 1, 1}}));
}

TEST(Bilinear, ReproducesALinearFieldInTheSourceCrs) {
  // Latitude ascending and descending, targets in another CRS.
  const Lattice lattice{"EPSG:5070", 5000, 0, 0};
  const Transform to_source = between("EPSG:5070", "EPSG:4269");
  const Cells cells = cells_of({10, -420, 30, 30});
  for (const bool ascending : {false, true}) {
    const auto lon = steps(-97, 0.25, 40),
               lat = ascending ? steps(38, 0.25, 40) : steps(47.75, -0.25, 40);
    const auto w = make_weights(lattice, cells, from_axes(lon, lat, "EPSG:4269"), to_source,
                                Resampling::bilinear);
    const auto out = applied(w, [&](int64_t c, int64_t r) {
      return 3 * lon[static_cast<size_t>(c)] - 2 * lat[static_cast<size_t>(r)];
    });
    for (size_t i = 0; i < cells.size(); ++i) {
      Point p = lattice.centre(cells[i]);
      to_source.forward(&p.x, &p.y, 1);
      ASSERT_NEAR(out[i], 3 * p.x - 2 * p.y, 1e-9);
    }
  }
}

TEST(Bilinear, CoverageTellsTheValidWeight) {
  const auto w = make_weights({"", 1, 0.5, -0.5}, {{0, 0}}, affine(2, 2, 0, 0, 1), identity,
                              Resampling::bilinear);
  std::vector<double> out, coverage;
  apply_weights(w, {nan, 2, 4, 6}, out, &coverage);
  EXPECT_DOUBLE_EQ(out[0], 4);
  EXPECT_DOUBLE_EQ(coverage[0], 0.75);
  apply_weights(w, {nan, nan, nan, nan}, out, &coverage);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(coverage[0], 0);
}

TEST(Bilinear, GlobalGridClosesTheCircle) {
  SourceGrid grid = from_axes(steps(0.5, 1, 360), steps(10, -1, 21), "EPSG:4326");
  grid.wraps = true;
  const Lattice lattice{"EPSG:4326", 0.5, -0.25, 0.25};  // cell (0, 0) centred on Greenwich
  const auto w =
      make_weights(lattice, {{0, 0}, {-360, 0}, {719, 0}}, grid, identity, Resampling::bilinear);
  EXPECT_EQ(entries(w, 0), (std::vector<Entry>{{10, 0, 0.5}, {10, 359, 0.5}}));
  EXPECT_EQ(entries(w, 1), (std::vector<Entry>{{10, 179, 0.5}, {10, 180, 0.5}}));
  EXPECT_EQ(entries(w, 2), (std::vector<Entry>{{10, 359, 1}}));
  const auto right =
      make_weights({"EPSG:4326", 0.5, -0.5, 0.25}, {{0, 0}}, grid, identity, Resampling::bilinear);
  EXPECT_EQ(entries(right, 0), (std::vector<Entry>{{10, 0, 0.25}, {10, 359, 0.75}}));
}

// ---------------------------------------------------------------------- cubic

TEST(Cubic, ReproducesAQuadraticField) {
  const Lattice lattice{"", 0.31, 2, -2};
  const Cells cells = cells_of({0, 0, 15, 15});
  const auto w = make_weights(lattice, cells, affine(12, 12, 0, 0, 1), identity, Resampling::cubic);
  const auto field = [](double x, double y) { return 2 + x - 3 * y + x * x + 0.5 * y * y - x * y; };
  const auto out = applied(w, [&](int64_t c, int64_t r) {
    return field(static_cast<double>(c) + 0.5, -static_cast<double>(r) - 0.5);
  });
  for (size_t i = 0; i < cells.size(); ++i) {
    const Point p = lattice.centre(cells[i]);
    ASSERT_NEAR(out[i], field(p.x, p.y), 1e-10);
    EXPECT_EQ(entries(w, i).size(), 16U);
    EXPECT_NEAR(sum_of(entries(w, i)), 1, 1e-14);
  }
}

TEST(Cubic, FallsBackToBilinearAtNodataAndAtTheBorder) {
  const Lattice lattice{"", 0.3, 0.1, -0.1};
  const Cells cells = cells_of({0, 0, 18, 18});
  const SourceGrid grid = affine(6, 6, 0, 0, 1);
  const auto cubic = make_weights(lattice, cells, grid, identity, Resampling::cubic);
  const auto linear = make_weights(lattice, cells, grid, identity, Resampling::bilinear);
  const auto field = [](int64_t c, int64_t r) {
    return c == 4 && r == 1 ? nan : std::sin(static_cast<double>(3 * c + 7 * r));
  };
  const auto out = applied(cubic, field), reference = applied(linear, field);
  int different = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    const Point p = lattice.centre(cells[i]);
    const auto c = static_cast<int64_t>(std::floor(p.x - 0.5));
    const auto r = static_cast<int64_t>(std::floor(-p.y - 0.5));
    const bool whole = c >= 1 && c <= 3 && r >= 1 && r <= 3;
    const bool hole = 4 >= c - 1 && 4 <= c + 2 && 1 >= r - 1 && 1 <= r + 2;
    if (!whole || hole)
      EXPECT_TRUE(std::abs(out[i] - reference[i]) < 1e-12 ||
                  (std::isnan(out[i]) && std::isnan(reference[i])))
          << p.x << " " << p.y;
    else
      different += std::abs(out[i] - reference[i]) > 1e-6 ? 1 : 0;
  }
  EXPECT_GT(different, 20);
}

// ---------------------------------------------------------------------- area

TEST(Area, WholeMultiplesAreExact) {
  const auto w = make_weights({"", 4, 0, 0}, cells_of({0, 0, 2, 2}), affine(8, 8, 0, 0, 1),
                              identity, Resampling::area);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(entries(w, i).size(), 16U);
    for (const Entry& e : entries(w, i)) EXPECT_EQ(e.weight, 1.0 / 16);
  }
  EXPECT_EQ(entries(w, 3).front().row, 4);
}

TEST(Area, CoincidentLatticesCopy) {
  // 1/24 degree: index coordinates of equal lattices differ from integers by rounding.
  const double step = 1.0 / 24;
  const SourceGrid grid =
      from_axes(steps(-124 + step / 2, step, 50), steps(49 - step / 2, -step, 50), "EPSG:4326");
  const auto w = make_weights({"EPSG:4326", step, -124, 49}, cells_of({0, 0, 50, 50}), grid,
                              identity, Resampling::area);
  for (size_t i = 0; i < w.size(); ++i) {
    ASSERT_EQ(entries(w, i).size(), 1U) << i;
    EXPECT_NEAR(entries(w, i)[0].weight, 1, 1e-5);
    EXPECT_EQ(entries(w, i)[0].column, static_cast<int64_t>(i % 50));
  }
}

TEST(Area, AxisAlignedOverlapIsTheProductOfTwoIntervals) {
  for (const auto& [target, source] :
       std::vector<std::pair<double, double>>{{10.0 / 3, 1}, {250, 30}, {1, 3.7}, {0.3, 1}}) {
    const Lattice lattice{"", target, 1.1, -0.7};
    const Cells cells = cells_of({0, 0, 9, 9});
    const SourceGrid grid = affine(100, 100, 0, 0, source);
    const auto w = make_weights(lattice, cells, grid, identity, Resampling::area);
    for (size_t i = 0; i < cells.size(); ++i) {
      const Point corner = lattice.corner(cells[i]);
      for (const Entry& e : entries(w, i)) {
        const auto span = [&](double low, int64_t k) {
          const double from = std::max(low, static_cast<double>(k) * source);
          const double to = std::min(low + target, static_cast<double>(k + 1) * source);
          return std::max(0.0, to - from) / target;
        };
        ASSERT_NEAR(e.weight, span(corner.x, e.column) * span(-corner.y, e.row), 1e-12);
        ASSERT_GT(e.weight, 0);
      }
      ASSERT_NEAR(sum_of(entries(w, i)), 1, 1e-12);
    }
  }
}

TEST(Area, ConservesTheIntegralOfEverySourceCell) {
  // A rotated source inside the targets: what its cells give away adds up to their area.
  const SourceGrid grid = rotated(15, 20, -20, 3, 0.3);
  const Lattice lattice{"", 7, 0, 0};
  const auto w =
      make_weights(lattice, cells_of({-2, -2, 16, 16}), grid, identity, Resampling::area);
  std::map<std::pair<int64_t, int64_t>, double> given;
  for (size_t i = 0; i < w.size(); ++i)
    for (const Entry& e : entries(w, i)) given[{e.row, e.column}] += e.weight * 49;
  EXPECT_EQ(given.size(), 225U);
  for (const auto& [cell, area] : given) EXPECT_NEAR(area, 9, 1e-10) << cell.first;
}

TEST(Area, RotatedOverlapAgreesWithSampling) {
  const SourceGrid grid = rotated(6, 10, -10, 3, 0.5);
  const Lattice lattice{"", 5, 0, 0};
  const Cells cells = cells_of({1, 1, 3, 3});
  const auto w = make_weights(lattice, cells, grid, identity, Resampling::area);
  constexpr int n = 400;
  for (size_t i = 0; i < cells.size(); ++i) {
    std::map<std::pair<int64_t, int64_t>, double> sampled;
    for (int a = 0; a < n; ++a)
      for (int b = 0; b < n; ++b) {
        double x = lattice.corner(cells[i]).x + 5 * (a + 0.5) / n;
        double y = lattice.corner(cells[i]).y - 5 * (b + 0.5) / n;
        grid.to_index(&x, &y, 1);
        sampled[{std::llround(y), std::llround(x)}] += 1.0 / n / n;
      }
    for (const Entry& e : entries(w, i))
      ASSERT_NEAR(e.weight, (sampled[{e.row, e.column}]), 3e-3) << e.row << " " << e.column;
  }
}

TEST(Area, QuadrilateralsOfAnotherCrsFillEveryTargetCellExactlyOnce) {
  const Lattice lattice{"EPSG:5070", 1000, 0, 0};
  const Cells cells = cells_of({40, -2110, 20, 20});
  struct Source {
    SourceGrid grid;
    Transform transform;
  };
  SourceGrid sinusoidal = affine(400, 400, -7950000, 4720000, 463.3127);
  sinusoidal.crs = Crs::from_user_input(modis);
  const std::vector<Source> sources = {
      {from_axes(steps(-96, 1.0 / 24, 60), steps(43, -1.0 / 24, 60), "EPSG:4269"),
       between("EPSG:5070", "EPSG:4269")},
      {from_axes(steps(-96, 0.004, 400), steps(41.4, 0.004, 400), "EPSG:4326"),
       between("EPSG:5070", "EPSG:4326")},
      {sinusoidal, between("EPSG:5070", modis)}};
  for (const Source& source : sources) {
    const auto w = make_weights(lattice, cells, source.grid, source.transform, Resampling::area);
    for (size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(sum_of(entries(w, i)), 1, 1e-9);
  }
}

TEST(Area, AcrossTheSeamOfAGlobalGridAndTheAntimeridian) {
  for (const double first : {0.5, -179.5}) {  // 0..360 and -180..180
    SourceGrid grid = from_axes(steps(first, 1, 360), steps(60.5, -1, 40), "EPSG:4326");
    grid.wraps = true;
    for (const double origin : {-5.0, 175.0, 355.0, -185.0}) {
      const Lattice lattice{"EPSG:4326", 2.5, origin, 50};
      const Cells cells = cells_of({0, 0, 4, 2});
      const auto w = make_weights(lattice, cells, grid, identity, Resampling::area);
      for (size_t i = 0; i < w.size(); ++i) {
        const auto list = entries(w, i);
        ASSERT_NEAR(sum_of(list), 1, 1e-12) << first << " " << origin;
        ASSERT_TRUE(std::is_sorted(list.begin(), list.end(), [](const Entry& a, const Entry& b) {
          return a.row != b.row ? a.row < b.row : a.column < b.column;
        }));
        for (const Entry& e : list) {
          const double distance = std::remainder(
              grid.x_axis[static_cast<size_t>(e.column)] - lattice.centre(cells[i]).x, 360);
          ASSERT_LT(std::abs(distance), 2);
        }
      }
    }
  }
  // A projected source around the antimeridian, targets in longitude and latitude.
  SourceGrid mercator = affine(40, 40, -1e6, 1e6, 50000);
  const std::string definition = "+proj=merc +lon_0=180 +R=6371000";
  mercator.crs = Crs::from_user_input(definition);
  const Lattice lattice{"EPSG:4326", 1, 177, 3};
  const auto w = make_weights(lattice, cells_of({0, 0, 6, 6}), mercator,
                              between("EPSG:4326", definition), Resampling::area);
  for (size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(sum_of(entries(w, i)), 1, 1e-9) << i;
}

TEST(Area, AroundThePole) {
  // Centres at the pole: the outermost row is half as high.
  SourceGrid grid = from_axes(steps(0, 1, 360), steps(90, -1, 40), "EPSG:4326");
  grid.wraps = true;
  const Lattice lattice{"EPSG:3413", 25000, 0, 0};
  const auto w = make_weights(lattice, cells_of({-4, -4, 8, 8}), grid,
                              between("EPSG:3413", "EPSG:4326"), Resampling::area);
  for (size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(sum_of(entries(w, i)), 1, 1e-9) << i;
}

TEST(Area, MeanLeavesNodataOutAndCoverageTellsTheValidShare) {
  const auto w = make_weights({"", 2, 0, 0}, {{0, 0}, {1, 0}, {7, 7}}, affine(4, 2, 0, 0, 1),
                              identity, Resampling::area);
  std::vector<double> out, coverage;
  apply_weights(w, {nan, 1, 5, 5, 2, 3, 5, 5}, out, &coverage);
  EXPECT_DOUBLE_EQ(out[0], 2);
  EXPECT_DOUBLE_EQ(coverage[0], 0.75);
  EXPECT_DOUBLE_EQ(out[1], 5);
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_EQ(coverage[2], 0);
}

TEST(CategoryShares, AreSharesOfTheCellsArea) {
  const Lattice lattice{"", 2, 1, 0};  // the second cell reaches beyond the source
  const auto w =
      make_weights(lattice, {{0, 0}, {1, 0}}, affine(4, 2, 0, 0, 1), identity, Resampling::area);
  const auto values = layer(w, [](int64_t c, int64_t r) {
    const double codes[2][4] = {{1, 1, 5, 5}, {1, 5, nan, 24}};
    return codes[r][c];
  });
  const auto shares = category_shares(w, values, {5, 1, 7});
  const std::vector<double> expected = {0.5, 0.25, 0, 0.25, 0, 0};
  ASSERT_EQ(shares.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_DOUBLE_EQ(shares[i], expected[i]) << i;

  const auto point =
      make_weights(lattice, {{0, 0}}, affine(4, 2, 0, 0, 1), identity, Resampling::nearest);
  EXPECT_EQ(category_shares(point, layer(point, [](int64_t, int64_t) { return 5.0; }), {1, 5}),
            (std::vector<double>{0, 1}));
  const auto linear =
      make_weights(lattice, {{0, 0}}, affine(4, 2, 0, 0, 1), identity, Resampling::bilinear);
  EXPECT_THROW(category_shares(linear, layer(linear, [](int64_t, int64_t) { return 5.0; }), {1}),
               Error);
}

// ---------------------------------------------------------------------- all methods

TEST(Weights, OfACellDoNotDependOnTheOtherCellsOfTheRequest) {
  const Lattice lattice{"EPSG:5070", 1000, 0, 0};
  const Cells cells = cells_of({40, -2110, 14, 14});
  SourceGrid sinusoidal = affine(200, 200, -7950000, 4720000, 926.625433);
  sinusoidal.crs = Crs::from_user_input(modis);
  SourceGrid turned = rotated(120, 30000, 2120000, 300, 0.2);
  turned.crs = Crs::from_user_input("EPSG:5070");
  struct Source {
    SourceGrid grid;
    Transform transform;
  };
  const std::vector<Source> sources = {
      {from_axes(steps(-96, 1.0 / 24, 60), steps(43, -1.0 / 24, 60), "EPSG:4269"),
       between("EPSG:5070", "EPSG:4269")},
      {sinusoidal, between("EPSG:5070", modis)},
      {turned, identity},
      {affine(300, 300, 36000.5, 2115000.25, 70), identity}};
  std::mt19937_64 random(5);
  for (const Source& source : sources) {
    for (const auto method :
         {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area}) {
      const auto together = make_weights(lattice, cells, source.grid, source.transform, method);
      size_t filled = 0;
      Cells shuffled = cells;
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      shuffled.resize(50);
      const auto few = make_weights(lattice, shuffled, source.grid, source.transform, method);
      for (size_t s = 0; s < shuffled.size(); ++s) {
        const auto i = static_cast<size_t>((shuffled[s].row + 2110) * 14 + shuffled[s].column - 40);
        const auto alone =
            make_weights(lattice, {shuffled[s]}, source.grid, source.transform, method);
        ASSERT_EQ(entries(alone, 0), entries(together, i));
        ASSERT_EQ(entries(few, s), entries(together, i));
        filled += entries(alone, 0).empty() ? 0 : 1;
      }
      EXPECT_GT(filled, 20U) << to_string(method);
    }
  }
}

TEST(Weights, WindowIsTightAndInsideTheSource) {
  const Lattice lattice{"", 10, 0, 0};
  for (const auto method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area}) {
    const auto w = make_weights(lattice, cells_of({-3, -3, 30, 30}), affine(20, 15, 7, -4, 9.5),
                                identity, method);
    EXPECT_GE(w.window.column, 0);
    EXPECT_GE(w.window.row, 0);
    EXPECT_LE(w.window.column + w.window.width, 20);
    EXPECT_LE(w.window.row + w.window.height, 15);
    std::vector<bool> row_used(static_cast<size_t>(w.window.height));
    std::vector<bool> column_used(static_cast<size_t>(w.window.width));
    for (const int32_t k : w.index) {
      ASSERT_GE(k, 0);
      row_used.at(static_cast<size_t>(k / w.window.width)) = true;
      column_used[static_cast<size_t>(k % w.window.width)] = true;
    }
    EXPECT_TRUE(row_used.front() && row_used.back() && column_used.front() && column_used.back());
  }
}

TEST(Weights, OutsideTheSourceAreEmpty) {
  for (const auto method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area}) {
    const auto w = make_weights({"", 10, 0, 0}, cells_of({100, 100, 3, 3}), affine(5, 5, 0, 0, 10),
                                identity, method);
    EXPECT_EQ(w.size(), 9U);
    EXPECT_TRUE(w.window.empty());
    std::vector<double> out;
    apply_weights(w, {}, out);
    for (const double v : out) EXPECT_TRUE(std::isnan(v));
    EXPECT_EQ(make_weights({"", 10, 0, 0}, {}, affine(5, 5, 0, 0, 10), identity, method).size(),
              0U);
  }
}

TEST(Weights, ALayerOfAnotherSizeIsABug) {
  const auto w =
      make_weights({"", 1, 0, 0}, {{0, 0}}, affine(2, 2, 0, 0, 1), identity, Resampling::nearest);
  std::vector<double> out;
  EXPECT_THROW(apply_weights(w, {1, 2, 3, 4}, out), Error);
}

// The same field stored north-up and south-up gives the same map.
TEST(Weights, StorageOrderOfRowsDoesNotMatter) {
  const Lattice lattice{"EPSG:5070", 3000, 0, 0};
  const Cells cells = cells_of({10, -700, 12, 12});
  const Transform to_source = between("EPSG:5070", "EPSG:4269");
  const int n = 80;
  const auto field = [](double x, double y) { return std::sin(40 * x) + std::cos(31 * y); };
  for (const auto method :
       {Resampling::nearest, Resampling::bilinear, Resampling::cubic, Resampling::area}) {
    std::vector<double> maps[2];
    for (const bool ascending : {false, true}) {
      const auto lon = steps(-97, 0.0625, n);
      auto lat = steps(40, 0.0625, n);
      if (!ascending) std::reverse(lat.begin(), lat.end());
      const auto w =
          make_weights(lattice, cells, from_axes(lon, lat, "EPSG:4269"), to_source, method);
      maps[ascending ? 1 : 0] = applied(w, [&](int64_t c, int64_t r) {
        return field(lon[static_cast<size_t>(c)], lat[static_cast<size_t>(r)]);
      });
    }
    for (size_t i = 0; i < cells.size(); ++i) ASSERT_NEAR(maps[0][i], maps[1][i], 1e-9);
  }
}

}  // namespace
}  // namespace fluxtile
