// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// A unit with its chemical species taken out before udunits2 sees it: "gC m-2 d-1" -> species "C",
/// "g m-2 d-1".
struct Unit {
  std::string text;     ///< as written
  std::string species;  ///< "", "C", "CO2", "N", "N2O", "CH4"
  std::string udunits;  ///< what udunits2 gets; "1" for dimensionless
};
/// Understands "gC m-2 d-1", "kg CO2 m-2 s-1", "g N ha-1", "mm/day", "%", "degC", "m3 m-3", "-",
/// "year" ... Throws Error(data). Rates per `month` or `yr` are refused (calendar days only): the
/// message says so.
Unit parse_unit(const std::string& text);

/// value_to = value_from * factor + offset.
struct UnitConversion {
  double factor = 1, offset = 0;
};
/// Conversion `from` -> `to`. A `from` without species is taken as `to`'s; C <-> CO2 (and N <->
/// N2O, C <-> CH4) by molar mass; any other clash of species and incompatible units throw
/// Error(data) naming both. `difference`: temperature differences know no offset (K, degC, degF
/// factor only). A water flux "kg m-2 s-1" converts to "mm d-1" only for a precipitation-like
/// target (both: density 1000 kg m-3).
UnitConversion convert_unit(const Unit& from, const Unit& to, bool difference = false);

/// `unit` per day: what an interval sum becomes when it is divided by its days.
Unit per_day(const Unit& unit);

/// True when `unit` has no time dimension but `unit` per day is compatible with `rate`: a sum over
/// the interval.
bool is_interval_sum(const Unit& unit, const Unit& rate);

}  // namespace fluxtile
