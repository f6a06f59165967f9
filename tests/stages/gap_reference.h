// SPDX-License-Identifier: Apache-2.0
#pragma once

// The gap rules once more, written day by day over the whole record of one cell: slow, plain, and
// independent of the stages.

#include <cstdint>
#include <vector>

namespace fluxtile {

struct ReferenceComposite {
  int64_t first = 0, end = 0;  ///< days [first, end)
  double value = 0;            ///< NaN: nodata
};

struct ReferenceRules {
  bool linear = false;
  int64_t max_gap = 32;
  int64_t run_first = 0;  ///< first day of the run
};

struct ReferenceYear {
  bool modelled = false;
  std::vector<double> values;     ///< [day]
  std::vector<bool> filled;       ///< bridged, held or waiting
  std::vector<bool> provisional;  ///< a later composite will change the day
};

/// The days [start, start + days) of one cell whose whole record is `composites`.
ReferenceYear reference_year(const std::vector<ReferenceComposite>& composites,
                             const ReferenceRules& rules, int64_t start, int64_t days);

}  // namespace fluxtile
