// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/soil.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

constexpr double kMiddleX = 450000, kMiddleY = 1950000;  // of Illinois, Iowa and Indiana

struct WaterConstants {
  double wilting_point, field_capacity, saturation;  // m3 m-3 at 1500 kPa, 33 kPa, 0
  double conductivity;                               // mm h-1 at saturation
  double bulk_density;                               // Mg m-3
};

// Saxton and Rawls (2006): eqs. 1 to 3, 5, 15, 16, 18 and 6. `s`, `c` shares of sand and clay,
// `om` organic matter in percent by weight.
WaterConstants saxton_rawls(double s, double c, double om) {
  const double t1500 =
      -0.024 * s + 0.487 * c + 0.006 * om + 0.005 * s * om - 0.013 * c * om + 0.068 * s * c + 0.031;
  const double wp = t1500 + (0.14 * t1500 - 0.02);
  const double t33 =
      -0.251 * s + 0.195 * c + 0.011 * om + 0.006 * s * om - 0.027 * c * om + 0.452 * s * c + 0.299;
  const double fc = t33 + (1.283 * t33 * t33 - 0.374 * t33 - 0.015);
  const double ts33 =
      0.278 * s + 0.034 * c + 0.022 * om - 0.018 * s * om - 0.027 * c * om - 0.584 * s * c + 0.078;
  const double s33 = ts33 + (0.636 * ts33 - 0.107);
  const double sat = fc + s33 - 0.097 * s + 0.043;
  const double b = (std::log(1500.0) - std::log(33.0)) / (std::log(fc) - std::log(wp));
  const double ks = 1930 * std::pow(std::max(sat - fc, 0.01), 3 - 1 / b);
  return {wp, fc, sat, ks, (1 - sat) * 2.65};
}

}  // namespace

Soil::Soil(const Random& random)
    : texture_(random, Subject::texture, 9000),
      organic_(random, Subject::organic, 5000),
      local_(random, Subject::local_soil, 1200),
      acidity_(random, Subject::acidity, 7000),
      regional_texture_(random, Subject::regional_texture, 130000),
      regional_organic_(random, Subject::regional_organic, 110000) {}

SoilProperties Soil::at(double x, double y) const {
  const double local = local_.at(x, y);
  const double texture = 0.7 * texture_.at(x, y) + 0.7 * regional_texture_.at(x, y);
  const double organic = 0.7 * organic_.at(x, y) + 0.7 * regional_organic_.at(x, y);
  const double sand = std::clamp(0.17 + 0.10 * texture + 0.03 * local, 0.03, 0.75);
  const double clay =
      std::clamp(0.25 - 0.045 * texture + 0.02 * organic - 0.02 * local, 0.07, 0.42);
  const double silt = 1 - sand - clay;
  const double trend =
      0.25 * std::tanh((y - kMiddleY) / 300000) - 0.10 * std::tanh((x - kMiddleX) / 350000);
  const double carbon =
      std::exp(2.80 + trend + 0.28 * organic - 0.12 * texture + 0.10 * local);  // g kg-1
  const double matter = std::min(8.0, carbon * 1.724 / 10);                     // %
  const WaterConstants water = saxton_rawls(sand, clay, matter);
  const double ph = std::clamp(6.3 + 0.38 * acidity_.at(x, y) + 0.08 * local, 4.5, 8.3);
  const double cec = 50 * clay + 2 * matter;  // clay 50, organic matter 200 cmol kg-1
  return {water.bulk_density,
          1000 * sand,
          1000 * silt,
          water.field_capacity,
          water.wilting_point,
          water.conductivity,
          carbon,
          ph,
          cec};
}

}  // namespace fluxtile::world
