// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/curve_plot.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "pipeline/html_page.h"
#include "pipeline/svg_plots.h"
#include "pipeline/training/score_text.h"

namespace fluxtile {
namespace {

/// One learning rate: the seeds of each arm.
std::string seeds_plot(const std::string& label, const PlotAxis& axis,
                       const std::vector<CurvePoint>& points,
                       const std::vector<std::string>& arms) {
  std::vector<PlotRow> rows;
  for (const std::string& arm : arms) {
    PlotRow row;
    row.name = arm;
    for (const CurvePoint& p : points)
      if (p.arm == arm)
        row.dots.push_back({p.rmse, colour_of(arms, arm),
                            "seed " + std::to_string(p.seed) + ": " + score_for_page(p.rmse)});
    if (!row.dots.empty()) rows.push_back(row);
  }
  return row_plot(label, axis, rows);
}

}  // namespace

size_t colour_of(const std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name) - names.begin();
  return static_cast<size_t>(at) % HtmlPage::colours;
}

std::string curve_plot(const std::string& label, const std::string& x_title,
                       const std::string& y_title, const std::vector<CurvePoint>& points,
                       const std::vector<std::string>& arms) {
  double least = HUGE_VAL, most = -HUGE_VAL;
  for (const CurvePoint& p : points) {
    least = std::min(least, p.x);
    most = std::max(most, p.x);
  }
  PlotAxis y;
  y.title = y_title;
  if (least == most) return seeds_plot(label, y, points, arms);
  PlotAxis x;
  x.title = x_title;
  x.logarithmic = least > 0 && most >= 8 * least;
  std::vector<PlotLine> lines;
  for (const std::string& arm : arms) {
    PlotLine seeds, means;
    seeds.name = means.name = arm;
    seeds.colour = means.colour = colour_of(arms, arm);
    seeds.faint = true;
    seeds.joined = false;
    std::map<double, std::pair<double, int>> sums;
    for (const CurvePoint& p : points) {
      if (p.arm != arm || !std::isfinite(p.rmse)) continue;
      seeds.points.emplace_back(p.x, p.rmse);
      sums[p.x].first += p.rmse;
      ++sums[p.x].second;
    }
    bool several = false;
    for (const auto& [at, sum] : sums) {
      means.points.emplace_back(at, sum.first / sum.second);
      several = several || sum.second > 1;
    }
    if (several) lines.push_back(seeds);
    if (!means.points.empty()) lines.push_back(means);
  }
  return line_plot(label, x, y, lines);
}

}  // namespace fluxtile
