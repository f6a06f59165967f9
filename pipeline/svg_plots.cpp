// SPDX-License-Identifier: Apache-2.0
#include "pipeline/svg_plots.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/markup.h"
#include "geo/axis_ticks.h"
#include "geo/unit_text.h"
#include "pipeline/svg_elements.h"

namespace fluxtile {
namespace {

std::string colour_class(size_t colour) { return "k" + std::to_string(colour); }

/// Width of a text in 12 px letters, roughly; code points that continue a letter do not count.
double text_width(const std::string& text) {
  const auto letters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  });
  return 6.6 * static_cast<double>(letters);
}

/// Values to lengths along an axis, with round ticks.
class AxisScale {
 public:
  AxisScale(const PlotAxis& axis, std::vector<double> values, double begin, double end, int ticks)
      : axis_(axis), begin_(begin), end_(end) {
    values.erase(
        std::remove_if(values.begin(), values.end(), [this](double v) { return !drawable(v); }),
        values.end());
    low_ = axis.logarithmic ? 1 : 0;
    high_ = axis.logarithmic ? 10 : 1;
    if (!values.empty()) {
      low_ = *std::min_element(values.begin(), values.end());
      high_ = *std::max_element(values.begin(), values.end());
    }
    if (drawable(axis.low)) low_ = axis.low;
    if (drawable(axis.high)) high_ = axis.high;
    double low = position(low_), high = position(high_);
    if (!(low < high)) {
      const double room = axis.logarithmic ? 0.5 : std::max(0.5 * std::fabs(low), 1e-9);
      low -= room;
      high += room;
    }
    const double room = 0.05 * (high - low);
    if (!drawable(axis.low)) low -= room;
    if (!drawable(axis.high)) high += room;
    // Numbers that cannot be negative do not get an axis that is.
    if (!axis.logarithmic && low < 0 && low_ >= 0) low = 0;
    low_position_ = low;
    high_position_ = high;
    if (axis.logarithmic)
      logarithmic_ticks(ticks);
    else
      ticks_ = axis_ticks(low, high, ticks);
  }

  [[nodiscard]] bool drawable(double v) const {
    return std::isfinite(v) && std::fabs(v) < 1e300 && (!axis_.logarithmic || v > 0);
  }
  /// -1 below the axis, 1 above it, 0 on it.
  [[nodiscard]] int outside(double v) const {
    const double slack = 1e-9 * (high_position_ - low_position_);
    if (position(v) < low_position_ - slack) return -1;
    return position(v) > high_position_ + slack ? 1 : 0;
  }
  /// Place of a value, kept inside the axis.
  [[nodiscard]] double at(double v) const {
    const double share = (position(v) - low_position_) / (high_position_ - low_position_);
    return begin_ + (end_ - begin_) * std::clamp(share, 0.0, 1.0);
  }
  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }
  [[nodiscard]] std::string tick_text(double v) const {
    return axis_.percent ? number_for_people(std::round(v * 1e6) / 1e4) + " %"
                         : number_for_people(v);
  }

 private:
  [[nodiscard]] double position(double v) const { return axis_.logarithmic ? std::log10(v) : v; }

  void logarithmic_ticks(int wanted) {
    const auto first = static_cast<int>(std::floor(low_position_)),
               last = static_cast<int>(std::ceil(high_position_));
    const double decades = high_position_ - low_position_;
    const int stride = std::max(1, static_cast<int>(std::ceil(decades / wanted)));
    for (int power = first; power <= last; ++power) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        if (digit > 1 && decades > 2) continue;
        if (power % stride != 0) continue;
        const double tick = digit * std::pow(10, power);
        if (outside(tick) == 0) ticks_.push_back(tick);
      }
    }
  }

  const PlotAxis axis_;
  double begin_, end_, low_ = 0, high_ = 1, low_position_ = 0, high_position_ = 1;
  std::vector<double> ticks_;
};

/// A triangle that points out of the plot: left (-1) or right (1).
std::string edge_mark(double x, double y, int side, const std::string& style,
                      const std::string& tip) {
  const double tail = x - 8 * side;
  return "<path class=\"" + style + "\" d=\"M" + svg_number(x) + " " + svg_number(y) + "L" +
         svg_number(tail) + " " + svg_number(y - 4.5) + "L" + svg_number(tail) + " " +
         svg_number(y + 4.5) + "Z\"><title>" + markup_escaped(tip) + "</title></path>\n";
}

/// Offsets that keep dots at the places `x` from hiding each other, within +-`reach`.
std::vector<double> spread(const std::vector<double>& x, double radius, double reach) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  const double step = 1.5 * radius;
  const int lanes = std::max(0, static_cast<int>(reach / step));
  std::vector<double> last(static_cast<size_t>(2 * lanes + 1), -1e9), offset(x.size(), 0);
  for (const size_t i : order) {
    int best = 0;
    double best_gap = -1;
    for (int k = 0; k <= 2 * lanes; ++k) {
      const int lane = (k + 1) / 2 * (k % 2 == 1 ? 1 : -1);  // 0, 1, -1, 2, -2, ...
      const double gap = x[i] - last[static_cast<size_t>(lane + lanes)];
      if (gap >= 2.1 * radius) {
        best = lane;
        break;
      }
      if (gap > best_gap) {
        best_gap = gap;
        best = lane;
      }
    }
    last[static_cast<size_t>(best + lanes)] = x[i];
    offset[i] = step * best;
  }
  return offset;
}

}  // namespace

std::string line_plot(const std::string& label, const PlotAxis& x, const PlotAxis& y,
                      const std::vector<PlotLine>& lines, const std::vector<PlotMark>& marks) {
  constexpr double kWidth = 520, kHeight = 270, kLeft = 62, kRight = 16, kTop = 30, kBottom = 44;
  std::vector<double> xs, ys;
  for (const PlotLine& line : lines) {
    for (const auto& [px, py] : line.points) {
      xs.push_back(px);
      ys.push_back(py);
    }
  }
  const AxisScale across(x, xs, kLeft, kWidth - kRight, 6);
  const AxisScale up(y, ys, kHeight - kBottom, kTop, 5);
  std::string svg = svg_opening(kWidth, kHeight, label);
  svg += svg_text(8, 14, "unit", y.title);
  for (const double tick : up.ticks()) {
    svg += svg_line(kLeft, up.at(tick), kWidth - kRight, up.at(tick), "grid");
    svg += svg_text(kLeft - 8, up.at(tick) + 4, "tick right", up.tick_text(tick));
  }
  for (const double tick : across.ticks())
    svg += svg_text(across.at(tick), kHeight - kBottom + 17, "tick middle", across.tick_text(tick));
  svg += svg_line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "zero");
  svg += svg_text((kLeft + kWidth - kRight) / 2, kHeight - 8, "tick middle", x.title);
  // Words of marks that stand close together go on two heights.
  double free_from[2] = {-1e9, -1e9};
  for (const PlotMark& mark : marks) {
    if (!across.drawable(mark.x) || across.outside(mark.x) != 0) continue;
    const double place = across.at(mark.x);
    svg += svg_line(place, kTop, place, kHeight - kBottom, "mark");
    for (int row = 0; row < 2; ++row) {
      if (place < free_from[row]) continue;
      svg += svg_text(place + 4, kTop + 10 + 13 * row, "tick", mark.text);
      free_from[row] = place + text_width(mark.text) + 8;
      break;
    }
  }
  for (const PlotLine& line : lines) {
    const std::string colour = colour_class(line.colour);
    std::string path;
    bool pen_down = false;
    for (const auto& [px, py] : line.points) {
      if (!across.drawable(px) || !up.drawable(py)) {
        pen_down = false;
        continue;
      }
      path += (pen_down ? "L" : "M") + svg_number(across.at(px)) + " " + svg_number(up.at(py));
      pen_down = true;
    }
    if (line.joined && !path.empty())
      svg += "<path class=\"series" + std::string(line.dashed ? " dashed " : " ") + colour +
             "\" d=\"" + path + "\"><title>" + markup_escaped(line.name) + "</title></path>\n";
    if (line.joined && line.points.size() > 40) continue;  // a curve, not measurements
    for (const auto& [px, py] : line.points)
      if (across.drawable(px) && up.drawable(py))
        svg += svg_dot(across.at(px), up.at(py), line.faint ? 2.4 : 3.2,
                       (line.faint ? "dot faint " : "dot ") + colour,
                       line.name + ": " + up.tick_text(py) + " at " + across.tick_text(px));
  }
  return svg + "</svg>\n";
}

std::string row_plot(const std::string& label, const PlotAxis& x, const std::vector<PlotRow>& rows,
                     double reference) {
  constexpr double kWidth = 560, kTop = 6, kBottom = 40;
  double names = 40, notes = 0;
  size_t most_dots = 0;
  bool estimates_with_values = false;
  std::vector<double> values;
  for (const PlotRow& row : rows) {
    names = std::max(names, text_width(row.name));
    if (row.heading) continue;
    notes = std::max(notes, text_width(row.note));
    most_dots = std::max(most_dots, row.dots.size());
    estimates_with_values =
        estimates_with_values || (row.dots.size() > 1 && std::isfinite(row.low));
    values.insert(values.end(), {row.low, row.high, row.quarter, row.three_quarters});
    for (const PlotDot& dot : row.dots) values.push_back(dot.value);
  }
  if (std::isfinite(reference)) values.push_back(reference);
  const bool tall = most_dots > 12 || estimates_with_values;
  const double height_of_row = tall ? 36 : 24, radius = tall ? 3 : 4;
  const double left = std::min(names, 190.0) + 14, right = std::min(notes, 200.0) + 14;
  const double bottom = kTop + height_of_row * static_cast<double>(rows.size());
  const AxisScale across(x, values, left + 6, kWidth - right - 6, 5);

  std::string svg = svg_opening(kWidth, bottom + kBottom, label);
  for (const double tick : across.ticks()) {
    svg += svg_line(across.at(tick), kTop, across.at(tick), bottom, "grid");
    svg += svg_text(across.at(tick), bottom + 17, "tick middle", across.tick_text(tick));
  }
  svg += svg_text((left + kWidth - right) / 2, bottom + 34, "tick middle", x.title);
  if (across.drawable(reference))
    svg += svg_line(across.at(reference), kTop, across.at(reference), bottom, "zero");

  double y = kTop;
  for (size_t r = 0; r < rows.size(); ++r, y += height_of_row) {
    const PlotRow& row = rows[r];
    const double middle = y + height_of_row / 2;
    if (row.heading) {
      svg += svg_text(0, middle + 5, "group", row.name);
      continue;
    }
    if (r % 2 == 0) svg += svg_box(0, y, kWidth, height_of_row, "stripe");
    svg += svg_text(left - 8, middle + 4, "name right", row.name);
    if (!row.note.empty()) svg += svg_text(kWidth - right + 8, middle + 4, "tick", row.note);
    if (across.drawable(row.quarter) && across.drawable(row.three_quarters)) {
      const double from = across.at(row.quarter), to = across.at(row.three_quarters);
      svg += svg_box(from, middle - 0.36 * height_of_row, to - from, 0.72 * height_of_row, "box");
    }
    const bool has_interval =
        across.drawable(row.low) && across.drawable(row.high) && !row.dots.empty();
    // An estimate stands below the values that it comes from.
    const bool two_lanes = has_interval && row.dots.size() > 1;
    const double estimate = two_lanes ? y + 0.74 * height_of_row : middle;
    const double single = two_lanes ? y + 0.32 * height_of_row : middle;
    if (has_interval) {
      const std::string style = "whisker " + colour_class(row.dots[0].colour);
      svg += svg_line(across.at(row.low), estimate, across.at(row.high), estimate, style);
      for (const double end : {row.low, row.high})
        if (across.outside(end) == 0)
          svg += svg_line(across.at(end), estimate - 4, across.at(end), estimate + 4, style);
        else
          svg += edge_mark(across.at(end), estimate, across.outside(end),
                           "dot " + colour_class(row.dots[0].colour), across.tick_text(end));
    }
    std::vector<PlotDot> dots;
    std::vector<double> places;
    for (const PlotDot& dot : row.dots) {
      if (!across.drawable(dot.value) || (two_lanes && &dot == row.dots.data())) continue;
      dots.push_back(dot);
      places.push_back(across.at(dot.value));
    }
    const double reach = (two_lanes ? 0.28 : 0.5) * height_of_row - radius - 1;
    std::vector<double> heights = spread(places, radius, reach);
    for (double& height : heights) height += single;
    if (two_lanes && across.drawable(row.dots[0].value)) {
      dots.push_back(row.dots[0]);
      places.push_back(across.at(row.dots[0].value));
      heights.push_back(estimate);
    }
    for (size_t i = 0; i < dots.size(); ++i) {
      const std::string colour = colour_class(dots[i].colour);
      const double place = heights[i];
      if (const int side = across.outside(dots[i].value); side != 0)
        svg += edge_mark(places[i], place, side, "dot " + colour, dots[i].tip);
      else
        svg += svg_dot(places[i], place, dots[i].large ? radius + 1.5 : radius,
                       (dots[i].hollow ? "ring " : "dot ") + colour, dots[i].tip);
    }
    if (across.drawable(row.median))
      svg += svg_line(across.at(row.median), middle - 0.36 * height_of_row, across.at(row.median),
                      middle + 0.36 * height_of_row, "median");
  }
  return svg + "</svg>\n";
}

std::string plot_legend(const std::vector<std::pair<std::string, size_t>>& names) {
  std::string out = "<ul class=\"legend\">";
  for (const auto& [name, colour] : names)
    out += "<li><i class=\"" + colour_class(colour) + "\"></i>" + markup_escaped(name) + "</li>";
  return out + "</ul>\n";
}

}  // namespace fluxtile
