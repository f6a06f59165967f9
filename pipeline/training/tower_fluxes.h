// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "geo/unit.h"
#include "pipeline/training/csv_table.h"

namespace fluxtile {

/// Fluxes of one tower, gC m-2 d-1: Reco and GPP positive, NEE negative = uptake. NaN = no value.
struct TowerFluxes {
  struct Value {
    double reco = std::numeric_limits<double>::quiet_NaN();
    double nee = std::numeric_limits<double>::quiet_NaN();
    double gpp = std::numeric_limits<double>::quiet_NaN();  ///< kept whatever its quality: an input
  };
  std::string file;
  bool monthly = false;
  /// By day (days since 1970-01-01) or by month (month_number()). Ascending, each once.
  std::map<int64_t, Value> values;
  size_t below_quality = 0;  ///< rows whose Reco and NEE were left out
  std::vector<std::string> warnings;
};

/// A month as a number that counts on: 12 times the year plus 0 to 11.
constexpr int64_t month_number(int year, int month) { return int64_t{12} * year + month - 1; }

/// A day or a month as towers' files write it.
struct TowerStamp {
  bool monthly = false;
  int64_t number = 0;  ///< days since 1970-01-01, or month_number()
};
/// YYYYMMDD, YYYY-MM-DD (a day), YYYYMM, YYYY-MM (a month). Throws Error(data) with file and line;
/// stamps with a time of day and years say what the file seems to be.
TowerStamp tower_stamp(const CsvTable& table, size_t row, size_t column);

/// Adds a row's values; a stamp that was there before is an Error(data) that names both lines.
/// Rows may come in any order: one that steps back is noted as a warning, once.
class TowerRows {
 public:
  TowerRows(const CsvTable& table, size_t stamp_column) : table_(table), column_(stamp_column) {}
  /// The value to fill for a row.
  TowerFluxes::Value& add(size_t row, TowerFluxes& fluxes);

 private:
  const CsvTable& table_;
  size_t column_;
  std::map<int64_t, size_t> seen_;  // stamp -> row
  int64_t last_ = INT64_MIN;
  bool told_ = false;
};

/// Conversion of a flux column to gC m-2 d-1. A column whose name speaks of mol and whose unit does
/// not (or the other way round) is refused. Throws Error(data).
UnitConversion flux_conversion(const std::string& column, const std::string& unit,
                               const std::string& path);

/// Looks for values that cannot be what they are said to be and adds warnings: NEE with the sign
/// turned (it should be Reco - GPP), Reco or GPP below zero on average, fluxes beyond any crop's.
void check_plausible(TowerFluxes& fluxes);

}  // namespace fluxtile
