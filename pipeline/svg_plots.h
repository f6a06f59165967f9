// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace fluxtile {

/// An axis of a plot.
struct PlotAxis {
  std::string title;
  bool logarithmic = false;  ///< values that are not positive are left out
  bool percent = false;      ///< values are shares; ticks read "20 %"
  /// Ends; NaN = from the data. What lies outside is drawn at the edge as a triangle.
  double low = NAN, high = NAN;
};

/// Points joined by a line; a NaN breaks it.
struct PlotLine {
  std::string name;
  size_t colour = 0;  ///< class k<colour> of the page
  bool dashed = false, joined = true, faint = false;
  std::vector<std::pair<double, double>> points;
};
/// A vertical line with a word, "stage 2".
struct PlotMark {
  double x = 0;
  std::string text;
};
/// Several lines over one x axis. Where lines stand is not told by colour alone: each has its name
/// in the points' tips, and plot_legend() names the colours.
std::string line_plot(const std::string& label, const PlotAxis& x, const PlotAxis& y,
                      const std::vector<PlotLine>& lines, const std::vector<PlotMark>& marks = {});

/// A value on a row.
struct PlotDot {
  double value = 0;
  size_t colour = 0;
  std::string tip;
  bool hollow = false, large = false;
};
/// A row of a plot whose values run along x: single values, an estimate with its interval, or the
/// values of many sites with their quartiles. NaN = not there.
struct PlotRow {
  std::string name;
  bool heading = false;  ///< the name alone, for the rows below
  std::vector<PlotDot> dots;
  double low = NAN, high = NAN;  ///< interval, in the first dot's colour
  double quarter = NAN, median = NAN, three_quarters = NAN;  ///< box behind the dots
  std::string note;                                          ///< text on the right
};
/// Rows of dots: a dot plot, an interval (forest) plot or a strip plot. `reference`: a vertical
/// line, NaN = none. Dots of a row that would hide each other stand above each other.
std::string row_plot(const std::string& label, const PlotAxis& x, const std::vector<PlotRow>& rows,
                     double reference = NAN);

/// Names of colours as an HTML list.
std::string plot_legend(const std::vector<std::pair<std::string, size_t>>& names);

}  // namespace fluxtile
