// SPDX-License-Identifier: Apache-2.0
#include "pipeline/svg_chart.h"

#include <algorithm>
#include <cmath>

#include "base/markup.h"
#include "geo/axis_ticks.h"
#include "geo/unit_text.h"
#include "pipeline/svg_elements.h"

namespace fluxtile {
namespace {

const char* month_name(int month) {
  static const char* const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return names[month - 1];
}

}  // namespace

std::string monthly_chart(const std::string& label, const std::string& unit, int first_year,
                          int first_month, const std::vector<double>& values) {
  constexpr double kWidth = 520, kHeight = 210, kLeft = 56, kRight = 12, kTop = 26, kBottom = 26;
  double low = 0, high = 0;  // zero always belongs to a flux
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (low == high) high = low + 1;
  const double room = 0.06 * (high - low);
  if (high > 0) high += room;
  if (low < 0) low -= room;
  const double inner_width = kWidth - kLeft - kRight, inner_height = kHeight - kTop - kBottom;
  const auto count = static_cast<double>(std::max<size_t>(values.size(), 1));
  // A month's value stands at the middle of the month.
  const auto x_of = [&](double index) { return kLeft + inner_width * index / count; };
  const auto y_of = [&](double v) { return kTop + inner_height * (high - v) / (high - low); };

  std::string svg = svg_opening(kWidth, kHeight, label);
  svg += svg_text(8, 14, "unit", unit_for_people(unit));
  for (const double tick : axis_ticks(low, high, 4)) {
    svg += svg_line(kLeft, y_of(tick), kWidth - kRight, y_of(tick), tick == 0 ? "zero" : "grid");
    svg += svg_text(kLeft - 8, y_of(tick) + 4, "tick right", number_for_people(tick));
  }

  const int months = static_cast<int>(values.size());
  const int years = (first_month - 1 + months + 11) / 12;
  const int stride = std::max(1, (years + 9) / 10);
  for (int i = 0; i < months; ++i) {
    const int absolute = first_month - 1 + i;
    const int year = first_year + absolute / 12, month = absolute % 12 + 1;
    if (years <= 2) {
      if ((month - 1) % (years == 1 ? 1 : 2) == 0)
        svg += svg_text(x_of(i + 0.5), kHeight - 8, "tick middle",
                        month == 1 ? std::to_string(year) : month_name(month));
      continue;
    }
    if (month != 1) continue;
    svg += svg_line(x_of(i), kTop, x_of(i), kHeight - kBottom, "grid");
    if ((year - first_year) % stride == 0)
      svg += svg_text(x_of(i) + 3, kHeight - 8, "tick", std::to_string(year));
  }

  std::string path;
  bool pen_down = false;
  for (int i = 0; i < months; ++i) {
    const double v = values[static_cast<size_t>(i)];
    if (!std::isfinite(v)) {
      pen_down = false;
      continue;
    }
    path += (pen_down ? "L" : "M") + svg_number(x_of(i + 0.5)) + " " + svg_number(y_of(v));
    pen_down = true;
  }
  if (!path.empty()) svg += "<path class=\"curve\" d=\"" + path + "\"/>\n";
  for (int i = 0; i < months; ++i) {
    const double v = values[static_cast<size_t>(i)];
    if (!std::isfinite(v)) continue;
    const int absolute = first_month - 1 + i;
    svg += "<circle class=\"" + std::string(months <= 36 ? "point" : "point small") + "\" cx=\"" +
           svg_number(x_of(i + 0.5)) + "\" cy=\"" + svg_number(y_of(v)) + "\" r=\"" +
           (months <= 36 ? "2.6" : "1.6") + "\"><title>" + month_name(absolute % 12 + 1) + " " +
           std::to_string(first_year + absolute / 12) + ": " + number_for_people(v) + " " +
           markup_escaped(unit_for_people(unit)) + "</title></circle>\n";
  }
  return svg + "</svg>\n";
}

std::string bar_chart(const std::string& label, const std::vector<ChartBar>& bars, double full) {
  constexpr double kWidth = 520, kRow = 24, kLabels = 170, kValues = 130, kBar = 14;
  double largest = full;
  if (!(largest > 0))
    for (const ChartBar& bar : bars) largest = std::max(largest, bar.value);
  if (!(largest > 0)) largest = 1;
  std::string svg = svg_opening(kWidth, kRow * static_cast<double>(bars.size()) + 2, label);
  double y = 1;
  for (const ChartBar& bar : bars) {
    const double length = (kWidth - kLabels - kValues) * std::clamp(bar.value / largest, 0.0, 1.0);
    const double middle = y + kRow / 2;
    svg += svg_text(kLabels - 10, middle + 4, "tick right", bar.label);
    svg += "<rect x=\"" + svg_number(kLabels) + "\" y=\"" + svg_number(middle - kBar / 2) +
           "\" width=\"" + svg_number(std::max(length, bar.value > 0 ? 1.0 : 0.0)) +
           "\" height=\"" + svg_number(kBar) + "\" rx=\"2\" class=\"bar\"" +
           (bar.colour.empty() ? "" : " style=\"fill:" + markup_escaped(bar.colour) + "\"") +
           "/>\n";
    svg += svg_text(kLabels + length + 8, middle + 4, "value", bar.value_text);
    y += kRow;
  }
  return svg + "</svg>\n";
}

}  // namespace fluxtile
