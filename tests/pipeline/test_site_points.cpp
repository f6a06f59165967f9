// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "pipeline/world/sites.h"
#include "pipeline/world/states.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile::world {
namespace {
using testing::HasSubstr;

constexpr double kPi = 3.14159265358979323846;

double area_km2(const std::vector<Point>& ring) {
  constexpr double radius = 6371.007;
  double sum = 0;
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    const auto x = [&](size_t k) { return radius * ring[k].x * kPi / 180; };
    const auto y = [&](size_t k) { return radius * std::sin(ring[k].y * kPi / 180); };
    sum += x(i) * y(i + 1) - x(i + 1) * y(i);
  }
  return std::abs(sum) / 2;
}

TEST(States, HaveTheirAreaAndPlaces) {
  const std::map<std::string, double> area = {
      {"Illinois", 149995}, {"Iowa", 145746}, {"Indiana", 94326}};  // km2, with water
  for (const State& state : midwest_states()) {
    EXPECT_NEAR(area_km2(state.outline), area.at(state.name), 0.04 * area.at(state.name))
        << state.name;
    EXPECT_EQ(state.outline.front().x, state.outline.back().x);
    EXPECT_EQ(state.outline.front().y, state.outline.back().y);
  }
  EXPECT_EQ(state_at(-89.65, 39.78), "Illinois");  // Springfield
  EXPECT_EQ(state_at(-93.62, 41.59), "Iowa");      // Des Moines
  EXPECT_EQ(state_at(-86.16, 39.77), "Indiana");   // Indianapolis
  EXPECT_EQ(state_at(-90.5, 38.3), "");            // Missouri
  EXPECT_EQ(state_at(-85, 41.9), "");              // Michigan
}

TEST(States, ShareTheirBorders) {
  std::map<std::pair<double, double>, std::set<std::string>> owners;
  for (const State& state : midwest_states()) {
    for (const Point& p : state.outline) owners[{p.x, p.y}].insert(state.name);
  }
  int with_iowa = 0, with_indiana = 0;
  for (const auto& [point, names] : owners) {
    with_iowa += names.count("Illinois") + names.count("Iowa") == 2 ? 1 : 0;
    with_indiana += names.count("Illinois") + names.count("Indiana") == 2 ? 1 : 0;
  }
  EXPECT_EQ(with_iowa, 9);
  EXPECT_EQ(with_indiana, 7);
  // No point belongs to two states.
  for (double x = -97; x < -84; x += 0.043) {
    for (double y = 36.5; y < 44; y += 0.047) {
      int in = 0;
      for (const State& state : midwest_states()) in += inside(state.outline, {x, y}) ? 1 : 0;
      EXPECT_LE(in, 1) << x << " " << y;
    }
  }
}

TEST(MidwestPoints, LieInTheirStatesInTheRightNumbers) {
  const std::vector<SitePoint> points = midwest_points(99, 5);
  std::map<std::string, int> count;
  std::set<std::string> names, blocks;
  for (const SitePoint& p : points) {
    EXPECT_EQ(state_at(p.longitude, p.latitude), p.region) << p.name;
    ++count[p.region];
    names.insert(p.name);
    blocks.insert(p.block);
    EXPECT_THAT(p.block, HasSubstr(p.region));
  }
  EXPECT_EQ(count["Illinois"], 43);
  EXPECT_EQ(count["Iowa"], 31);
  EXPECT_EQ(count["Indiana"], 25);
  EXPECT_EQ(names.size(), 99U);
  EXPECT_GT(blocks.size(), 30U);
  EXPECT_LT(blocks.size(), 75U);
}

TEST(MidwestPoints, KeepTheirDistanceAndDependOnTheSeed) {
  const std::vector<SitePoint> points = midwest_points(60, 5), again = midwest_points(60, 5),
                               other = midwest_points(60, 6);
  double nearest = 1e9;
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].longitude, again[i].longitude);
    for (size_t j = 0; j < i; ++j)
      nearest = std::min(nearest, std::hypot(0.76 * (points[i].longitude - points[j].longitude),
                                             points[i].latitude - points[j].latitude));
  }
  EXPECT_GT(nearest, 0.1);
  EXPECT_NE(points[0].longitude, other[0].longitude);
}

TEST(MidwestPoints, KeepProportionsForOtherCounts) {
  for (const size_t count : {1, 2, 3, 4, 12, 33, 500}) {
    const std::vector<SitePoint> points = midwest_points(count, 1);
    EXPECT_EQ(points.size(), count);
    std::map<std::string, int> states;
    for (const SitePoint& p : points) ++states[p.region];
    if (count >= 3) {
      EXPECT_EQ(states.size(), 3U);
    }
    if (count == 500) {
      EXPECT_NEAR(states["Illinois"], 217, 1);
    }
  }
  EXPECT_THROW(midwest_points(0, 1), Error);
}

class PointsFile : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    path_ = testing::TempDir() + "site_points_test.csv";
    std::ofstream(path_) << text;
    return path_;
  }
  std::string message_of(const std::string& text) {
    try {
      read_points_csv(write(text));
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
  std::string path_;
};

TEST_F(PointsFile, ReadsWhatItNeeds) {
  const std::vector<SitePoint> points =
      read_points_csv(write("\xEF\xBB\xBF"
                            "FID,NAME,STATE_NAME,extra,Lat,Lon\r\n"
                            "1,Clinton,Illinois,0,38.6,-89.4\r\n"
                            "2,\"Lee, East\",Iowa,0,40.7,-91.4\r\n"
                            "\r\n"
                            "3,Clinton,Iowa,0,41.9,-90.5\r\n"));
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0].name, "Clinton, Illinois");
  EXPECT_EQ(points[2].name, "Clinton, Iowa");
  EXPECT_EQ(points[1].name, "Lee, East");
  EXPECT_EQ(points[1].region, "Iowa");
  EXPECT_EQ(points[1].longitude, -91.4);
  EXPECT_EQ(points[1].latitude, 40.7);
  EXPECT_EQ(points[1].block, "Iowa 40N 092W");
}

TEST_F(PointsFile, RefusesBadFilesByLine) {
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon\na,b,1\n"), HasSubstr("there is no Lat"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\na,b,1,x\n"), HasSubstr("line 2"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\na,b,1,2\nc,d,200,3\n"), HasSubstr("line 3"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\na,b,1,91\n"), HasSubstr("-90..90"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\na,b,1\n"), HasSubstr("line 2"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\n,b,1,2\n"), HasSubstr("no name"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\na,b,1,2\nc,d,1,2\n"), HasSubstr("one place"));
  EXPECT_THAT(message_of("NAME,STATE_NAME,Lon,Lat\n"), HasSubstr("no points"));
  EXPECT_THAT(message_of(""), HasSubstr("NAME"));
  EXPECT_THROW(read_points_csv("/no/such/file.csv"), Error);
}

using CountyPoints = test::NeedsFolder<test::kRealData>;

TEST_F(CountyPoints, LieInTheirStates) {
  const std::vector<SitePoint> points =
      read_points_csv(given_folder() + "/ecosys-counties/county_metrics/Ecosys_99points.csv");
  ASSERT_EQ(points.size(), 99U);
  int in = 0;
  std::set<std::string> names;
  for (const SitePoint& p : points) {
    in += state_at(p.longitude, p.latitude) == p.region ? 1 : 0;
    names.insert(p.name);
  }
  EXPECT_GE(in, 97);  // simplified outlines
  EXPECT_EQ(names.size(), 99U);
}

}  // namespace
}  // namespace fluxtile::world
