// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/satellite_gpp.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

constexpr int kLength = 8, kPerYear = 46;
constexpr double kPixel = 463.312716528;
constexpr double kBias = 0.08, kSmooth = 0.04, kOwn = 0.06;
constexpr double kHiddenAbove = 1.036;               // normal quantile of 85 %
constexpr int kClearBefore = 60, kClearAfter = 330;  // 0-based days without clouds

}  // namespace

SatelliteGpp::SatelliteGpp(const Random& random)
    : random_(random),
      bias_(random, Subject::satellite_bias, 150000),
      smooth_(random, Subject::satellite_noise, 60000),
      cloud_(random, Subject::satellite_cloud, 100000) {}

float SatelliteGpp::observed(double mean, double x, double y, int year, int index) const {
  const int64_t composite = int64_t{year} * kPerYear + index;
  const int first_day = index * kLength;
  if (first_day >= kClearBefore && first_day < kClearAfter &&
      cloud_.at(x, y, composite) > kHiddenAbove)
    return NAN;
  const auto column = static_cast<int64_t>(std::floor(x / kPixel));
  const auto row = static_cast<int64_t>(std::floor(y / kPixel));
  const double error = kBias * bias_.at(x, y) + kSmooth * smooth_.at(x, y, composite) +
                       kOwn * random_.normal(Subject::satellite_noise, column, row, -composite);
  return static_cast<float>(mean * std::exp(error));
}

std::vector<double> composite_means(const std::vector<float>& daily) {
  std::vector<double> means;
  for (size_t first = 0; first < daily.size(); first += kLength) {
    const size_t end = std::min(daily.size(), first + kLength);
    double sum = 0;
    for (size_t d = first; d < end; ++d) sum += double{daily[d]};
    means.push_back(sum / static_cast<double>(end - first));
  }
  return means;
}

std::vector<float> fill_composites(const std::vector<float>& composites,
                                   const std::vector<int>& days) {
  std::vector<float> daily;
  for (size_t y = 0; y < days.size(); ++y) {
    for (int d = 0; d < days[y]; ++d)
      daily.push_back(composites[y * kPerYear + static_cast<size_t>(d / kLength)]);
  }
  size_t last = daily.size();  // the last day with a value
  for (size_t d = 0; d < daily.size(); ++d) {
    if (std::isnan(daily[d])) continue;
    if (last == daily.size()) {
      std::fill_n(daily.begin(), d, daily[d]);
    } else {
      const float from = daily[last], step = (daily[d] - from) / static_cast<float>(d - last);
      for (size_t k = last + 1; k < d; ++k) daily[k] = from + step * static_cast<float>(k - last);
    }
    last = d;
  }
  if (last < daily.size())
    std::fill(daily.begin() + static_cast<std::ptrdiff_t>(last), daily.end(), daily[last]);
  return daily;
}

}  // namespace fluxtile::world
