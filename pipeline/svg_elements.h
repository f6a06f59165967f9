// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// Elements of SVG pictures. Lengths are in the picture's own units; `style` names CSS classes of
/// the page. Texts are escaped.

/// A length as SVG writes it, one decimal.
std::string svg_number(double value);
/// Begins a picture; `label` is read out by screen readers. Close it with "</svg>".
std::string svg_opening(double width, double height, const std::string& label);
std::string svg_line(double x1, double y1, double x2, double y2, const std::string& style);
std::string svg_text(double x, double y, const std::string& style, const std::string& text);
/// A circle that shows `tip` under the pointer.
std::string svg_dot(double x, double y, double radius, const std::string& style,
                    const std::string& tip);
/// A rectangle; negative sizes become 0.
std::string svg_box(double x, double y, double width, double height, const std::string& style);

}  // namespace fluxtile
