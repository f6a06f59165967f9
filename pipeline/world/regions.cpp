// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/regions.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/world/states.h"

namespace fluxtile::world {
namespace {

constexpr int kSteps = 20;   // pieces of the meandering line
constexpr int kMeeting = 9;  // the vertex where the three regions meet
constexpr double kPi = 3.14159265358979323846;

// From the unit square (u east, v north, both -1..1) to degrees, rounded to 1e-7 so that every
// program reads the same numbers.
class Square {
 public:
  explicit Square(const WorldConfig& config) : config_(config) {
    half_latitude_ = config.size_km / 2 / 111.0;
    half_longitude_ = config.size_km / 2 / (111.32 * std::cos(config.latitude * kPi / 180));
  }
  [[nodiscard]] Point at(double u, double v) const {
    return {std::round((config_.longitude + u * half_longitude_) * 1e7) / 1e7,
            std::round((config_.latitude + v * half_latitude_) * 1e7) / 1e7};
  }
  [[nodiscard]] Ring ring(const std::vector<Point>& unit_points) const {
    Ring result;
    for (const Point& p : unit_points) result.push_back(at(p.x, p.y));
    result.push_back(result.front());
    return result;
  }

 private:
  const WorldConfig& config_;
  double half_latitude_, half_longitude_;
};

Point meander(int step) {
  const double v = -1 + 2.0 * step / kSteps;
  return {0.08 + 0.10 * std::sin(3.1 * v + 0.5) + 0.05 * std::sin(7.3 * v), v};
}

Ring reversed(const Ring& ring) { return {ring.rbegin(), ring.rend()}; }

}  // namespace

std::vector<NamedRegion> make_regions(const WorldConfig& config) {
  if (config.geography == Geography::midwest) {
    std::vector<NamedRegion> states;
    for (const State& state : midwest_states()) states.push_back({state.name, {{state.outline}}});
    return states;
  }
  const Square square(config);
  const Point meeting = meander(kMeeting);

  std::vector<Point> north = {{-1, meeting.y}};
  for (int i = kMeeting; i <= kSteps; ++i) north.push_back(meander(i));
  north.push_back({-1, 1});

  std::vector<Point> south = {{-1, -1}, {-0.55, -1}, {-0.55, -0.75}, {-0.3, -0.75}, {-0.3, -1}};
  for (int i = 0; i <= kMeeting; ++i) south.push_back(meander(i));
  south.push_back({-1, meeting.y});

  std::vector<Point> east = {{1, -1}, {1, 1}};
  for (int i = kSteps; i >= 0; --i) east.push_back(meander(i));

  std::vector<Point> lake;
  for (int i = 0; i < 8; ++i) {
    lake.push_back({0.62 + 0.16 * std::cos(i * kPi / 4), 0.35 + 0.16 * std::sin(i * kPi / 4)});
  }
  const Ring exclave = square.ring({{0.5, -0.65}, {0.78, -0.6}, {0.74, -0.4}, {0.52, -0.42}});

  return {{"North", {{square.ring(north)}, {exclave}}},
          {"East", {{square.ring(east), reversed(square.ring(lake)), reversed(exclave)}}},
          {"South", {{square.ring(south)}}}};
}

std::string to_geojson(const std::vector<NamedRegion>& regions) {
  using Json = nlohmann::ordered_json;
  Json features = Json::array();
  for (const NamedRegion& region : regions) {
    Json polygons = Json::array();
    for (const RingSet& rings : region.polygons) {
      Json polygon = Json::array();
      for (const Ring& ring : rings) {
        Json points = Json::array();
        for (const Point& p : ring) points.push_back({p.x, p.y});
        polygon.push_back(points);
      }
      polygons.push_back(polygon);
    }
    features.push_back({{"type", "Feature"},
                        {"properties", {{"region", region.name}}},
                        {"geometry", {{"type", "MultiPolygon"}, {"coordinates", polygons}}}});
  }
  const Json collection = {
      {"type", "FeatureCollection"},
      {"name", "regions"},
      {"fluxtile_synthetic", "yes"},
      {"crs", {{"type", "name"}, {"properties", {{"name", "urn:ogc:def:crs:EPSG::4269"}}}}},
      {"features", features}};
  return collection.dump() + "\n";
}

}  // namespace fluxtile::world
