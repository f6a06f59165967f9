// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "geo/product_writer.h"
#include "geo/region.h"

namespace fluxtile {

/// One line of NAME_summary.csv: a flux of a region (or of a zone in it) over one period.
struct SummaryRow {
  std::string region, zone, period,
      variable;            ///< zone empty: the whole region; period: "2018" or "2018-07"
  Date first, end;         ///< end is the day after
  std::string result;      ///< FLUXTILE_RESULT of the region
  double area_m2 = 0;      ///< ellipsoidal, all cells inside
  double modelled_m2 = 0;  ///< of it modelled, crop shares counted
  double total_g = 0;      ///< sum over the period and the modelled area, gC
  [[nodiscard]] double mean() const {
    return modelled_m2 > 0 ? total_g / modelled_m2 : 0;
  }  ///< gC m-2 over the period
};

/// The CSV text: numbers with 9 significant digits, one header line with units.
std::string summary_csv(const std::vector<SummaryRow>& rows);

/// A zone of the optional second vector (outputs.zones) on the grid.
struct Zone {
  std::string name;
  std::shared_ptr<const RegionIndex> index;
};

/// Adds up area and flux in row order. One accumulator a (zone, variable, period).
class ZoneTotals {
 public:
  void add(double area, double share, float sum) {
    if (share <= 0 || sum == kNodata) return;
    modelled_ += area * share;
    total_ += area * share * static_cast<double>(sum);
  }
  [[nodiscard]] double modelled() const { return modelled_; }
  [[nodiscard]] double total() const { return total_; }

 private:
  double modelled_ = 0, total_ = 0;
};

}  // namespace fluxtile
