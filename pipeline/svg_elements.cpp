// SPDX-License-Identifier: Apache-2.0
#include "pipeline/svg_elements.h"

#include <algorithm>
#include <cstdio>

#include "base/markup.h"

namespace fluxtile {

std::string svg_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string svg_opening(double width, double height, const std::string& label) {
  return "<svg class=\"chart\" viewBox=\"0 0 " + svg_number(width) + " " + svg_number(height) +
         "\" role=\"img\" aria-label=\"" + markup_escaped(label) + "\">\n";
}

std::string svg_line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + svg_number(x1) + "\" y1=\"" + svg_number(y1) + "\" x2=\"" +
         svg_number(x2) + "\" y2=\"" + svg_number(y2) + "\" class=\"" + style + "\"/>\n";
}

std::string svg_text(double x, double y, const std::string& style, const std::string& text) {
  return "<text x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) + "\" class=\"" + style + "\">" +
         markup_escaped(text) + "</text>\n";
}

std::string svg_dot(double x, double y, double radius, const std::string& style,
                    const std::string& tip) {
  return "<circle class=\"" + style + "\" cx=\"" + svg_number(x) + "\" cy=\"" + svg_number(y) +
         "\" r=\"" + svg_number(radius) + "\"><title>" + markup_escaped(tip) +
         "</title></circle>\n";
}

std::string svg_box(double x, double y, double width, double height, const std::string& style) {
  return "<rect x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) + "\" width=\"" +
         svg_number(std::max(width, 0.0)) + "\" height=\"" + svg_number(std::max(height, 0.0)) +
         "\" class=\"" + style + "\"/>\n";
}

}  // namespace fluxtile
