// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "stages/tile.h"

namespace fluxtile {

/// One calendar year of a tile with its members mixed: what products are made of. All arrays follow
/// the tile's cells.
struct CellYear {
  std::vector<double> share;   ///< [cell] sum of the members' weights: the share of the cell that
                               ///< was modelled; 0 = none
  std::vector<double> sums;    ///< [12][cell] gC m-2 over the month's days, NaN = not modelled
  std::vector<double> annual;  ///< [cell] sum of the months in order, or the annual variable itself
};

/// Mixes members: sum(w * x) / sum(w) in member order in float64, over members that ran. The only
/// place where members meet.
class Aggregate {
 public:
  /// `variable`: a stored one or one derived from them: reco = ra + rh, npp = gpp - ra, nee_balance
  /// = reco - gpp, closure = nee - nee_balance, dsoc = -nee - yield. Throws Error(data) for one the
  /// tile-year cannot give.
  CellYear operator()(const TileYear& year, const std::string& variable) const;

  /// Flags [12][cell], or'ed over members; not_modelled where none ran or the month has no days.
  [[nodiscard]] std::vector<uint16_t> flags(const TileYear& year) const;

  /// [cell] of one variable on one day of the year; the tile-year must have been made with daily
  /// values.
  [[nodiscard]] std::vector<double> daily(const TileYear& year, const std::string& variable,
                                          size_t day) const;
};

/// Variables that can be made from stored ones, in the order they are documented.
const std::vector<std::string>& derived_variables();
/// Whether an architecture with these stored variables can give `variable`.
bool can_give(const std::vector<std::string>& variables,
              const std::vector<std::string>& annual_variables, const std::string& variable);
/// yield, residue, dsoc: no monthly or daily values.
bool annual_only(const std::string& variable);

}  // namespace fluxtile
