// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

#include "base/markup.h"
#include "geo/axis_ticks.h"
#include "pipeline/svg_elements.h"
#include "pipeline/timeline.h"

namespace fluxtile {
namespace {

constexpr double kWidth = 1180, kLeft = 78, kRight = 18, kRow = 26, kGap = 6, kAxis = 30;

/// What a stage is called in the picture, and its colours on a light page.
struct StageColour {
  const char* stage;
  const char* colour;
};
constexpr std::array<StageColour, 15> kColours = {{{"start", "#9aa0a6"},
                                                   {"plan", "#6b7280"},
                                                   {"engine", "#b0895a"},
                                                   {"open", "#c9a400"},
                                                   {"ingest_gpp", "#3c8a3f"},
                                                   {"ingest_climate", "#2476b8"},
                                                   {"assemble", "#7fb2d9"},
                                                   {"infer", "#e2dcf7"},
                                                   {"block", "#5b4bb5"},
                                                   {"write", "#c2571a"},
                                                   {"check", "#b8336a"},
                                                   {"merge", "#0f9d94"},
                                                   {"products", "#05655f"},
                                                   {"report", "#a32a1e"},
                                                   {"other", "#444444"}}};

size_t colour_of(const char* stage) {
  for (size_t k = 0; k < kColours.size(); ++k)
    if (std::strcmp(kColours[k].stage, stage) == 0) return k;
  return kColours.size() - 1;
}

std::string name_of(size_t colour) {
  const std::string stage = kColours[colour].stage;
  if (stage == "block") return "infer: blocks of cells";
  if (stage == "infer") return "infer: waiting for blocks";
  return stage;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text,
                seconds >= 100 ? "%.0f s"
                : seconds >= 1 ? "%.1f s"
                               : "%.2f s",
                seconds);
  return text;
}

/// A stretch of the run over a part of the picture.
struct Panel {
  double x = 0, width = 0, y = 0;
  double from = 0, to = 1;  ///< s
  [[nodiscard]] double x_of(double seconds) const {
    return x + width * (std::clamp(seconds, from, to) - from) / (to - from);
  }
};

class Picture {
 public:
  Picture(const Timeline& timeline, const TileNames& names)
      : timeline_(timeline), spans_(timeline.spans()), names_(names) {
    for (const auto& span : spans_) {
      rows_ = std::max(rows_, span.row + 1);
      end_ = std::max(end_, span.end);
      sums_[colour_of(span.stage)] += span.end - span.begin;
    }
    if (!(end_ > 0)) end_ = 1;
  }

  std::string draw(const std::string& title, size_t dropped, double shortest) {
    double y = 56;
    std::string legend = draw_legend(y);
    y += 34;
    const double panel_height = rows_ * (kRow + kGap) + kAxis;
    std::string panels = draw_panel({kLeft, kWidth - kLeft - kRight, y, 0, end_}, true);
    y += panel_height;
    // The whole run hides how it begins and ends.
    const double part = std::max(1.0, std::round(end_ / 12));
    if (end_ > 6 * part) {
      const double half = (kWidth - kLeft - kRight - 40) / 2;
      y += 30;
      panels += svg_text(kLeft, y - 8, "name", "the first " + seconds_text(part)) +
                svg_text(kLeft + half + 40, y - 8, "name", "the last " + seconds_text(part));
      panels += draw_panel({kLeft, half, y, 0, part}, true);
      panels += draw_panel({kLeft + half + 40, half, y, end_ - part, end_}, false);
      y += panel_height;
    }
    if (dropped > 0) {
      char text[120];
      std::snprintf(text, sizeof text, "%zu pieces shorter than %.3g s are left out", dropped,
                    shortest);
      panels += svg_text(kLeft, y + 12, "tick", text);
      y += 20;
    }
    y += 8;
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
                      svg_number(kWidth) + " " + svg_number(y) +
                      "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n<style>\n"
                      "text { fill: #555; } .title { fill: #222; font-size: 16px; font-weight: "
                      "bold; }\n.name { fill: #222; } .right { text-anchor: end; } .middle { "
                      "text-anchor: middle; }\n.grid { stroke: #ddd; stroke-width: 1; } .row { "
                      "fill: #f4f4f2; }\n";
    for (size_t k = 0; k < kColours.size(); ++k)
      svg += ".s" + std::to_string(k) + " { fill: " + kColours[k].colour + "; }\n";
    svg += "</style>\n" + svg_box(0, 0, kWidth, y, "page");
    svg.insert(svg.find("</style>"), ".page { fill: #fff; }\n");
    svg += svg_text(kLeft, 28, "title", title);
    return svg + legend + panels + "</svg>\n";
  }

 private:
  std::string draw_legend(double& y) const {
    std::string out;
    double x = kLeft;
    for (size_t k = 0; k < kColours.size(); ++k) {
      const auto found = sums_.find(k);
      if (found == sums_.end()) continue;
      std::string text = name_of(k);
      const bool blocks = sums_.count(colour_of("block")) > 0;
      // Its time is mostly that of the blocks inside.
      if (!blocks || k != colour_of("infer")) text += " " + seconds_text(found->second);
      const double width = 26 + 6.4 * static_cast<double>(text.size());
      if (x + width > kWidth - kRight && x > kLeft) {
        x = kLeft;
        y += 20;
      }
      out +=
          svg_box(x, y - 10, 12, 12, "s" + std::to_string(k)) + svg_text(x + 18, y, "name", text);
      x += width + 8;
    }
    return out;
  }

  std::string draw_panel(const Panel& panel, bool row_names) const {
    std::string out;
    const double bottom = panel.y + rows_ * (kRow + kGap);
    for (int32_t row = 0; row < rows_; ++row) {
      const double y = panel.y + row * (kRow + kGap);
      out += svg_box(panel.x, y, panel.width, kRow, "row");
      if (row_names) out += svg_text(kLeft - 8, y + kRow / 2 + 4, "right", timeline_.row_name(row));
    }
    for (const double tick : axis_ticks(panel.from, panel.to, panel.width > 700 ? 12 : 6)) {
      const double x = panel.x_of(tick);
      char text[32];
      std::snprintf(text, sizeof text, "%g s", tick);
      out += svg_line(x, panel.y, x, bottom, "grid") + svg_text(x, bottom + 14, "middle", text);
    }
    for (const bool waiting : {true, false}) out += draw_spans(panel, waiting);
    return out;
  }

  /// The bars of `infer` alone, which lie under its blocks, or all others.
  std::string draw_spans(const Panel& panel, bool infer) const {
    struct Bar {
      double left = 0, right = -1;
      size_t pieces = 0;
      const TimelineSpan* first = nullptr;
    };
    std::string out;
    std::map<std::pair<int32_t, size_t>, Bar> open;  // by row and colour
    const size_t under = colour_of("infer");
    const auto flush = [&](int32_t row, size_t colour, const Bar& bar) {
      if (bar.pieces == 0) return;
      std::string tip = kColours[colour].stage;
      if (bar.pieces == 1) {
        if (bar.first->tile >= 0) tip += " " + names_(bar.first->tile);
        if (bar.first->year >= 0) tip += " " + std::to_string(bar.first->year);
        tip += ", " + seconds_text(bar.first->end - bar.first->begin);
      } else {
        tip += ", " + std::to_string(bar.pieces) + " pieces";
      }
      out +=
          "<g>" + svg_box(bar.left, panel.y + row * (kRow + kGap),
                          std::max(bar.right - bar.left, 0.6), kRow, "s" + std::to_string(colour));
      out.pop_back();
      out += "<title>" + markup_escaped(tip) + "</title></g>\n";
    };
    for (const auto& span : spans_) {
      const size_t colour = colour_of(span.stage);
      if ((colour == under) != infer || span.end < panel.from || span.begin > panel.to) continue;
      const double left = panel.x_of(span.begin), right = panel.x_of(span.end);
      Bar& bar = open[{span.row, colour}];
      if (bar.pieces > 0 && left <= bar.right + 0.3) {
        bar.right = std::max(bar.right, right);
        ++bar.pieces;
        continue;
      }
      flush(span.row, colour, bar);
      bar = {left, right, 1, &span};
    }
    for (const auto& [key, bar] : open) flush(key.first, key.second, bar);
    return out;
  }

  const Timeline& timeline_;
  std::vector<TimelineSpan> spans_;
  const TileNames& names_;
  int32_t rows_ = 0;
  double end_ = 0;
  std::map<size_t, double> sums_;
};

}  // namespace

std::string timeline_picture(const Timeline& timeline, const std::string& title,
                             const TileNames& names) {
  return Picture(timeline, names).draw(title, timeline.dropped(), timeline.shortest());
}

}  // namespace fluxtile
