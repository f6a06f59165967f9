// SPDX-License-Identifier: Apache-2.0
#include "geo/cf_calendar.h"

#include <string>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr int64_t kGregorianStart = -141427;  // 1582-10-15, first day of the Gregorian calendar

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Length of a month in a year that has (`leap`) or lacks 29 February.
int month_length(int month, bool leap) { return days_in_month(leap ? 2000 : 2001, month); }

int day_of_fixed_year(int month, int day, bool leap) {
  return day_of_year(Date{leap ? 2000 : 2001, month, day});
}

bool leap_in(int year, Calendar calendar) {
  switch (calendar) {
    case Calendar::all_leap:
      return true;
    case Calendar::noleap:
      return false;
    case Calendar::julian:
      return year % 4 == 0;
    case Calendar::standard:
      return year <= 1582 ? year % 4 == 0 : is_leap(year);
    default:
      return is_leap(year);
  }
}

/// Julian calendar: every fourth year is a leap year. Days since the real 1970-01-01, which was 19
/// December 1969 in the Julian calendar.
int64_t julian_year_start(int64_t year) { return 365 * year + floor_div(year + 3, 4) - 719530; }

int64_t julian_number(CfDay d) {
  return julian_year_start(d.year) + day_of_fixed_year(d.month, d.day, d.year % 4 == 0);
}

CfDay julian_day(int64_t number) {
  auto year = static_cast<int>(floor_div((number + 719530) * 4, 1461));
  while (julian_year_start(year) > number) --year;
  while (julian_year_start(year + 1) <= number) ++year;
  const Date d = from_day_of_year(year % 4 == 0 ? 2000 : 2001,
                                  static_cast<int>(number - julian_year_start(year)));
  return {year, d.month, d.day};
}

CfDay gregorian_day(int64_t number) {
  const Date d = from_days(number);
  return {d.year, d.month, d.day};
}

CfDay fixed_year_day(int64_t number, int64_t length, bool leap) {
  const int64_t year = floor_div(number, length);
  const Date d = from_day_of_year(leap ? 2000 : 2001, static_cast<int>(number - year * length));
  return {static_cast<int>(year), d.month, d.day};
}

void check(CfDay d, Calendar calendar) {
  const bool exists =
      d.month >= 1 && d.month <= 12 && d.day >= 1 &&
      d.day <=
          (calendar == Calendar::day_360 ? 30 : month_length(d.month, leap_in(d.year, calendar)));
  const bool skipped =
      calendar == Calendar::standard && d.year == 1582 && d.month == 10 && d.day > 4 && d.day < 15;
  if (!exists || skipped)
    throw Error(Code::data,
                "there is no such day in the calendar " + std::string(to_string(calendar)))
        .found(to_text(Date{d.year, d.month, d.day}));
}

}  // namespace

int64_t cf_day_number(CfDay d, Calendar calendar) {
  if (calendar == Calendar::none)
    throw Error(Code::data, "the calendar 'none' has no dates")
        .hint("set the time by a pattern over the file name, or correct the file's calendar");
  check(d, calendar);
  switch (calendar) {
    case Calendar::julian:
      return julian_number(d);
    case Calendar::standard: {
      const int64_t gregorian = to_days(Date{d.year, d.month, d.day});
      const bool after =
          d.year != 1582 ? d.year > 1582 : d.month > 10 || (d.month == 10 && d.day >= 15);
      return after ? gregorian : julian_number(d);
    }
    case Calendar::noleap:
      return int64_t{365} * d.year + day_of_fixed_year(d.month, d.day, false);
    case Calendar::all_leap:
      return int64_t{366} * d.year + day_of_fixed_year(d.month, d.day, true);
    case Calendar::day_360:
      return int64_t{360} * d.year + 30 * (d.month - 1) + d.day - 1;
    default:
      return to_days(Date{d.year, d.month, d.day});
  }
}

CfDay cf_day_from_number(int64_t number, Calendar calendar) {
  switch (calendar) {
    case Calendar::julian:
      return julian_day(number);
    case Calendar::standard:
      return number >= kGregorianStart ? gregorian_day(number) : julian_day(number);
    case Calendar::noleap:
      return fixed_year_day(number, 365, false);
    case Calendar::all_leap:
      return fixed_year_day(number, 366, true);
    case Calendar::day_360: {
      const int64_t year = floor_div(number, 360);
      const auto rest = static_cast<int>(number - year * 360);
      return {static_cast<int>(year), rest / 30 + 1, rest % 30 + 1};
    }
    default:
      return gregorian_day(number);
  }
}

}  // namespace fluxtile
