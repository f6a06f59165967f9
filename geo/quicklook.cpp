// SPDX-License-Identifier: Apache-2.0
#include <cairo.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/atomic_file.h"
#include "base/error.h"
#include "geo/axis_ticks.h"
#include "geo/colour_ramp.h"
#include "geo/grid_mapping.h"
#include "geo/product_writer.h"
#include "geo/unit_text.h"

namespace fluxtile {
namespace {

constexpr double kMargin = 24;
constexpr double kTitleSize = 20, kSubtitleSize = 13, kLabelSize = 12;
constexpr double kBarWidth = 16, kLegendWidth = 110, kLegendGap = 20;
constexpr double kSmallestMap = 220;  ///< room for the legend beside a narrow map
constexpr int kMagnifyTo = 640;       ///< small rasters are magnified to about this side
const Colour kNoValue{214, 218, 223};
const Colour kInk{33, 37, 41};
const Colour kQuietInk{96, 103, 112};

/// A drawing that becomes a PNG.
class Canvas {
 public:
  Canvas(int width, int height)
      : surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)),
        context_(cairo_create(surface_)) {
    if (cairo_status(context_) != CAIRO_STATUS_SUCCESS) {
      const Error error(Code::internal, std::string("cannot draw a map picture: ") +
                                            cairo_status_to_string(cairo_status(context_)));
      close();
      throw error;
    }
    paint({255, 255, 255});
    cairo_paint(context_);
  }
  ~Canvas() { close(); }
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  [[nodiscard]] cairo_t* context() const noexcept { return context_; }

  void paint(Colour c) const {
    cairo_set_source_rgb(context_, c.red / 255., c.green / 255., c.blue / 255.);
  }
  void fill(Colour colour, double x, double y, double width, double height) const {
    paint(colour);
    cairo_rectangle(context_, x, y, width, height);
    cairo_fill(context_);
  }
  void font(double size, bool bold) const {
    cairo_select_font_face(context_, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(context_, size);
  }
  /// `y` is the base line.
  void text(const std::string& words, double x, double y, Colour colour) const {
    paint(colour);
    cairo_move_to(context_, x, y);
    cairo_show_text(context_, words.c_str());
  }
  [[nodiscard]] double text_width(const std::string& words) const {
    cairo_text_extents_t extents;
    cairo_text_extents(context_, words.c_str(), &extents);
    return extents.x_advance;
  }
  [[nodiscard]] std::string png() const {
    std::string bytes;
    const auto append = [](void* to, const unsigned char* data, unsigned n) {
      static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), n);
      return CAIRO_STATUS_SUCCESS;
    };
    cairo_surface_flush(surface_);
    const cairo_status_t status = cairo_surface_write_to_png_stream(surface_, append, &bytes);
    if (status != CAIRO_STATUS_SUCCESS)
      throw Error(Code::internal,
                  std::string("cannot make a PNG: ") + cairo_status_to_string(status));
    return bytes;
  }

 private:
  void close() noexcept {
    cairo_destroy(context_);
    cairo_surface_destroy(surface_);
  }
  cairo_surface_t* surface_;
  cairo_t* context_;
};

/// 1, 2 or 5 times a power of ten, at most `value`.
double round_down(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {5.0, 2.0})
    if (power * factor <= value) return power * factor;
  return power;
}

}  // namespace

struct QuicklookWriter::Impl {
  ProductGrid grid;
  int64_t factor = 1;  ///< cells to a pixel, each way
  int64_t width = 0, height = 0;
  std::vector<double> sums;
  std::vector<uint32_t> counts;

  Impl(const ProductGrid& grid_, int max_side) : grid(grid_) {
    if (grid.window.empty()) throw Error(Code::internal, "a map picture needs cells");
    const int64_t side = std::max<int64_t>(max_side, 16);
    factor = (std::max(grid.window.width, grid.window.height) + side - 1) / side;
    width = (grid.window.width + factor - 1) / factor;
    height = (grid.window.height + factor - 1) / factor;
    sums.resize(static_cast<size_t>(width * height));
    counts.resize(sums.size());
  }

  void add(int64_t row, int64_t rows, const float* values) {
    if (row < 0 || rows < 0 || row + rows > grid.window.height)
      throw Error(Code::internal, "a strip lies outside the map picture");
    for (int64_t r = row; r < row + rows; ++r) {
      const auto base = static_cast<size_t>(r / factor * width);
      for (int64_t c = 0; c < grid.window.width; ++c, ++values) {
        if (*values == kNodata || std::isnan(*values)) continue;
        const size_t at = base + static_cast<size_t>(c / factor);
        sums[at] += static_cast<double>(*values);
        ++counts[at];
      }
    }
  }

  [[nodiscard]] std::vector<double> sorted_values() const {
    std::vector<double> values;
    for (size_t i = 0; i < sums.size(); ++i)
      if (counts[i] > 0) values.push_back(sums[i] / counts[i]);
    std::sort(values.begin(), values.end());
    return values;
  }

  /// The raster as an image, one pixel a reduced cell.
  [[nodiscard]] std::vector<uint32_t> pixels(const ColourRamp& ramp, double low,
                                             double high) const {
    std::vector<uint32_t> image(sums.size());
    for (size_t i = 0; i < sums.size(); ++i) {
      const Colour c =
          counts[i] == 0 ? kNoValue : colour_at(ramp, (sums[i] / counts[i] - low) / (high - low));
      image[i] =
          static_cast<uint32_t>(c.red) << 16U | static_cast<uint32_t>(c.green) << 8U | c.blue;
    }
    return image;
  }

  void draw(const std::string& path, const Quicklook& look) const;
};

namespace {

struct MapBox {
  double x, y, width, height;
};

void draw_raster(const Canvas& canvas, const MapBox& box, std::vector<uint32_t> image,
                 int64_t width, int64_t height) {
  cairo_t* cr = canvas.context();
  cairo_surface_t* source = cairo_image_surface_create_for_data(
      reinterpret_cast<unsigned char*>(image.data()), CAIRO_FORMAT_RGB24, static_cast<int>(width),
      static_cast<int>(height), static_cast<int>(width * 4));
  cairo_save(cr);
  cairo_rectangle(cr, box.x, box.y, box.width, box.height);
  cairo_clip(cr);
  cairo_translate(cr, box.x, box.y);
  cairo_scale(cr, box.width / static_cast<double>(width), box.height / static_cast<double>(height));
  cairo_set_source_surface(cr, source, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
  cairo_paint(cr);
  cairo_restore(cr);
  cairo_surface_destroy(source);
}

void draw_outlines(const Canvas& canvas, const MapBox& box, const ProductGrid& grid,
                   const std::vector<std::vector<Point>>& outlines) {
  cairo_t* cr = canvas.context();
  const Point corner = grid.lattice.corner({grid.window.column, grid.window.row});
  const double cell_x = box.width / static_cast<double>(grid.window.width);
  const double cell_y = box.height / static_cast<double>(grid.window.height);
  cairo_save(cr);
  // A little room around the map, so that a boundary on its edge keeps its full stroke.
  cairo_rectangle(cr, box.x - 3, box.y - 3, box.width + 6, box.height + 6);
  cairo_clip(cr);
  cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
  for (const auto& ring : outlines) {
    cairo_new_sub_path(cr);
    for (const Point& p : ring)
      cairo_line_to(cr, box.x + (p.x - corner.x) / grid.lattice.resolution * cell_x,
                    box.y + (corner.y - p.y) / grid.lattice.resolution * cell_y);
  }
  cairo_set_source_rgba(cr, 1, 1, 1, 0.7);
  cairo_set_line_width(cr, 3);
  cairo_stroke_preserve(cr);
  canvas.paint(kInk);
  cairo_set_line_width(cr, 1.2);
  cairo_stroke(cr);
  cairo_restore(cr);
}

void draw_legend(const Canvas& canvas, double x, double y, double height, const ColourRamp& ramp,
                 double low, double high, const std::string& unit, bool below, bool above) {
  cairo_t* cr = canvas.context();
  canvas.font(kLabelSize, false);
  canvas.text(unit_for_people(unit), x, y + kLabelSize, kInk);
  const double top = y + 2 * kLabelSize + (above ? 10 : 0);
  const double bottom = y + height - 34 - (below ? 10 : 0);
  const double bar = bottom - top;
  cairo_pattern_t* gradient = cairo_pattern_create_linear(0, bottom, 0, top);
  for (size_t i = 0; i < ramp.size(); ++i)
    cairo_pattern_add_color_stop_rgb(gradient,
                                     static_cast<double>(i) / static_cast<double>(ramp.size() - 1),
                                     ramp[i].red / 255., ramp[i].green / 255., ramp[i].blue / 255.);
  cairo_rectangle(cr, x, top, kBarWidth, bar);
  cairo_set_source(cr, gradient);
  cairo_fill(cr);
  cairo_pattern_destroy(gradient);
  // Pointed ends say that values go on beyond the legend.
  const auto point = [&](double base, double tip, Colour colour) {
    canvas.paint(colour);
    cairo_move_to(cr, x, base);
    cairo_line_to(cr, x + kBarWidth / 2, tip);
    cairo_line_to(cr, x + kBarWidth, base);
    cairo_close_path(cr);
    cairo_fill(cr);
  };
  if (above) point(top, top - 9, ramp.back());
  if (below) point(bottom, bottom + 9, ramp.front());
  cairo_set_line_width(cr, 1);
  for (const double value : axis_ticks(low, high)) {
    const double at = std::floor(bottom - (value - low) / (high - low) * bar) + 0.5;
    canvas.paint(kQuietInk);
    cairo_move_to(cr, x + kBarWidth, at);
    cairo_line_to(cr, x + kBarWidth + 4, at);
    cairo_stroke(cr);
    canvas.text(number_for_people(value), x + kBarWidth + 8, at + kLabelSize * 0.36, kInk);
  }
  canvas.fill(kNoValue, x, y + height - 16, kBarWidth, 12);
  canvas.text("no value", x + kBarWidth + 8, y + height - 6, kQuietInk);
}

/// A bar of a round length; for projected grids only.
void draw_scale(const Canvas& canvas, const MapBox& box, double metres_per_pixel) {
  if (box.width < 120) return;
  const double length = round_down(metres_per_pixel * box.width / 4);
  const double pixels = length / metres_per_pixel;
  cairo_t* cr = canvas.context();
  const double y = std::floor(box.y + box.height + 14) + 0.5;
  canvas.paint(kQuietInk);
  cairo_set_line_width(cr, 1);
  cairo_move_to(cr, box.x + 0.5, y - 4);
  cairo_line_to(cr, box.x + 0.5, y);
  cairo_line_to(cr, std::floor(box.x + pixels) + 0.5, y);
  cairo_line_to(cr, std::floor(box.x + pixels) + 0.5, y - 4);
  cairo_stroke(cr);
  canvas.font(kLabelSize - 1, false);
  const bool kilometres = length >= 1000;
  canvas.text(number_for_people(kilometres ? length / 1000 : length) + (kilometres ? " km" : " m"),
              box.x + pixels + 8, y + 3, kQuietInk);
}

}  // namespace

void QuicklookWriter::Impl::draw(const std::string& path, const Quicklook& look) const {
  double low = look.low, high = look.high;
  if (look.diverging) {
    high = std::max(std::fabs(low), std::fabs(high));
    low = -high;
  }
  if (!(high > low)) {
    const double half = low == 0 ? 0.5 : std::fabs(low) * 0.05;
    high = low + half;
    low -= half;
  }
  const GridMapping mapping = describe_grid_mapping(grid.lattice.crs);

  // A degree of longitude is shorter than one of latitude.
  const double middle =
      grid.lattice.corner({0, grid.window.row + grid.window.height / 2}).y * M_PI / 180;
  const double squeeze = mapping.geographic ? std::max(0.2, std::cos(middle)) : 1;
  const auto magnify =
      static_cast<double>(std::max<int64_t>(1, kMagnifyTo / std::max(width, height)));
  // The last pixels of a reduced raster may hold fewer cells: draw the cells' own extent.
  const double pixel = magnify / static_cast<double>(factor);
  MapBox box{kMargin, 0,
             std::max(1.0, std::round(pixel * squeeze * static_cast<double>(grid.window.width))),
             std::max(1.0, std::round(pixel * static_cast<double>(grid.window.height)))};

  double heading = 0;
  {
    const Canvas probe(8, 8);
    probe.font(kTitleSize, true);
    heading = probe.text_width(look.title);
    probe.font(kSubtitleSize, false);
    heading = std::max(heading, probe.text_width(look.subtitle));
  }
  const bool with_subtitle = !look.subtitle.empty();
  const double body_y = kMargin + kTitleSize + (with_subtitle ? kSubtitleSize + 8 : 0) + 16;
  const double body_height = std::max(box.height, kSmallestMap);
  const double body_width = std::max(box.width, kSmallestMap);
  box.y = body_y;
  const double total_width =
      2 * kMargin + std::max(heading, body_width + kLegendGap + kLegendWidth);
  const double total_height = body_y + body_height + (mapping.geographic ? 0 : 16) + kMargin;
  const Canvas canvas(static_cast<int>(std::ceil(total_width)),
                      static_cast<int>(std::ceil(total_height)));

  canvas.font(kTitleSize, true);
  canvas.text(look.title, kMargin, kMargin + kTitleSize - 4, kInk);
  if (with_subtitle) {
    canvas.font(kSubtitleSize, false);
    canvas.text(look.subtitle, kMargin, kMargin + kTitleSize + kSubtitleSize + 4, kQuietInk);
  }

  const ColourRamp& ramp = colour_ramp(look.diverging);
  canvas.fill(kNoValue, box.x, box.y, box.width, box.height);
  const MapBox whole{
      box.x, box.y,
      box.width * static_cast<double>(width * factor) / static_cast<double>(grid.window.width),
      box.height * static_cast<double>(height * factor) / static_cast<double>(grid.window.height)};
  cairo_save(canvas.context());
  cairo_rectangle(canvas.context(), box.x, box.y, box.width, box.height);
  cairo_clip(canvas.context());
  draw_raster(canvas, whole, pixels(ramp, low, high), width, height);
  cairo_restore(canvas.context());
  draw_outlines(canvas, box, grid, look.outlines);

  const std::vector<double> values = sorted_values();
  const double slack = 1e-6 * (high - low);
  const bool below = !values.empty() && values.front() < low - slack;
  const bool above = !values.empty() && values.back() > high + slack;
  draw_legend(canvas, box.x + body_width + kLegendGap, box.y, std::min(body_height, 420.0), ramp,
              low, high, look.unit, below, above);
  if (!mapping.geographic)
    draw_scale(canvas, box,
               grid.lattice.resolution * mapping.metres * static_cast<double>(grid.window.width) /
                   box.width);
  write_atomically(path, canvas.png());
}

QuicklookWriter::QuicklookWriter(const ProductGrid& grid, int max_side)
    : impl_(std::make_unique<Impl>(grid, max_side)) {}
QuicklookWriter::~QuicklookWriter() = default;

void QuicklookWriter::add_strip(int64_t row, int64_t rows, const float* values) {
  impl_->add(row, rows, values);
}

std::pair<double, double> QuicklookWriter::range() const {
  const std::vector<double> values = impl_->sorted_values();
  if (values.empty()) return {0, 1};
  const auto last = static_cast<double>(values.size() - 1);
  return {values[static_cast<size_t>(std::lround(0.02 * last))],
          values[static_cast<size_t>(std::lround(0.98 * last))]};
}

void QuicklookWriter::finish(const std::string& path, const Quicklook& look) {
  impl_->draw(path, look);
}

}  // namespace fluxtile
