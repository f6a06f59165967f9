// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/states.h"

#include <algorithm>

namespace fluxtile::world {
namespace {

using Line = std::vector<Point>;

// The Mississippi from the mouth of the Des Moines to the north-west corner of Illinois.
const Line kIowaIllinois = {{-91.42, 40.38}, {-91.10, 40.67}, {-90.95, 40.95},
                            {-91.10, 41.23}, {-90.66, 41.46}, {-90.31, 41.74},
                            {-90.14, 42.00}, {-90.42, 42.33}, {-90.64, 42.51}};

// From Lake Michigan south, then the Wabash to its mouth.
const Line kIllinoisIndiana = {{-87.53, 41.71}, {-87.53, 39.35}, {-87.61, 39.11}, {-87.50, 38.74},
                               {-87.75, 38.41}, {-87.97, 38.20}, {-88.03, 37.80}};

// Illinois: the northern border and the shore of Lake Michigan.
const Line kIllinoisNorth = {{-90.64, 42.51}, {-87.80, 42.49}, {-87.72, 42.10}, {-87.53, 41.71}};
// The Ohio from the mouth of the Wabash, then the Mississippi upstream to the Des Moines.
const Line kIllinoisSouth = {{-88.03, 37.80}, {-88.47, 37.40}, {-88.49, 37.07}, {-89.15, 37.00},
                             {-89.51, 37.28}, {-89.52, 37.69}, {-90.15, 38.08}, {-90.35, 38.25},
                             {-90.18, 38.63}, {-90.20, 38.83}, {-90.66, 38.93}, {-90.78, 39.27},
                             {-91.37, 39.73}, {-91.50, 40.03}, {-91.42, 40.38}};

// Iowa: up the Mississippi, west along the border with Minnesota, down the Big Sioux and the
// Missouri, east along the border with Missouri.
const Line kIowaRest = {{-90.64, 42.51}, {-91.08, 42.75}, {-91.22, 43.50}, {-96.60, 43.50},
                        {-96.45, 43.13}, {-96.62, 42.73}, {-96.36, 42.23}, {-96.10, 41.75},
                        {-95.87, 41.25}, {-95.84, 40.87}, {-95.77, 40.58}, {-91.73, 40.61},
                        {-91.42, 40.38}};

// Indiana: Lake Michigan, the border with Michigan, then that with Ohio, then the Ohio river.
const Line kIndianaRest = {{-87.53, 41.71}, {-87.20, 41.62}, {-86.82, 41.76}, {-84.81, 41.76},
                           {-84.82, 39.11}, {-84.88, 38.90}, {-85.43, 38.73}, {-85.45, 38.46},
                           {-85.80, 38.28}, {-86.00, 37.98}, {-86.45, 38.05}, {-86.80, 37.98},
                           {-87.10, 37.80}, {-87.60, 37.95}, {-88.03, 37.80}};

void append(Line& ring, const Line& line) {
  ring.insert(ring.end(), line.begin() + (ring.empty() ? 0 : 1), line.end());
}
Line reversed(const Line& line) { return {line.rbegin(), line.rend()}; }

std::vector<State> make_states() {
  Line illinois = kIllinoisNorth;
  append(illinois, kIllinoisIndiana);
  append(illinois, kIllinoisSouth);
  append(illinois, kIowaIllinois);
  Line iowa = kIowaIllinois;
  append(iowa, kIowaRest);
  Line indiana = kIndianaRest;
  append(indiana, reversed(kIllinoisIndiana));
  return {{"Illinois", illinois}, {"Iowa", iowa}, {"Indiana", indiana}};
}

}  // namespace

const std::vector<State>& midwest_states() {
  static const std::vector<State> states = make_states();
  return states;
}

bool inside(const std::vector<Point>& ring, Point point) {
  bool in = false;
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[i + 1];
    if ((a.y > point.y) == (b.y > point.y)) continue;
    if (point.x < a.x + (b.x - a.x) * (point.y - a.y) / (b.y - a.y)) in = !in;
  }
  return in;
}

std::string state_at(double longitude, double latitude) {
  for (const State& state : midwest_states()) {
    if (inside(state.outline, {longitude, latitude})) return state.name;
  }
  return {};
}

GeographicBox midwest_box() {
  GeographicBox box{180, 90, -180, -90};
  for (const State& state : midwest_states()) {
    for (const Point& p : state.outline) {
      box = {std::min(box.west, p.x), std::min(box.south, p.y), std::max(box.east, p.x),
             std::max(box.north, p.y)};
    }
  }
  return {box.west - 1, box.south - 1, box.east + 1, box.north + 1};
}

}  // namespace fluxtile::world
