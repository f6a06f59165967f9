// SPDX-License-Identifier: Apache-2.0
#include "geo/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "base/error.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Region region_of(std::vector<std::vector<Point>> rings) {
  Region region;
  region.name = "drawn";
  region.rings = std::move(rings);
  for (auto& ring : region.rings)
    if (ring.front().x != ring.back().x || ring.front().y != ring.back().y)
      ring.push_back(ring.front());
  return region;
}

/// Crossing number without an index, straight from the definition.
bool brute_force(const Region& region, Point p) {
  bool inside = false;
  for (const auto& ring : region.rings) {
    for (size_t i = 0; i + 1 < ring.size(); ++i) {
      const Point a = ring[i], b = ring[i + 1];
      if ((a.y > p.y) == (b.y > p.y)) continue;
      if (p.x < a.x + (b.x - a.x) * (p.y - a.y) / (b.y - a.y)) inside = !inside;
    }
  }
  return inside;
}

TEST(RegionIndex, SquareIsHalfOpen) {
  const RegionIndex square(region_of({{{0, 0}, {4, 0}, {4, 4}, {0, 4}}}));
  EXPECT_TRUE(square.contains({2, 2}));
  EXPECT_FALSE(square.contains({5, 2}));
  EXPECT_FALSE(square.contains({2, -1}));
  EXPECT_TRUE(square.contains({0, 0}) != square.contains({4, 0}));
  EXPECT_TRUE(square.contains({0, 2}) != square.contains({4, 2}));
  EXPECT_TRUE(square.contains({2, 0}) != square.contains({2, 4}));
}

TEST(RegionIndex, HolesAndIslandsAlternate) {
  const RegionIndex nested(region_of({{{0, 0}, {9, 0}, {9, 9}, {0, 9}},
                                      {{2, 2}, {2, 7}, {7, 7}, {7, 2}},
                                      {{4, 4}, {5, 4}, {5, 5}, {4, 5}}}));
  EXPECT_TRUE(nested.contains({1, 1}));
  EXPECT_FALSE(nested.contains({3, 3}));
  EXPECT_TRUE(nested.contains({4.5, 4.5}));
}

TEST(RegionIndex, EqualsBruteForceOnAStar) {
  std::vector<Point> star;
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    const double angle = 2 * M_PI * i / 3000;
    const double radius = 5 + static_cast<double>(random() % 1000) / 250;
    star.push_back({radius * std::cos(angle), radius * std::sin(angle)});
  }
  const Region region = region_of({star});
  const RegionIndex index(region);
  int inside = 0;
  for (int i = 0; i < 20000; ++i) {
    const Point p{static_cast<double>(random() % 20000) / 1000 - 10,
                  static_cast<double>(random() % 20000) / 1000 - 10};
    ASSERT_EQ(index.contains(p), brute_force(region, p)) << p.x << " " << p.y;
    inside += index.contains(p) ? 1 : 0;
  }
  EXPECT_GT(inside, 1000);
}

// Two regions that share a ragged border, drawn in opposite directions: every lattice point, many
// of them on vertices and edges of the border, belongs to exactly one.
TEST(RegionIndex, NeighboursPartitionThePlane) {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<Point> border;
    for (int y = 0; y <= 10; ++y)
      border.push_back({static_cast<double>(random() % 7) + 2, 1.0 * y});
    std::vector<Point> left = border, right = border;
    left.push_back({0, 10});
    left.push_back({0, 0});
    std::reverse(right.begin(), right.end());
    right.push_back({12, 0});
    right.push_back({12, 10});
    const RegionIndex west(region_of({left})), east(region_of({right}));
    for (int i = 0; i < 48; ++i)
      for (int j = 0; j < 40; ++j) {
        const Point p{0.25 * i, 0.25 * j};
        ASSERT_NE(west.contains(p), east.contains(p)) << p.x << " " << p.y;
      }
  }
}

TEST(RegionIndex, EmptyRegionHoldsNothing) { EXPECT_FALSE(RegionIndex(Region()).contains({0, 0})); }

TEST(RegionIndex, RefusesCoordinatesThatAreNoNumbers) {
  EXPECT_THROW(RegionIndex(region_of({{{0, 0}, {NAN, 1}, {1, 1}}})), Error);
}

TEST(CellsInside, AreThoseWithTheirCentreInside) {
  const Lattice lattice{"", 1, 0, 0};
  const Region triangle = region_of({{{0, 0}, {4, 0}, {0, -4}}});
  const RegionIndex index(triangle);
  const auto cells = cells_inside(lattice, {-2, -2, 8, 8}, index, Transform());
  std::vector<CellIndex> expected;
  for (int64_t row = 0; row < 4; ++row)
    for (int64_t column = 0; column < 4; ++column)
      if (brute_force(triangle, lattice.centre({column, row}))) expected.push_back({column, row});
  EXPECT_EQ(cells, expected);
  EXPECT_EQ(cells.size(), 6U);  // 3 + 2 + 1: centres on the slanted edge are outside
  EXPECT_EQ(region_window(lattice, triangle, index, Transform()), (CellWindow{0, 0, 3, 3}));
}

TEST(RegionWindow, IsTightAndEmptyWhereNoCentreIsInside) {
  const Lattice lattice{"", 10, 0, 0};
  const Region sliver = region_of({{{1, -1}, {3, -1}, {3, -3}, {1, -3}}});
  EXPECT_TRUE(region_window(lattice, sliver, RegionIndex(sliver), Transform()).empty());
  EXPECT_TRUE(region_window(lattice, Region(), RegionIndex(Region()), Transform()).empty());
  // Two islands far apart.
  const Region islands = region_of(
      {{{-94, -4}, {-84, -4}, {-84, -6}, {-94, -6}}, {{94, 96}, {96, 96}, {96, 94}, {94, 94}}});
  EXPECT_EQ(region_window(lattice, islands, RegionIndex(islands), Transform()),
            (CellWindow{-9, -10, 19, 11}));
}

TEST(RegionWindow, HoldsEveryCellAlsoWhereLongEdgesBend) {
  // A box in longitude and latitude bulges in Albers between its corners.
  const Region box = region_of({{{-110, 30}, {-80, 30}, {-80, 45}, {-110, 45}}});
  const RegionIndex index(box);
  const Lattice lattice{"EPSG:5070", 10000, 0, 0};
  const Transform to_region(
      choose_operation(Crs::from_user_input("EPSG:5070"), Crs::from_user_input("EPSG:4269")));
  const CellWindow window = region_window(lattice, box, index, to_region);
  const CellWindow wide{window.column - 40, window.row - 40, window.width + 80, window.height + 80};
  const auto all = cells_inside(lattice, wide, index, to_region);
  CellWindow tight;
  for (const CellIndex c : all) tight = tight.united({c.column, c.row, 1, 1});
  EXPECT_EQ(window, tight);
  EXPECT_GT(all.size(), 30000U);
}

TEST(RingsOnLattice, AreDensifiedToTheStep) {
  const Region box = region_of({{{-100, 40}, {-90, 40}, {-90, 45}}});
  const Transform to_region(
      choose_operation(Crs::from_user_input("EPSG:5070"), Crs::from_user_input("EPSG:4269")));
  const auto rings = rings_on_lattice(box, to_region, 20000);
  ASSERT_EQ(rings.size(), 1U);
  EXPECT_GT(rings[0].size(), 100U);
  for (size_t i = 1; i < rings[0].size(); ++i)
    EXPECT_LT(std::hypot(rings[0][i].x - rings[0][i - 1].x, rings[0][i].y - rings[0][i - 1].y),
              20000 * 1.1);
  EXPECT_EQ(rings[0].front().x, rings[0].back().x);
}

TEST(Region, DigestTellsCoordinatesApart) {
  const Region a = region_of({{{0, 0}, {1, 0}, {1, 1}}});
  Region b = a;
  EXPECT_EQ(a.digest(), b.digest());
  b.rings[0][1].x = std::nextafter(b.rings[0][1].x, 2);
  EXPECT_NE(a.digest(), b.digest());
}

// ---------------------------------------------------------------------- reading vector sources

class RegionFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("fluxtile-region-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  RegionSource geojson(const std::string& features, const std::string& key = "name") {
    const std::string path = (folder_ / "drawn.geojson").string();
    std::ofstream(path) << R"({"type":"FeatureCollection","features":[)" << features << "]}";
    return {path, "", key, ""};
  }
  static std::string feature(const std::string& properties, const std::string& coordinates,
                             const std::string& type = "Polygon") {
    return R"({"type":"Feature","properties":{)" + properties + R"(},"geometry":{"type":")" + type +
           R"(","coordinates":)" + coordinates + "}}";
  }
  static std::string square(double x, double y, double side) {
    const auto at = [](double px, double py) {
      return "[" + std::to_string(px) + "," + std::to_string(py) + "]";
    };
    return "[[" + at(x, y) + "," + at(x + side, y) + "," + at(x + side, y + side) + "," +
           at(x, y + side) + "," + at(x, y) + "]]";
  }

  std::filesystem::path folder_;
};

Error error_of(const RegionSource& source, const std::vector<std::string>& select) {
  try {
    read_regions(source, select);
  } catch (const Error& error) {
    return error;
  }
  return Error(Code::internal, "no error");
}

TEST_F(RegionFile, KeysStayText) {
  const auto source = geojson(feature(R"("fips":"010")", square(0, 0, 1)) + "," +
                                  feature(R"("fips":"10")", square(2, 0, 1)),
                              "fips");
  EXPECT_THAT(region_names(source), ElementsAre("010", "10"));
  const RegionSet set = read_regions(source, {"010"});
  ASSERT_EQ(set.regions.size(), 1U);
  EXPECT_EQ(set.regions[0].rings[0][0].x, 0);
  EXPECT_TRUE(set.crs.geographic());
}

TEST_F(RegionFile, NumbersAreMatchedByTheirText) {
  const auto source = geojson(
      feature(R"("id":7)", square(0, 0, 1)) + "," + feature(R"("id":12)", square(2, 0, 1)), "id");
  EXPECT_EQ(read_regions(source, {"12"}).regions[0].rings[0][0].x, 2);
}

TEST_F(RegionFile, AllComesInOrderOfTheKeyAndSelectionInItsOwn) {
  const auto source = geojson(feature(R"("name":"b")", square(0, 0, 1)) + "," +
                              feature(R"("name":"a")", square(2, 0, 1)) + "," +
                              feature(R"("name":null)", square(4, 0, 1)));
  const auto names = [](const RegionSet& set) {
    std::vector<std::string> out;
    for (const auto& region : set.regions) out.push_back(region.name);
    return out;
  };
  EXPECT_THAT(names(read_regions(source, {"all"})), ElementsAre("a", "b"));
  EXPECT_THAT(names(read_regions(source, {"b", "a", "b"})), ElementsAre("b", "a"));
}

TEST_F(RegionFile, FeaturesOfOneKeyAreUnited) {
  // Bordering: the shared edge cancels. Overlapping: the common part stays inside.
  for (const double second : {2.0, 1.0}) {
    const auto source = geojson(feature(R"("name":"a")", square(0, 0, 2)) + "," +
                                feature(R"("name":"a")", square(second, 0, 2)));
    const RegionSet set = read_regions(source, {"a"});
    ASSERT_EQ(set.regions.size(), 1U);
    const RegionIndex index(set.regions[0]);
    for (double x = 0.125; x < second + 2; x += 0.25) EXPECT_TRUE(index.contains({x, 1.0})) << x;
    EXPECT_FALSE(index.contains({second + 2.125, 1.0}));
  }
}

TEST_F(RegionFile, SelfCrossingPolygonIsRepairedWithAWarning) {
  const auto source = geojson(feature(R"("name":"bow")", "[[[0,0],[2,2],[2,0],[0,2],[0,0]]]"));
  const RegionSet set = read_regions(source, {"bow"});
  ASSERT_EQ(set.regions[0].warnings.size(), 1U);
  EXPECT_THAT(set.regions[0].warnings[0], HasSubstr("Self-intersection"));
  const RegionIndex index(set.regions[0]);
  EXPECT_TRUE(index.contains({0.25, 1.0}));
  EXPECT_TRUE(index.contains({1.75, 1.0}));
  EXPECT_FALSE(index.contains({1.0, 1.5}));
}

TEST_F(RegionFile, MultiPolygonsWithHoles) {
  const auto source =
      geojson(feature(R"("name":"m")",
                      "[[[[0,0],[5,0],[5,5],[0,5],[0,0]],[[1,1],[1,4],[4,4],[4,1],[1,1]]],"
                      "[[[7,0],[8,0],[8,1],[7,1],[7,0]]]]",
                      "MultiPolygon"));
  const RegionIndex index(read_regions(source, {"m"}).regions[0]);
  EXPECT_TRUE(index.contains({0.5, 0.5}));
  EXPECT_FALSE(index.contains({2, 2}));
  EXPECT_TRUE(index.contains({7.5, 0.5}));
}

TEST_F(RegionFile, UnknownNamesAreRefusedWithTheNearest) {
  const auto source = geojson(feature(R"("name":"Iowa")", square(0, 0, 1)) + "," +
                              feature(R"("name":"Illinois")", square(2, 0, 1)));
  const Error error = error_of(source, {"Iova"});
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_EQ(error.found(), "Iova");
  EXPECT_THAT(error.hint(), HasSubstr("Iowa"));
  EXPECT_EQ(error.file(), source.path);
}

TEST_F(RegionFile, UnknownKeyLayerAndFile) {
  auto source = geojson(feature(R"("STUSPS":"IA")", square(0, 0, 1)), "STUSP");
  EXPECT_THAT(error_of(source, {"all"}).hint(), HasSubstr("STUSPS"));
  source.key = "STUSPS";
  source.layer = "drawm";
  EXPECT_THAT(error_of(source, {"all"}).hint(), HasSubstr("drawn"));
  source.layer = "drawn";
  EXPECT_EQ(read_regions(source, {"all"}).regions.size(), 1U);
  source.path += ".absent";
  EXPECT_EQ(error_of(source, {"all"}).message(), "no such file");
}

TEST_F(RegionFile, OnlyPolygonsAreRegions) {
  const auto source = geojson(feature(R"("name":"p")", "[1,2]", "Point"));
  EXPECT_THAT(error_of(source, {"p"}).what(), HasSubstr("must be a polygon"));
}

TEST_F(RegionFile, RemotePathsAreRefused) {
  for (const char* path : {"/vsicurl/https://example.org/a.geojson", "/vsizip//vsis3/b/a.zip",
                           "https://example.org/a"})
    EXPECT_THAT(error_of({path, "", "name", ""}, {"all"}).hint(), HasSubstr("allow_remote"));
}

TEST_F(RegionFile, AConfiguredCrsThatIsNotNeededIsReported) {
  auto source = geojson(feature(R"("name":"a")", square(0, 0, 1)));
  source.crs = "EPSG:4269";
  const RegionSet set = read_regions(source, {"a"});
  ASSERT_EQ(set.regions[0].warnings.size(), 1U);
  EXPECT_THAT(set.regions[0].warnings[0], HasSubstr("not used"));
  source.crs = "EPSG:4326";
  EXPECT_THAT(read_regions(source, {"a"}).regions[0].warnings, IsEmpty());
}

// ---------------------------------------------------------------------- real boundaries

class RealBoundaries : public test::NeedsFolder<test::kRealData> {
 protected:
  void given() override {
    folder_ = given_folder();
    states_ = {folder_ + "/us-atlas/states-10m.json", "", "name", "EPSG:4269"};
  }
  std::string folder_;
  RegionSource states_;
};

TEST_F(RealBoundaries, TopoJsonNeedsACrs) {
  EXPECT_EQ(region_names(states_).size(), 56U);
  const RegionSet set = read_regions(states_, {"Iowa"});
  EXPECT_EQ(set.crs.name(), "EPSG:4269 NAD83");
  EXPECT_TRUE(RegionIndex(set.regions[0]).contains({-93.6, 42.0}));
  states_.crs = "";
  EXPECT_THAT(error_of(states_, {"Iowa"}).hint(), HasSubstr("region.crs"));
  states_.crs = "EPSG:4269";
  EXPECT_THAT(error_of(states_, {"Jowa"}).hint(), HasSubstr("Iowa"));
}

TEST_F(RealBoundaries, EveryCellOfNeighbouringStatesBelongsToExactlyOne) {
  const std::vector<std::string> names = {"Iowa",   "Illinois",  "Missouri",  "Nebraska",
                                          "Kansas", "Minnesota", "Wisconsin", "South Dakota"};
  const RegionSet set = read_regions(states_, names);
  const Lattice lattice{"EPSG:5070", 2000, 0, 0};
  const Transform to_region(choose_operation(Crs::from_user_input("EPSG:5070"), set.crs));
  std::map<std::pair<int64_t, int64_t>, int> owners;
  CellWindow iowa;
  for (const Region& region : set.regions) {
    const RegionIndex index(region);
    const CellWindow window = region_window(lattice, region, index, to_region);
    if (region.name == "Iowa") iowa = window;
    for (const CellIndex c : cells_inside(lattice, window, index, to_region))
      ++owners[{c.column, c.row}];
  }
  for (const auto& [cell, count] : owners) ASSERT_EQ(count, 1) << cell.first << " " << cell.second;
  // Iowa lies inside this group, so its whole window is covered.
  for (int64_t row = iowa.row; row < iowa.row + iowa.height; ++row)
    for (int64_t column = iowa.column; column < iowa.column + iowa.width; ++column)
      ASSERT_EQ(owners.count({column, row}), 1U) << column << " " << row;
}

// The vertices of the file lie on a decimal lattice: centres of a lattice in the file's own CRS can
// fall exactly onto vertices and edges.
TEST_F(RealBoundaries, PointsOnSharedVerticesBelongToExactlyOneState) {
  const RegionSet set = read_regions(states_, {"all"});
  std::vector<RegionIndex> indexes;
  for (const Region& region : set.regions) indexes.emplace_back(region);
  size_t shared = 0;
  for (const Region& region : set.regions) {
    if (region.name != "Iowa" && region.name != "Kansas" && region.name != "Nebraska") continue;
    for (const auto& ring : region.rings)
      for (const Point& p : ring) {
        int owners = 0;
        for (const RegionIndex& index : indexes) owners += index.contains(p) ? 1 : 0;
        ASSERT_EQ(owners, 1) << region.name << " " << p.x << " " << p.y;
        ++shared;
      }
  }
  EXPECT_GT(shared, 300U);
}

TEST_F(RealBoundaries, AreaOfAStateFromItsCells) {
  const RegionSet set = read_regions(states_, {"Iowa"});
  const Lattice lattice{"EPSG:5070", 1000, 0, 0};  // equal area
  const Transform to_region(choose_operation(Crs::from_user_input("EPSG:5070"), set.crs));
  const RegionIndex index(set.regions[0]);
  const CellWindow window = region_window(lattice, set.regions[0], index, to_region);
  const auto cells = cells_inside(lattice, window, index, to_region).size();
  EXPECT_NEAR(static_cast<double>(cells), 145746, 600);  // km2, Census Bureau, land and water
}

TEST_F(RealBoundaries, NaturalEarthAndCounties) {
  const RegionSource world{folder_ + "/natural-earth-states/ne_110m_admin_1_states_provinces.json",
                           "", "name", ""};
  const RegionSet set = read_regions(world, {"Iowa", "Kansas"});
  EXPECT_TRUE(RegionIndex(set.regions[1]).contains({-98, 38.5}));
  const RegionSource counties{folder_ + "/us-atlas/counties-10m.json", "counties", "name",
                              "EPSG:4269"};
  const auto names = region_names(counties);
  EXPECT_GT(names.size(), 1500U);
  // Champaign County, Illinois and Ohio: two separate features under one name.
  EXPECT_GE(read_regions(counties, {"Champaign"}).regions[0].rings.size(), 2U);
}

TEST(RegionWindow, ARegionOfTooManyCellsIsRefusedBeforeItIsCounted) {
  const Transform same{std::string()};
  const auto refusal = [&](double side, double resolution) {
    const Region region = region_of({{{0, 0}, {side, 0}, {side, side}, {0, side}}});
    const RegionIndex index(region);
    try {
      (void)region_window({"EPSG:5070", resolution, 0, 0}, region, index, same);
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      return error.message() + ", " + error.found();
    }
  };
  EXPECT_EQ(refusal(1000, 250), "");
  EXPECT_THAT(refusal(1e6, 1e-3), HasSubstr("1e+09 x 1e+09 cells"));
  EXPECT_THAT(refusal(1e6, 1e-300), HasSubstr("too many cells"));
  EXPECT_THAT(refusal(1e308, 250), HasSubstr("too many cells"));
  // Few cells, but further from the origin than doubles tell cells apart.
  const Region far = region_of({{{1e18, 0}, {1e18 + 4096, 0}, {1e18 + 4096, 500}, {1e18, 500}}});
  EXPECT_THROW((void)region_window({"EPSG:5070", 250, 0, 0}, far, RegionIndex(far), same), Error);
}

}  // namespace
}  // namespace fluxtile
