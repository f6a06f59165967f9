// SPDX-License-Identifier: Apache-2.0
// Composites: what a raster of 1, 8 or 16 days or of a month stands for.
#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "geo/time_axis.h"

namespace fluxtile {

Interval parse_interval(const std::string& text) {
  if (text == "1d") return Interval::day;
  if (text == "8d") return Interval::days8;
  if (text == "16d") return Interval::days16;
  if (text == "month") return Interval::month;
  throw Error(Code::data, "unknown interval")
      .found("'" + text + "'")
      .expected("1d, 8d, 16d or month");
}

const char* to_string(Interval interval) noexcept {
  switch (interval) {
    case Interval::day:
      return "1d";
    case Interval::days8:
      return "8d";
    case Interval::days16:
      return "16d";
    case Interval::month:
      return "month";
  }
  return "1d";
}

std::vector<CompositeSpan> composite_spans(const std::vector<int64_t>& starts, Interval interval) {
  std::vector<CompositeSpan> spans;
  spans.reserve(starts.size());
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t start = starts[i];
    if (i > 0 && start <= starts[i - 1])
      throw Error(Code::data, "composites are not in strictly ascending order")
          .found(to_text(from_days(starts[i - 1])) + " before " + to_text(from_days(start)));
    const Date date = from_days(start);
    CompositeSpan span{start, start + 1};
    if (interval == Interval::month) {
      span.first = start - (date.day - 1);
      span.end = span.first + days_in_month(date.year, date.month);
      if (i > 0 && spans.back().first == span.first)
        throw Error(Code::data, "two monthly composites stand for one month")
            .found(to_text(from_days(starts[i - 1])) + " and " + to_text(date))
            .hint("is `interval: month` right?");
    } else {
      if (interval == Interval::days8) span.end = start + 8;
      if (interval == Interval::days16) span.end = start + 16;
      span.end = std::min(span.end, to_days(Date{date.year + 1, 1, 1}));
      if (i + 1 < starts.size()) span.end = std::min(span.end, std::max(starts[i + 1], start + 1));
    }
    spans.push_back(span);
  }
  return spans;
}

int parse_days(const std::string& text) {
  const bool digits = text.size() > 1 && text.size() < 7 && text.back() == 'd' &&
                      std::all_of(text.begin(), text.end() - 1, [](char c) {
                        return std::isdigit(static_cast<unsigned char>(c)) != 0;
                      });
  if (!digits)
    throw Error(Code::data, "not a number of days")
        .found("'" + text + "'")
        .expected("whole days like 32d");
  return std::stoi(text.substr(0, text.size() - 1));
}

}  // namespace fluxtile
