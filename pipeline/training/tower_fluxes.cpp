// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower_fluxes.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "geo/calendar.h"
#include "pipeline/config_values.h"

namespace fluxtile {
namespace {

constexpr double kBeyondCrops = 60;  // gC m-2 d-1; maize at its best takes up some 35

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string day_or_month(const TowerFluxes& fluxes, int64_t number) {
  if (!fluxes.monthly) return to_text(from_days(number));
  return to_text({static_cast<int>(number / 12), static_cast<int>(number % 12) + 1, 1})
      .substr(0, 7);
}

/// Mean of what `of` gives for the rows where it is a number, and how many they are.
template <typename Of>
std::pair<double, size_t> mean(const TowerFluxes& fluxes, Of of) {
  double sum = 0;
  size_t count = 0;
  for (const auto& [stamp, value] : fluxes.values) {
    const double x = of(value);
    if (std::isnan(x)) continue;
    sum += x;
    ++count;
  }
  return {count == 0 ? 0.0 : sum / static_cast<double>(count), count};
}

}  // namespace

TowerStamp tower_stamp(const CsvTable& table, size_t row, size_t column) {
  const std::string& text = table.text(row, column);
  const auto wrong = [&](const std::string& message) {
    return table.error(row, column, message)
        .expected("a day (20030714 or 2003-07-14) or a month (200307 or 2003-07)");
  };
  std::string digits;
  bool time = false;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      digits += c;
    } else if (c == ':' || c == 'T' || c == ' ') {
      time = true;
    } else if (c != '-') {
      throw wrong("not a date");
    }
  }
  if (time || digits.size() == 12 || digits.size() == 14) {
    throw wrong("the file is not daily or monthly: its stamps have a time of day")
        .hint(
            "half-hourly and hourly files are not read; take the daily (DD) or monthly (MM) file");
  }
  if (digits.size() == 4) {
    throw wrong("the file is annual").hint("take the daily (DD) or monthly (MM) file");
  }
  const bool dashes = text.find('-') != std::string::npos;
  const bool daily = digits.size() == 8 && (!dashes || text.size() == 10);
  const bool monthly = digits.size() == 6 && (!dashes || text.size() == 7);
  if (!daily && !monthly) throw wrong("not a date");
  const std::string iso =
      digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" + (daily ? digits.substr(6, 2) : "01");
  if (dashes && iso.compare(0, text.size(), text) != 0) throw wrong("not a date");
  const auto date = attempt([&] { return parse_date(iso); });
  if (!date.ok()) throw wrong("there is no such date");
  if (daily) return {false, to_days(date.value())};
  return {true, month_number(date.value().year, date.value().month)};
}

TowerFluxes::Value& TowerRows::add(size_t row, TowerFluxes& fluxes) {
  const TowerStamp stamp = tower_stamp(table_, row, column_);
  if (fluxes.values.empty()) fluxes.monthly = stamp.monthly;
  if (stamp.monthly != fluxes.monthly)
    throw table_.error(row, column_, "days and months in one file")
        .expected(fluxes.monthly ? "months only" : "days only");
  const auto [first, fresh] = seen_.emplace(stamp.number, row);
  if (!fresh) {
    throw table_
        .error(row, column_, day_or_month(fluxes, stamp.number) + " stands twice for this tower")
        .expected("every " + std::string(fluxes.monthly ? "month" : "day") + " once")
        .hint("if the file holds several towers, name its column of sites");
  }
  if (stamp.number < last_ && !told_) {
    fluxes.warnings.push_back(table_.path() + ": rows are not in order of time (first at " +
                              day_or_month(fluxes, stamp.number) +
                              "); each is taken by its own date");
    told_ = true;
  }
  last_ = stamp.number;
  return fluxes.values[stamp.number];
}

UnitConversion flux_conversion(const std::string& column, const std::string& unit,
                               const std::string& path) {
  const auto says_mol = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* word : {"umol", "\u00B5mol", "\u03BCmol", "mmol", "nmol"}) {
      if (text.find(word) != std::string::npos) return true;
    }
    return false;
  };
  if (says_mol(column) && !says_mol(unit)) {
    throw Error(Code::data, "the name of column `" + column + "` and its unit do not agree")
        .file(path)
        .found("unit `" + unit + "`")
        .expected("an amount, for example umol m-2 s-1")
        .hint(
            "amounts are converted by the molar mass of carbon; set `unit` to what the file holds");
  }
  try {
    return convert_unit(parse_unit(unit), parse_unit("gC m-2 d-1"));
  } catch (Error& error) {
    if (error.file().empty()) error.file(path);
    throw;
  }
}

void check_plausible(TowerFluxes& fluxes) {
  const auto warn = [&](const std::string& text) {
    fluxes.warnings.push_back(fluxes.file + ": " + text);
  };
  const auto all = [](const TowerFluxes::Value& v) { return v.nee + v.reco + v.gpp; };
  const auto as_said =
      mean(fluxes, [](const TowerFluxes::Value& v) { return std::fabs(v.nee - (v.reco - v.gpp)); });
  const auto turned =
      mean(fluxes, [](const TowerFluxes::Value& v) { return std::fabs(v.nee + v.reco - v.gpp); });
  const size_t enough = fluxes.monthly ? 6 : 30;
  if (mean(fluxes, all).second >= enough && turned.first < 0.5 * as_said.first) {
    warn("NEE seems to have the other sign: Reco - GPP differs from it by " +
         rounded(as_said.first) + " gC m-2 d-1 on average, from -NEE by " + rounded(turned.first) +
         "; negative is uptake here (`sign: positive-is-uptake` turns a column of a plain CSV)");
  }
  const auto reco = mean(fluxes, [](const TowerFluxes::Value& v) { return v.reco; });
  const auto gpp = mean(fluxes, [](const TowerFluxes::Value& v) { return v.gpp; });
  if (reco.second >= enough && reco.first < 0)
    warn("Reco is " + rounded(reco.first) + " gC m-2 d-1 on average; release is positive here");
  if (gpp.second >= enough && gpp.first < 0)
    warn("GPP is " + rounded(gpp.first) + " gC m-2 d-1 on average; GPP is positive here");
  double largest = 0;
  for (const auto& [stamp, v] : fluxes.values) {
    for (const double x : {v.reco, v.nee, v.gpp})
      if (!std::isnan(x)) largest = std::max(largest, std::fabs(x));
  }
  if (largest > kBeyondCrops)
    warn("a flux of " + rounded(largest) + " gC m-2 d-1 is beyond any crop's; is the unit right?");
}

}  // namespace fluxtile
