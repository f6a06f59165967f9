// SPDX-License-Identifier: Apache-2.0
// Dates in file names.
#include <array>
#include <cctype>
#include <set>
#include <tuple>

#include "base/error.h"
#include "geo/time_axis.h"

namespace fluxtile {
namespace {

constexpr std::array<const char*, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                 "jul", "aug", "sep", "oct", "nov", "dec"};

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// What the codes of a pattern read so far; 0 = not given.
struct Fields {
  int year = 0, month = 0, day = 0, day_of_year = 0;
  bool has_year = false;

  /// Sets a field that an earlier code may have set: both must agree.
  static bool agree(int& field, int value) {
    if (field != 0 && field != value) return false;
    field = value;
    return true;
  }

  [[nodiscard]] std::optional<Date> date() const {
    if (!has_year) return std::nullopt;
    if (day_of_year > 0) {
      if (day_of_year > days_in_year(year)) return std::nullopt;
      const Date d = from_day_of_year(year, day_of_year - 1);
      if ((month != 0 && month != d.month) || (day != 0 && day != d.day)) return std::nullopt;
      return d;
    }
    const int m = month == 0 ? 1 : month, d = day == 0 ? 1 : day;
    if (d > days_in_month(year, m)) return std::nullopt;
    return Date{year, m, d};
  }
};

/// Reads exactly `width` digits at `at`; -1 if there are fewer.
int read_number(const std::string& name, size_t at, size_t width) {
  if (at + width > name.size()) return -1;
  int value = 0;
  for (size_t i = at; i < at + width; ++i) {
    if (!is_digit(name[i])) return -1;
    value = value * 10 + (name[i] - '0');
  }
  return value;
}

/// Reads what `code` stands for at `at` and moves `at` behind it.
bool read_code(char code, const std::string& name, size_t& at, Fields& fields) {
  const auto number = [&](size_t width, int low, int high, int& value) {
    value = read_number(name, at, width);
    at += width;
    return value >= low && value <= high;
  };
  int value = 0;
  switch (code) {
    case 'Y':
      return number(4, 1, 9999, value) && (fields.has_year = true) &&
             Fields::agree(fields.year, value);
    case 'y':
      return number(2, 0, 99, value) && (fields.has_year = true) &&
             Fields::agree(fields.year, value < 69 ? 2000 + value : 1900 + value);
    case 'm':
      return number(2, 1, 12, value) && Fields::agree(fields.month, value);
    case 'd':
      return number(2, 1, 31, value) && Fields::agree(fields.day, value);
    case 'j':
      return number(3, 1, 366, value) && Fields::agree(fields.day_of_year, value);
    case 'b': {
      if (at + 3 > name.size()) return false;
      std::string three = name.substr(at, 3);
      for (char& c : three) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      at += 3;
      for (size_t m = 0; m < kMonths.size(); ++m)
        if (three == kMonths[m]) return Fields::agree(fields.month, static_cast<int>(m) + 1);
      return false;
    }
    default:
      return false;
  }
}

/// What is left to match behind a `*`, and what was read before it: a way that led nowhere once
/// leads nowhere again. Without that, a row of stars would take exponential time.
using DeadEnds = std::set<std::tuple<size_t, size_t, int, int, int, int>>;

/// Matches pattern[p..] against name[at..]; the leftmost, shortest runs for `*` that give a real
/// date win.
std::optional<Date> match(const std::string& pattern, size_t p, const std::string& name, size_t at,
                          Fields fields, DeadEnds& dead_ends) {
  while (p < pattern.size()) {
    const char c = pattern[p];
    if (c == '*') {
      const bool new_way =
          dead_ends.insert({p, at, fields.year, fields.month, fields.day, fields.day_of_year})
              .second;
      for (size_t next = at; new_way && next <= name.size(); ++next)
        if (auto date = match(pattern, p + 1, name, next, fields, dead_ends)) return date;
      return std::nullopt;
    }
    if (c == '%' && p + 1 < pattern.size()) {
      const char code = pattern[p + 1];
      if (code == '%') {
        if (at >= name.size() || name[at] != '%') return std::nullopt;
        ++at;
      } else if (!read_code(code, name, at, fields)) {
        return std::nullopt;
      }
      p += 2;
      continue;
    }
    if (at >= name.size() || name[at] != c) return std::nullopt;
    ++at;
    ++p;
  }
  // A number that goes on was not read whole: gpp_%Y%m must not take 20180714 for July 2018.
  const bool cut = !pattern.empty() && pattern.back() != '*' && at > 0 && at < name.size() &&
                   is_digit(name[at - 1]) && is_digit(name[at]);
  return cut ? std::nullopt : fields.date();
}

std::optional<Date> match_name(const std::string& pattern, const std::string& name) {
  const bool anywhere = pattern.front() == '*' || pattern.back() == '*';
  const size_t last = anywhere ? name.size() : 0;
  DeadEnds dead_ends;
  for (size_t at = 0; at <= last; ++at)
    if (auto date = match(pattern, 0, name, at, {}, dead_ends)) return date;
  return std::nullopt;
}

}  // namespace

std::optional<Date> date_from_name(const std::string& path, const std::string& pattern) {
  if (pattern.empty()) return std::nullopt;
  const size_t slash = path.find_last_of('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const size_t dot = name.find_last_of('.');
  // Without the extension; with it for patterns that spell it out.
  if (dot != std::string::npos && dot > 0)
    if (auto date = match_name(pattern, name.substr(0, dot))) return date;
  return match_name(pattern, name);
}

void check_name_pattern(const std::string& pattern) {
  bool year = false, month = false, day = false, any = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    const char code = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    ++i;
    if (code == '%') continue;
    any = true;
    year = year || code == 'Y' || code == 'y';
    month = month || code == 'm' || code == 'b';
    day = day || code == 'd';
    if (std::string("Yymdjb").find(code) == std::string::npos || code == '\0')
      throw Error(Code::data, "unknown code in the date pattern")
          .found(code == '\0' ? std::string("'%' at the end") : "'%" + std::string(1, code) + "'")
          .expected("%Y %y %m %b %d %j, and * for any run of characters");
  }
  if (!any || !year)
    throw Error(Code::data, any ? "the date pattern has no year" : "the pattern has no date in it")
        .found("'" + pattern + "'")
        .expected("at least %Y, for example gpp_%Y%j");
  if (day && !month)
    throw Error(Code::data, "the date pattern has a day but no month").found("'" + pattern + "'");
}

}  // namespace fluxtile
