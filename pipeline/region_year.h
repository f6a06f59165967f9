// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/ledger.h"
#include "stages/aggregate.h"

namespace fluxtile {

/// One calendar year of one region put together from its tile-years, handed out in strips of whole
/// rows. Tile-years are loaded when a strip first needs them and dropped when the strips have
/// passed them, so memory grows with the region's width, not its height.
class RegionYear {
 public:
  RegionYear(const RunStages& stages, const Ledger& ledger, size_t region, size_t step);

  /// Moves to rows [row, row + rows) of the region's window; rows only go forward.
  void move_to(int64_t row, int64_t rows);

  /// The strip's values of a variable, row-major, kNodata where not modelled. month 0..11, or -1
  /// for the year. `days` divides (mean) when > 0.
  std::vector<float> values(const std::string& variable, int month, int days) const;
  /// One day's values; the run must have stored daily values.
  std::vector<float> daily(const std::string& variable, int day) const;
  /// Share of each cell that is modelled, 0 = none.
  std::vector<double> shares() const;
  /// Quality of a month, or or'ed over the year's months for month -1; kQualityNodata where not
  /// modelled; failed tiles are marked.
  std::vector<uint16_t> quality(int month) const;
  /// Days that were summed in a month.
  [[nodiscard]] int month_days(int month) const { return month_days_[static_cast<size_t>(month)]; }

 private:
  struct Loaded {
    TileYear year;
    mutable std::map<std::string, CellYear> variables;
    std::vector<uint16_t> flags;
  };
  template <typename T, typename Fill>
  std::vector<T> strip(T empty, Fill fill) const;
  const CellYear& cell_year(const Loaded& tile, const std::string& variable) const;

  const RunStages& stages_;
  const Ledger& ledger_;
  size_t region_, step_;
  CellWindow window_;
  int64_t row_ = 0, rows_ = 0;
  std::vector<TileUnit> units_;  // of the region
  std::map<size_t, std::unique_ptr<Loaded>> loaded_;
  std::vector<CellIndex> failed_cells_;  // inside the strip
  std::vector<int> month_days_;
};

}  // namespace fluxtile
