// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/training/losses.h"

namespace fluxtile {

std::vector<double> ResponseRange::points(int multiple) const {
  if (feature == "Crop_Type") return {low, high};
  const double step = interval * multiple;
  // The ranges are whole numbers of intervals up to rounding.
  const auto steps = static_cast<int>(std::floor((high - low) / step + 1e-6));
  std::vector<double> z;
  for (int k = 0; k <= steps; ++k) z.push_back(low + k * step);
  return z;
}

const std::vector<ResponseRange>& response_ranges() {
  static const std::vector<ResponseRange> ranges = {
      {"RADN", -2, 2, 0.2, 0.8, 0.8},         {"TMAX_AIR", -3.5, 2.5, 0.3, 0.8, 0.8},
      {"TDIF_AIR", -2.5, 5, 0.5, 0.8, 0.8},   {"HMAX_AIR", -1.5, 3.5, 0.25, 0.8, 0.8},
      {"HDIF_AIR", -1.5, 7, 0.5, 0.8, 0.8},   {"WIND", -2, 5.5, 0.5, 0.8, 0.8},
      {"PRECN", -0.3889, 10, 0.5, 0.8, 0.8},  {"Crop_Type", -1, 1, 2, 0.8, 0.8},
      {"GPP", -0.5, 5, 0.25, 0.8, 0.8},       {"Year", -1.6384, 1.6384, 3.2768 / 17, 0.8, 0.8},
      {"TBKDS", -10, 2, 0.5, 0.9, 0.9},       {"TSAND", -0.75, 4, 0.25, 0.9, 0.9},
      {"TSILT", -3.25, 1.25, 0.25, 0.9, 0.9}, {"TFC", -4.5, 5, 0.5, 0.9, 0.9},
      {"TWP", -2.5, 3, 0.25, 0.9, 0.9},       {"TKSat", -0.75, 7.75, 0.5, 0.9, 0.9},
      {"TSOC", -0.5, 5, 0.25, 0.9, 0.99},     {"TPH", -3.25, 4.25, 0.5, 0.9, 0.9},
      {"TCEC", -1.75, 3.5, 0.25, 0.9, 0.9},
  };
  return ranges;
}

const ResponseRange& response_range(const std::string& feature) {
  const auto& ranges = response_ranges();
  const auto found = std::find_if(ranges.begin(), ranges.end(),
                                  [&](const ResponseRange& r) { return r.feature == feature; });
  if (found != ranges.end()) return *found;
  std::string names;
  for (const ResponseRange& r : ranges) names += (names.empty() ? "" : ", ") + r.feature;
  throw Error(Code::data, "no response range for this feature").found(feature).expected(names);
}

}  // namespace fluxtile
