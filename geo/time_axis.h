// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geo/calendar.h"

namespace fluxtile {

/// A moment of a CF time axis in its own calendar.
struct CfTime {
  int year = 0, month = 1, day = 1;
  double day_fraction = 0;
};

/// Decodes "days since 1900-01-01 00:00:00" style values (days, hours, minutes, seconds, and, where
/// the calendar gives them a meaning, months/years are refused unless 360_day) in any CF calendar.
/// Throws Error(data).
std::vector<CfTime> decode_cf_time(const std::vector<double>& values, const std::string& units,
                                   Calendar calendar);

/// Real-calendar dates of a daily CF axis. noleap lacks 29 February; all_leap's 29 February of
/// common years is dropped (nullopt there); 360_day is refused unless `map_calendar`: then day k of
/// 360 goes to day floor((k+0.5)*n/360) of the real year.
std::vector<std::optional<Date>> to_real_dates(const std::vector<CfTime>& times, Calendar calendar,
                                               bool map_calendar);

/// Date in a file name by a strftime-like pattern over the base name without extension: literals
/// plus %Y %m %d %j %y %b and `*` (any run). The pattern may match anywhere in the name if it
/// begins or ends with `*`; otherwise it must match at the start. nullopt if it does not match. %j
/// is 1-based. Missing month/day default to 1.
std::optional<Date> date_from_name(const std::string& path, const std::string& pattern);
/// Throws Error(data) for a pattern with an unknown % code or none at all.
void check_name_pattern(const std::string& pattern);

/// What one composite stands for.
enum class Interval { day, days8, days16, month };
Interval parse_interval(const std::string& text);  ///< "1d" "8d" "16d" "month"; throws Error(data)
const char* to_string(Interval interval) noexcept;

/// A composite's days: [first, end) as days since 1970-01-01, after cutting at the new year (8d,
/// 16d) and at the next composite.
struct CompositeSpan {
  int64_t first = 0, end = 0;
};
/// Spans of composites that start on `starts` (strictly ascending days since 1970-01-01).
std::vector<CompositeSpan> composite_spans(const std::vector<int64_t>& starts, Interval interval);

/// "32d" -> 32, "0d" -> 0. Throws Error(data).
int parse_days(const std::string& text);

}  // namespace fluxtile
