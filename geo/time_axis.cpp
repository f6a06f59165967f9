// SPDX-License-Identifier: Apache-2.0
#include "geo/time_axis.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <regex>

#include "base/error.h"
#include "geo/cf_calendar.h"

namespace fluxtile {
namespace {

constexpr double kDaySeconds = 86400;
/// A stamp closer than this to a day boundary stands on it: text such as 23:59:59.99997 is what
/// rounding leaves of midnight.
constexpr double kBoundarySeconds = 1e-3;

/// "days since 1900-01-01 00:00:00 +00:00" taken apart.
struct TimeUnits {
  double seconds = 0;  ///< length of the unit
  int64_t epoch_day = 0;
  double epoch_seconds = 0;  ///< UTC seconds after the epoch day's midnight; may be negative
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

double unit_seconds(const std::string& unit, Calendar calendar, const std::string& whole) {
  const std::string u = lower(unit);
  const auto is = [&u](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (u == name) return true;
    return false;
  };
  if (is({"days", "day", "d"})) return kDaySeconds;
  if (is({"hours", "hour", "hrs", "hr", "h"})) return 3600;
  if (is({"minutes", "minute", "mins", "min"})) return 60;
  if (is({"seconds", "second", "secs", "sec", "s"})) return 1;
  if (is({"milliseconds", "millisecond", "msecs", "msec", "ms"})) return 1e-3;
  const bool months = is({"months", "month"}), years = is({"years", "year"});
  if ((months || years) && calendar == Calendar::day_360) return (months ? 30 : 360) * kDaySeconds;
  if (months || years || is({"common_years", "common_year", "yr", "yrs"}))
    throw Error(Code::data, "a time axis in " + unit + " has no fixed length in the calendar " +
                                to_string(calendar))
        .found("'" + whole + "'")
        .expected("days, hours, minutes or seconds since a date")
        .hint("rewrite the axis (cdo settunits,days), or use a date pattern over the file name");
  throw Error(Code::data, "unknown unit of time")
      .found("'" + whole + "'")
      .expected("days, hours, minutes or seconds since a date");
}

/// Seconds east of UTC of "Z", "UTC", "+01:00", "-6", "+0530"; empty is UTC.
double zone_seconds(const std::string& zone) {
  if (zone.empty() || std::isalpha(static_cast<unsigned char>(zone[0])) != 0) return 0;
  const double sign = zone[0] == '-' ? -1 : 1;
  const std::string digits = zone.substr(1);
  const size_t colon = digits.find(':');
  int hours = 0, minutes = 0;
  if (colon != std::string::npos) {
    hours = std::stoi(digits.substr(0, colon));
    minutes = std::stoi(digits.substr(colon + 1));
  } else if (digits.size() > 2) {
    hours = std::stoi(digits.substr(0, digits.size() - 2));
    minutes = std::stoi(digits.substr(digits.size() - 2));
  } else {
    hours = std::stoi(digits);
  }
  return sign * (hours * 3600 + minutes * 60);
}

TimeUnits parse_time_units(const std::string& text, Calendar calendar) {
  static const std::regex form(R"(^\s*([A-Za-z_]+)\s+since\s+([+-]?\d{1,4})-(\d{1,2})-(\d{1,2}))"
                               R"((?:[T\s]\s*(\d{1,2})(?::(\d{1,2}))?(?::(\d{1,2}(?:\.\d*)?))?)?)"
                               R"(\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?\s*$)",
                               std::regex::icase);
  std::smatch m;
  constexpr size_t longest = 200;
  if (text.size() > longest || !std::regex_match(text, m, form))
    throw Error(Code::data, "cannot read the units of the time axis")
        .found("'" + text.substr(0, longest) + "'")
        .expected("text like 'days since 1900-01-01 00:00:00'");
  const auto number = [&m](size_t group) { return m[group].matched ? std::stoi(m[group]) : 0; };
  const int hour = number(5), minute = number(6);
  const double second = m[7].matched ? std::stod(m[7]) : 0;
  if (hour > 24 || minute > 59 || second >= 61)
    throw Error(Code::data, "the time axis starts at an impossible time").found("'" + text + "'");
  TimeUnits units;
  units.seconds = unit_seconds(m[1], calendar, text);
  units.epoch_day = cf_day_number({number(2), number(3), number(4)}, calendar);
  units.epoch_seconds = hour * 3600 + minute * 60 + second - zone_seconds(m[8]);
  return units;
}

}  // namespace

std::vector<CfTime> decode_cf_time(const std::vector<double>& values, const std::string& units,
                                   Calendar calendar) {
  const TimeUnits u = parse_time_units(units, calendar);
  const double per_day =
      kDaySeconds / u.seconds;  // units in a day, at least 1 but for months, years
  std::vector<CfTime> times;
  times.reserve(values.size());
  for (const double value : values) {
    if (!std::isfinite(value) || std::abs(value) > 1e8 * std::max(per_day, 1.0))
      throw Error(Code::data, "the time axis holds a value that is no time")
          .found(std::to_string(value) + " " + units);
    // Whole days first, so that the fraction keeps its digits. Units longer than a day are whole
    // numbers of days.
    double days = per_day >= 1 ? std::floor(value / per_day) : std::floor(value / per_day + 1e-9);
    double seconds = per_day >= 1 ? (value - days * per_day) * u.seconds
                                  : std::max(0.0, (value / per_day - days) * kDaySeconds);
    seconds += u.epoch_seconds;
    const double over = std::floor((seconds + kBoundarySeconds) / kDaySeconds);
    days += over;
    seconds = std::max(0.0, seconds - over * kDaySeconds);
    const CfDay day = cf_day_from_number(u.epoch_day + static_cast<int64_t>(days), calendar);
    times.push_back({day.year, day.month, day.day, seconds / kDaySeconds});
  }
  return times;
}

std::vector<std::optional<Date>> to_real_dates(const std::vector<CfTime>& times, Calendar calendar,
                                               bool map_calendar) {
  if (calendar == Calendar::none && !times.empty())
    throw Error(Code::data, "the calendar 'none' has no dates");
  if (calendar == Calendar::day_360 && !map_calendar)
    throw Error(Code::data, "the calendar 360_day has no real dates")
        .expected("a calendar with real days")
        .hint("set `calendar: map` on this input to spread its 360 days over the year");
  std::vector<std::optional<Date>> dates;
  dates.reserve(times.size());
  for (const CfTime& t : times) {
    switch (calendar) {
      case Calendar::day_360: {
        const int n = days_in_year(t.year);
        const int k = (t.month - 1) * 30 + t.day - 1;
        // floor((k + 0.5) * n / 360) in integers
        dates.emplace_back(from_day_of_year(t.year, (2 * k + 1) * n / 720));
        break;
      }
      case Calendar::all_leap:
        if (t.month == 2 && t.day == 29 && !is_leap(t.year))
          dates.emplace_back(std::nullopt);
        else
          dates.emplace_back(Date{t.year, t.month, t.day});
        break;
      case Calendar::standard:
      case Calendar::julian:
        dates.emplace_back(from_days(cf_day_number({t.year, t.month, t.day}, calendar)));
        break;
      default:
        dates.emplace_back(Date{t.year, t.month, t.day});
    }
  }
  return dates;
}

}  // namespace fluxtile
