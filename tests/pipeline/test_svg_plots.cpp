// SPDX-License-Identifier: Apache-2.0
#include "pipeline/svg_plots.h"

#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>

namespace fluxtile {
namespace {
using testing::HasSubstr;
using testing::Not;

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The values of an attribute of the elements whose class holds `style`, in order.
std::vector<double> lengths(const std::string& svg, const std::string& style,
                            const std::string& attribute) {
  std::vector<double> out;
  for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const std::string element = svg.substr(at, svg.find('>', at) - at);
    const size_t own = element.find("class=\"" + style);
    const size_t place = element.find(" " + attribute + "=\"");
    if (own != std::string::npos && place != std::string::npos)
      out.push_back(std::strtod(element.c_str() + place + attribute.size() + 3, nullptr));
  }
  return out;
}

void expect_well_formed(const std::string& svg) {
  CPLXMLNode* root = CPLParseXMLString(svg.c_str());
  EXPECT_NE(root, nullptr) << svg;
  CPLDestroyXMLNode(root);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(LinePlot, DecadesAreEquallyFarApart) {
  PlotAxis x, y;
  x.logarithmic = y.logarithmic = true;
  PlotLine line;
  line.points = {{1, 1}, {10, 0.1}, {100, 0.01}, {0, 1}, {-1, 1}};  // two that have no logarithm
  const std::string svg = line_plot("a", x, y, {line});
  const std::vector<double> at_x = lengths(svg, "dot", "cx"), at_y = lengths(svg, "dot", "cy");
  ASSERT_EQ(at_x.size(), 3U);
  EXPECT_NEAR(at_x[1] - at_x[0], at_x[2] - at_x[1], 0.11);
  EXPECT_NEAR(at_y[1] - at_y[0], at_y[2] - at_y[1], 0.11);
  EXPECT_GT(at_y[2], at_y[0]);  // small values lie low
  EXPECT_THAT(svg, HasSubstr(">0.01</text>"));
}

TEST(LinePlot, ANanBreaksALine) {
  PlotLine line;
  line.name = "loss";
  line.colour = 3;
  line.points = {{1, 1}, {2, std::nan("")}, {3, 1}, {4, 2}};
  const std::string svg = line_plot("a", {}, {}, {line}, {{3, "stage <2>"}});
  const size_t begin = svg.find(" d=\"");
  const std::string path = svg.substr(begin, svg.find('"', begin + 4) - begin);
  EXPECT_EQ(count(path, "M"), 2);
  EXPECT_EQ(count(path, "L"), 1);
  EXPECT_EQ(count(svg, "<circle"), 3);
  EXPECT_THAT(svg, HasSubstr("series k3"));
  EXPECT_THAT(svg, HasSubstr("stage &lt;2&gt;"));
  EXPECT_THAT(svg, HasSubstr("loss: 2 at 4"));
}

TEST(RowPlot, AnIntervalReachesFromLowToHigh) {
  PlotAxis axis;
  axis.low = -1;
  axis.high = 1;
  axis.percent = true;
  PlotRow row;
  row.name = "Iowa";
  row.dots = {{0, 2, "nothing", false, false}};
  row.low = -0.5;
  row.high = 0.5;
  row.note = "0.0 %";
  const std::string svg = row_plot("a", axis, {row}, 0);
  const std::vector<double> dot = lengths(svg, "dot", "cx"), zero = lengths(svg, "zero", "x1"),
                            from = lengths(svg, "whisker", "x1"),
                            to = lengths(svg, "whisker", "x2");
  ASSERT_EQ(from.size(), 3U);  // the bar and its two ends
  EXPECT_EQ(dot.at(0), zero.at(0));
  EXPECT_NEAR(dot.at(0) - from[0], to[0] - dot.at(0), 0.11);
  EXPECT_GT(to[0] - from[0], 50);
  EXPECT_THAT(svg, HasSubstr(">−50 %<"));
  EXPECT_THAT(svg, HasSubstr(">0.0 %<"));
}

TEST(RowPlot, ValuesOutsideTheAxisAreTrianglesAtItsEdge) {
  PlotAxis axis;
  axis.low = 0;
  axis.high = 1;
  PlotRow row;
  row.dots = {{-7, 0, "very bad", false, false}, {0.5, 0, "fair", false, false}};
  const std::string svg = row_plot("a", axis, {row});
  EXPECT_EQ(count(svg, "<circle"), 1);
  EXPECT_EQ(count(svg, "<path"), 1);
  EXPECT_THAT(svg, HasSubstr("very bad"));
}

TEST(RowPlot, DotsDoNotHideEachOther) {
  PlotAxis axis;
  axis.low = 0;
  axis.high = 1;
  PlotRow row;
  for (int i = 0; i < 5; ++i) row.dots.push_back({0.5, 0, "", false, false});
  row.dots.push_back({0.9, 0, "", false, false});
  for (int i = 0; i < 12; ++i) row.dots.push_back({0.1, 0, "", false, false});
  row.quarter = 0.2;
  row.median = 0.5;
  row.three_quarters = 0.8;
  const std::string svg = row_plot("a", axis, {row});
  std::vector<double> y = lengths(svg, "dot", "cy");
  ASSERT_EQ(y.size(), 18U);
  for (size_t i = 0; i < 5; ++i)
    for (size_t k = 0; k < i; ++k) EXPECT_GT(std::fabs(y[i] - y[k]), 3) << i << " " << k;
  // All stay on their row.
  for (const double v : y) EXPECT_NEAR(v, y[5], 18);
  EXPECT_EQ(lengths(svg, "box", "width").size(), 1U);
  EXPECT_EQ(lengths(svg, "median", "x1").size(), 1U);
}

TEST(Plots, AreWellFormedWhateverTheValues) {
  for (const auto& values : std::vector<std::vector<double>>{
           {}, {0}, {-1e-9}, {std::nan("")}, {1e12, -1e12}, {HUGE_VAL, 1}, {0.3, 0.3}}) {
    for (const bool logarithmic : {false, true}) {
      PlotAxis axis;
      axis.logarithmic = logarithmic;
      axis.title = "<RMSE> & \"NSE\"";
      PlotLine line;
      line.name = "<a> & 'b'";
      PlotRow row, heading;
      row.name = heading.name = "<row>";
      row.note = "<note>";
      heading.heading = true;
      for (const double v : values) {
        line.points.emplace_back(v, v);
        row.dots.push_back({v, 0, "<tip>", false, false});
        row.low = row.high = row.quarter = row.median = row.three_quarters = v;
      }
      expect_well_formed(line_plot("<label>", axis, axis, {line}, {{1, "<mark>"}}));
      expect_well_formed(row_plot("<label>", axis, {heading, row}, 0));
    }
  }
  expect_well_formed(plot_legend({{"<a> & \"b\"", 1}, {"c", 2}}));
}

}  // namespace
}  // namespace fluxtile
