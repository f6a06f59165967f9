// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace fluxtile {

/// A day of the proleptic Gregorian calendar. Ordered, cheap.
struct Date {
  int year = 1970, month = 1, day = 1;
  friend bool operator==(Date a, Date b) {
    return a.year == b.year && a.month == b.month && a.day == b.day;
  }
  friend bool operator!=(Date a, Date b) { return !(a == b); }
  friend bool operator<(Date a, Date b) {
    return a.year != b.year     ? a.year < b.year
           : a.month != b.month ? a.month < b.month
                                : a.day < b.day;
  }
  friend bool operator<=(Date a, Date b) { return !(b < a); }
};

bool is_leap(int year) noexcept;
int days_in_year(int year) noexcept;  ///< 365 or 366
int days_in_month(int year, int month) noexcept;
int64_t to_days(Date date) noexcept;  ///< days since 1970-01-01
Date from_days(int64_t days) noexcept;
int day_of_year(Date date) noexcept;  ///< 0-based: 1 January is 0
Date from_day_of_year(int year, int day_index) noexcept;
std::string to_text(Date date);  ///< "2018-07-14"
/// "2018-07-14"; throws Error(data) on anything else, impossible dates included.
Date parse_date(const std::string& text);

/// CF calendars. standard/gregorian is the mixed Julian/Gregorian one.
enum class Calendar { standard, proleptic_gregorian, julian, noleap, all_leap, day_360, none };
/// CF names and their aliases; throws Error(data) that names an unknown one.
Calendar parse_calendar(const std::string& name);
const char* to_string(Calendar calendar) noexcept;

}  // namespace fluxtile
