// SPDX-License-Identifier: Apache-2.0
#include "geo/calendar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr std::array<int, 13> kDaysBefore = {0,   31,  59,  90,  120, 151, 181,
                                             212, 243, 273, 304, 334, 365};

int days_before_month(int year, int month) noexcept {
  return kDaysBefore[static_cast<size_t>(month - 1)] + (month > 2 && is_leap(year) ? 1 : 0);
}

/// Days from 1970-01-01 to 1 January of `year`.
int64_t year_start(int64_t year) noexcept {
  const int64_t y = year - 1;  // whole years since 0001-01-01, negative before
  const auto floor_div = [](int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

}  // namespace

bool is_leap(int year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_year(int year) noexcept { return is_leap(year) ? 366 : 365; }

int days_in_month(int year, int month) noexcept {
  const auto m = static_cast<size_t>(month);
  return kDaysBefore[m] - kDaysBefore[m - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

int64_t to_days(Date date) noexcept {
  return year_start(date.year) + days_before_month(date.year, date.month) + date.day - 1;
}

Date from_days(int64_t days) noexcept {
  // The mean year gives the year or its neighbour; two comparisons make it exact.
  auto year =
      static_cast<int>(1970 + (days >= 0 ? days * 400 / 146097 : (days * 400 - 146096) / 146097));
  while (year_start(year) > days) --year;
  while (year_start(year + 1) <= days) ++year;
  return from_day_of_year(year, static_cast<int>(days - year_start(year)));
}

int day_of_year(Date date) noexcept {
  return days_before_month(date.year, date.month) + date.day - 1;
}

Date from_day_of_year(int year, int day_index) noexcept {
  int month = 1;
  while (month < 12 && day_index >= days_before_month(year, month + 1)) ++month;
  return {year, month, day_index - days_before_month(year, month) + 1};
}

std::string to_text(Date date) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", date.year, date.month, date.day);
  return text.data();
}

Date parse_date(const std::string& text) {
  const auto bad = [&text](const char* why) {
    return Error(Code::data, why).found("'" + text + "'").expected("a date like 2018-07-14");
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') throw bad("not a date");
  for (const size_t i : {0U, 1U, 2U, 3U, 5U, 6U, 8U, 9U})
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) throw bad("not a date");
  const Date date{std::stoi(text.substr(0, 4)), std::stoi(text.substr(5, 2)),
                  std::stoi(text.substr(8, 2))};
  if (date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > days_in_month(date.year, date.month))
    throw bad("there is no such day");
  return date;
}

Calendar parse_calendar(const std::string& name) {
  std::string folded = name;
  std::transform(folded.begin(), folded.end(), folded.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  if (folded == "standard" || folded == "gregorian" || folded.empty()) return Calendar::standard;
  if (folded == "proleptic_gregorian") return Calendar::proleptic_gregorian;
  if (folded == "julian") return Calendar::julian;
  if (folded == "noleap" || folded == "365_day" || folded == "no_leap") return Calendar::noleap;
  if (folded == "all_leap" || folded == "366_day") return Calendar::all_leap;
  if (folded == "360_day") return Calendar::day_360;
  if (folded == "none") return Calendar::none;
  throw Error(Code::data, "unknown calendar")
      .found("'" + name + "'")
      .expected(
          "standard, gregorian, proleptic_gregorian, julian, noleap, 365_day, all_leap, 366_day, "
          "360_day or none");
}

const char* to_string(Calendar calendar) noexcept {
  switch (calendar) {
    case Calendar::standard:
      return "standard";
    case Calendar::proleptic_gregorian:
      return "proleptic_gregorian";
    case Calendar::julian:
      return "julian";
    case Calendar::noleap:
      return "noleap";
    case Calendar::all_leap:
      return "all_leap";
    case Calendar::day_360:
      return "360_day";
    case Calendar::none:
      return "none";
  }
  return "none";
}

}  // namespace fluxtile
