// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

/// Monthly values as an SVG line chart; its colours are CSS variables of the page (--ink, --quiet,
/// --line, --accent). Gaps where a value is NaN. `label` is read out by screen readers.
std::string monthly_chart(const std::string& label, const std::string& unit, int first_year,
                          int first_month, const std::vector<double>& values);

struct ChartBar {
  std::string label, value_text, colour;  ///< colour: CSS, empty = the page's accent
  double value = 0;                       ///< >= 0
};
/// Horizontal bars with their labels and values. `full`: value of a bar of full length; 0 = the
/// largest.
std::string bar_chart(const std::string& label, const std::vector<ChartBar>& bars, double full = 0);

}  // namespace fluxtile
