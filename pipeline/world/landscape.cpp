// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/landscape.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

constexpr double kTurn = 1.3 * 3.14159265358979323846 / 180;
constexpr double kRiverHalfWidth = 90, kWoodsHalfWidth = 420;
constexpr int kTowns = 3;

}  // namespace

Fields::Fields(const Random& random, double size)
    : random_(random), vigour_(random, Subject::vigour_pattern, 1500), size_(size) {}

Landscape::Landscape(const Random& random, double x, double y, double half, double field_size)
    : random_(random),
      fields_(random, field_size),
      river_(random, Subject::river, 5000),
      x_(x),
      y_(y),
      half_(half) {}

Landscape::Landscape(const Random& random, double field_size)
    : random_(random),
      fields_(random, field_size),
      river_(random, Subject::river, 5000),
      open_(true) {}

double Landscape::distance_to_river(double x, double y) const {
  // The river runs from the north-west to the south-east corner and meanders about that line.
  const double along = ((x - x_) - (y - y_)) / std::sqrt(2.0);
  const double across = ((x - x_) + (y - y_)) / std::sqrt(2.0);
  return std::abs(across - 0.25 * half_ - 0.08 * half_ * river_.at(along, 0));
}

double Landscape::towns(double x, double y) const {
  double nearest = 1e9;  // distance to a town's middle in town radii
  for (int i = 0; i < kTowns; ++i) {
    const double tx = x_ + half_ * (1.6 * random_.uniform(Subject::town, i, 0) - 0.8);
    const double ty = y_ + half_ * (1.6 * random_.uniform(Subject::town, i, 1) - 0.8);
    const double radius = half_ * (0.05 + 0.05 * random_.uniform(Subject::town, i, 2));
    nearest = std::min(nearest, std::hypot(x - tx, y - ty) / radius);
  }
  return nearest;
}

bool Landscape::without_soil(double x, double y) const {
  return !open_ && (distance_to_river(x, y) < kRiverHalfWidth || towns(x, y) < 0.6);
}

Site Fields::at(double x, double y, int year) const {
  const double u = (x * std::cos(kTurn) + y * std::sin(kTurn)) / size_;
  const double v = (y * std::cos(kTurn) - x * std::sin(kTurn)) / size_;
  const auto i = static_cast<int64_t>(std::floor(u)), j = static_cast<int64_t>(std::floor(v));
  const int64_t right = u - std::floor(u) >= 0.5 ? 1 : 0, upper = v - std::floor(v) >= 0.5 ? 1 : 0;

  const double split = random_.uniform(Subject::field_split, i, j);
  int64_t part = 0;                                       // a whole quarter section
  if (split > 0.35) part = split < 0.55 ? right : upper;  // halves
  if (split > 0.80) part = 2 * upper + right;             // quarters
  const double use = random_.uniform(Subject::field_crop, i, j, part);
  const double phase = random_.uniform(Subject::field_crop, i, j, part + 8);

  Site site;
  const bool even = year % 2 == 0;
  if (use < 0.66) {  // rotation, slightly more corn in even years
    site.code = (phase < 0.54) == even ? corn : soybeans;
  } else if (use < 0.80) {
    site.code = corn;  // corn on corn
  } else {
    site.code = use < 0.92 ? grass : forest;
  }
  site.vigour =
      1 + 0.10 * random_.normal(Subject::field_vigour, i, j, part) + 0.07 * vigour_.at(x, y);
  site.shift = 5 * random_.normal(Subject::field_shift, i, j, 16 * int64_t{year} + part);
  return site;
}

Site Landscape::at(double x, double y, int year) const {
  Site site = fields_.at(x, y, year);
  if (open_) return site;
  const double river = distance_to_river(x, y);
  if (river < kWoodsHalfWidth) site.code = forest;
  if (towns(x, y) < 1) site.code = developed;
  if (river < kRiverHalfWidth) site.code = open_water;
  return site;
}

}  // namespace fluxtile::world
