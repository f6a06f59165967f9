// SPDX-License-Identifier: Apache-2.0
#include "geo/lattice.h"

#include <gtest/gtest.h>

namespace fluxtile {
namespace {

const Lattice metric{"EPSG:5070", 250, 0, 0};

TEST(Lattice, CentresAndCornersCountRowsDownward) {
  const Lattice lattice{"", 10, 100, 1000};
  EXPECT_EQ(lattice.centre({0, 0}).x, 105);
  EXPECT_EQ(lattice.centre({0, 0}).y, 995);
  EXPECT_EQ(lattice.corner({-2, 3}).x, 80);
  EXPECT_EQ(lattice.corner({-2, 3}).y, 970);
}

TEST(Lattice, CoveringTakesEveryTouchedCellAndNoMore) {
  EXPECT_EQ(metric.covering({0, 0}, {250, -250}), (CellWindow{0, 0, 1, 1}));
  EXPECT_EQ(metric.covering({250, -250}, {0, 0}), (CellWindow{0, 0, 1, 1}));
  EXPECT_EQ(metric.covering({-1, 1}, {251, -251}), (CellWindow{-1, -1, 3, 3}));
  EXPECT_EQ(metric.covering({10, 500}, {20, 499}), (CellWindow{0, -2, 1, 1}));
}

TEST(Lattice, CoveringIgnoresRoundingAtItsEdges) {
  EXPECT_EQ(metric.covering({-1e-5, 1e-5}, {250.00001, -250.00001}), (CellWindow{0, 0, 1, 1}));
  EXPECT_EQ(metric.covering({-1e-2, 0}, {250, -250}), (CellWindow{-1, 0, 2, 1}));
}

TEST(Lattice, CoveringOfAPointIsOneCell) {
  EXPECT_EQ(metric.covering({300, -300}, {300, -300}), (CellWindow{1, 1, 1, 1}));
  EXPECT_EQ(metric.covering({250, -250}, {250, -250}), (CellWindow{1, 1, 1, 1}));
}

TEST(Lattice, GeotransformIsThatOfTheWindowsCorner) {
  EXPECT_EQ(metric.geotransform({-2, 4, 10, 10}),
            (std::vector<double>{-500, 250, 0, -1000, 0, -250}));
}

TEST(CellWindow, IntersectionAndUnion) {
  const CellWindow a{0, 0, 4, 4}, b{2, 3, 4, 4}, apart{10, 10, 1, 1}, nothing{};
  EXPECT_EQ(a.intersection(b), (CellWindow{2, 3, 2, 1}));
  EXPECT_EQ(b.intersection(a), a.intersection(b));
  EXPECT_TRUE(a.intersection(apart).empty());
  EXPECT_TRUE(a.intersection(nothing).empty());
  EXPECT_EQ(a.united(b), (CellWindow{0, 0, 6, 7}));
  EXPECT_EQ(a.united(nothing), a);
  EXPECT_EQ(nothing.united(a), a);
}

TEST(CellWindow, ContainsIsHalfOpen) {
  const CellWindow w{-1, -1, 2, 2};
  EXPECT_TRUE(w.contains({-1, -1}));
  EXPECT_TRUE(w.contains({0, 0}));
  EXPECT_FALSE(w.contains({1, 0}));
  EXPECT_FALSE(w.contains({0, 1}));
}

TEST(Tiles, AlignToTheLatticeOriginAlsoLeftAndAboveIt) {
  EXPECT_EQ(tile_window({-1, 2}, 256), (CellWindow{-256, 512, 256, 256}));
  const auto tiles = tiles_of({-1, -257, 2, 2}, 256);
  EXPECT_EQ(tiles, (std::vector<TileIndex>{{-1, -2}, {0, -2}, {-1, -1}, {0, -1}}));
  EXPECT_EQ(tiles_of({-256, 0, 256, 1}, 256), (std::vector<TileIndex>{{-1, 0}}));
  EXPECT_TRUE(tiles_of({}, 256).empty());
}

TEST(Tiles, EveryCellOfAWindowLiesInExactlyOneOfItsTiles) {
  const CellWindow window{-13, -7, 29, 17};
  int64_t cells = 0;
  for (const TileIndex tile : tiles_of(window, 5))
    cells += window.intersection(tile_window(tile, 5)).cells();
  EXPECT_EQ(cells, window.cells());
}

}  // namespace
}  // namespace fluxtile
