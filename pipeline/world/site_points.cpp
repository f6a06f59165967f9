// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "pipeline/world/random.h"
#include "pipeline/world/sites.h"
#include "pipeline/world/states.h"

namespace fluxtile::world {
namespace {

constexpr std::array<double, 3> kShares = {43.0 / 99, 31.0 / 99, 25.0 / 99};  // as midwest_states()
constexpr double kSqueeze = 0.76;    // kilometres of a degree of longitude over those of latitude
constexpr double kJitter = 0.7;      // share of a lattice cell in which its point may lie
constexpr double kTightest = 0.005;  // degrees between points

// Points of a lattice with `spacing` degrees (of latitude), each moved within its cell, that lie in
// the state.
std::vector<Point> lattice_points(const State& state, double spacing, const Random& random,
                                  int64_t number) {
  std::vector<Point> points;
  const double dx = spacing / kSqueeze, dy = spacing;
  double west = 180, south = 90, east = -180, north = -90;
  for (const Point& p : state.outline) {
    west = std::min(west, p.x);
    south = std::min(south, p.y);
    east = std::max(east, p.x);
    north = std::max(north, p.y);
  }
  for (int64_t j = 0; south + static_cast<double>(j) * dy < north; ++j) {
    for (int64_t i = 0; west + static_cast<double>(i) * dx < east; ++i) {
      const int64_t cell = j * 100003 + i;
      const auto shift = [&](int64_t axis) {
        return 0.5 + kJitter * (random.uniform(Subject::site_point, number, cell, axis) - 0.5);
      };
      const Point p = {west + (static_cast<double>(i) + shift(0)) * dx,
                       south + (static_cast<double>(j) + shift(1)) * dy};
      if (inside(state.outline, p)) points.push_back(p);
    }
  }
  return points;
}

// The widest lattice with enough points; of too many some are left out by lot.
std::vector<Point> state_points(const State& state, size_t count, const Random& random,
                                int64_t number) {
  std::vector<Point> points;
  for (double spacing = 6; points.size() < count; spacing *= 0.98) {
    if (spacing < kTightest)
      throw Error(Code::data, "too many sites for three states").found(std::to_string(count));
    points = lattice_points(state, spacing, random, number);
  }
  std::vector<size_t> order(points.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto lot = [&](size_t i) {
      return random.bits(Subject::site_point, number, static_cast<int64_t>(i), 2);
    };
    return lot(a) < lot(b);
  });
  order.resize(count);
  std::sort(order.begin(), order.end());
  std::vector<Point> chosen;
  for (const size_t i : order) chosen.push_back(points[i]);
  return chosen;
}

// Sites by state: shares rounded down, then one more where most was cut off.
std::array<size_t, 3> counts_of(size_t count) {
  std::array<size_t, 3> counts{};
  std::array<double, 3> left{};
  size_t given = 0;
  for (size_t s = 0; s < 3; ++s) {
    const double wanted = kShares[s] * static_cast<double>(count);
    counts[s] = static_cast<size_t>(wanted + 1e-9);
    if (counts[s] == 0 && count >= 3) counts[s] = 1;
    left[s] = wanted - static_cast<double>(counts[s]);
    given += counts[s];
  }
  for (; given < count; ++given) {
    const auto most =
        static_cast<size_t>(std::max_element(left.begin(), left.end()) - left.begin());
    ++counts[most];
    left[most] -= 1;
  }
  for (; given > count; --given) --*std::max_element(counts.begin(), counts.end());
  return counts;
}

}  // namespace

std::string block_of(const std::string& region, double longitude, double latitude) {
  const int row = static_cast<int>(std::floor(latitude));
  const int column = static_cast<int>(std::floor(longitude));
  return fmt::format("{} {:02}{} {:03}{}", region, std::abs(row), row < 0 ? 'S' : 'N',
                     std::abs(column), column < 0 ? 'W' : 'E');
}

std::vector<SitePoint> midwest_points(size_t count, uint64_t seed) {
  if (count == 0)
    throw Error(Code::data, "a world without sites").found("0 sites").expected("at least one");
  const Random random(seed);
  const std::array<size_t, 3> counts = counts_of(count);
  std::vector<SitePoint> points;
  for (size_t s = 0; s < counts.size(); ++s) {
    const State& state = midwest_states()[s];
    const std::vector<Point> places =
        counts[s] == 0 ? std::vector<Point>{}
                       : state_points(state, counts[s], random, static_cast<int64_t>(s));
    for (size_t i = 0; i < places.size(); ++i) {
      SitePoint point;
      point.name = fmt::format("{} {:03}", state.name, i + 1);
      point.region = state.name;
      // Rounded, so that a file of points makes the same sites.
      point.longitude = std::round(places[i].x * 1e5) / 1e5;
      point.latitude = std::round(places[i].y * 1e5) / 1e5;
      point.block = block_of(point.region, point.longitude, point.latitude);
      points.push_back(point);
    }
  }
  return points;
}

}  // namespace fluxtile::world
