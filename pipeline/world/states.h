// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "geo/lattice.h"
#include "pipeline/world/weather.h"

namespace fluxtile::world {

/// A state by its simplified outline: a closed ring (first point repeated at the end), x =
/// longitude, y = latitude, degrees NAD83. Good to some kilometres, and to 3 % of the area.
struct State {
  std::string name;
  std::vector<Point> outline;
};

/// Illinois, Iowa, Indiana. Shared borders share their vertices to the last bit.
const std::vector<State>& midwest_states();

/// Whether a point lies inside a ring (even-odd rule).
bool inside(const std::vector<Point>& ring, Point point);

/// Name of the state that a point lies in, or "".
std::string state_at(double longitude, double latitude);

/// A box around the three states, with a degree to spare.
GeographicBox midwest_box();

}  // namespace fluxtile::world
