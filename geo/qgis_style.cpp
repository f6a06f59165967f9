// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/atomic_file.h"
#include "base/markup.h"
#include "geo/colour_ramp.h"
#include "geo/product_writer.h"
#include "geo/quality_flags.h"
#include "geo/unit_text.h"

namespace fluxtile {
namespace {

/// Four significant digits for a legend.
std::string label(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string rgba(Colour c) {
  return std::to_string(c.red) + "," + std::to_string(c.green) + "," + std::to_string(c.blue) +
         ",255";
}

/// Head and tail around one raster renderer, as QGIS 3.22 writes and reads them.
std::string style_document(const std::string& title, const std::string& renderer) {
  return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
         "<qgis version=\"3.22.16\" styleCategories=\"LayerConfiguration|Symbology|Rendering\" "
         "hasScaleBasedVisibilityFlag=\"0\" minScale=\"1e+08\" maxScale=\"0\">\n"
         "  <flags>\n"
         "    <Identifiable>1</Identifiable>\n"
         "    <Removable>1</Removable>\n"
         "    <Searchable>1</Searchable>\n"
         "    <Private>0</Private>\n"
         "  </flags>\n"
         "  <customproperties>\n"
         "    <Option type=\"Map\">\n"
         "      <Option name=\"fluxtile/title\" type=\"QString\" value=\"" +
         markup_escaped(title) +
         "\"/>\n"
         "    </Option>\n"
         "  </customproperties>\n"
         "  <pipe>\n"
         "    <provider>\n"
         "      <resampling enabled=\"false\" zoomedInResamplingMethod=\"nearestNeighbour\" "
         "zoomedOutResamplingMethod=\"nearestNeighbour\" maxOversampling=\"2\"/>\n"
         "    </provider>\n" +
         renderer +
         "    <brightnesscontrast brightness=\"0\" contrast=\"0\" gamma=\"1\"/>\n"
         "    <huesaturation colorizeOn=\"0\" colorizeRed=\"255\" colorizeGreen=\"128\" "
         "colorizeBlue=\"128\" colorizeStrength=\"100\" grayscaleMode=\"0\" saturation=\"0\" "
         "invertColors=\"0\"/>\n"
         "    <rasterresampler maxOversampling=\"2\"/>\n"
         "    <resamplingStage>resamplingFilter</resamplingStage>\n"
         "  </pipe>\n"
         "  <blendMode>0</blendMode>\n"
         "</qgis>\n";
}

/// The whole code's colour: that of its highest bit, darker by every further one.
Colour code_colour(uint16_t code) {
  Colour colour{};
  int bits = 0;
  for (const QualityFlag& flag : quality_flags()) {
    if ((code & flag.bit) == 0) continue;
    ++bits;
    const unsigned long rgb = std::strtoul(flag.colour + 1, nullptr, 16);
    colour = {static_cast<uint8_t>(rgb >> 16U), static_cast<uint8_t>(rgb >> 8U),
              static_cast<uint8_t>(rgb)};
  }
  const double share = std::pow(0.85, std::max(bits - 1, 0));
  const auto darker = [share](uint8_t part) {
    return static_cast<uint8_t>(std::lround(part * share));
  };
  return {darker(colour.red), darker(colour.green), darker(colour.blue)};
}

}  // namespace

void write_qml(const std::string& path, const std::string& title, double low, double high,
               bool diverging) {
  if (!std::isfinite(low) || !std::isfinite(high)) {
    low = 0;
    high = 1;
  }
  if (diverging) {
    high = std::max(std::fabs(low), std::fabs(high));
    if (high == 0) high = 1;
    low = -high;
  }
  if (low > high) std::swap(low, high);
  if (low == high) high = low + (low == 0 ? 1 : std::fabs(low) * 0.01);

  const ColourRamp& ramp = colour_ramp(diverging);
  const size_t last = ramp.size() - 1;
  std::string stops, items;
  for (size_t i = 0; i <= last; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(last);
    const double value = i == last ? high : low + (high - low) * share;
    if (i > 0 && i < last)
      stops += (stops.empty() ? "" : ":") + exact_number(share) + ";" + rgba(ramp[i]);
    items += "          <item alpha=\"255\" value=\"" + exact_number(value) + "\" label=\"" +
             label(value) + "\" color=\"" + to_hex(ramp[i]) + "\"/>\n";
  }
  const auto option = [](const char* name, const std::string& value) {
    return "              <Option name=\"" + std::string(name) + "\" type=\"QString\" value=\"" +
           value + "\"/>\n";
  };
  const auto property = [](const char* name, const std::string& value) {
    return "            <prop k=\"" + std::string(name) + "\" v=\"" + value + "\"/>\n";
  };
  const std::string colour_ramp_text =
      "          <colorramp name=\"[source]\" type=\"gradient\">\n"
      "            <Option type=\"Map\">\n" +
      option("color1", rgba(ramp.front())) + option("color2", rgba(ramp.back())) +
      option("discrete", "0") + option("rampType", "gradient") + option("stops", stops) +
      "            </Option>\n" + property("color1", rgba(ramp.front())) +
      property("color2", rgba(ramp.back())) + property("discrete", "0") +
      property("rampType", "gradient") + property("stops", stops) + "          </colorramp>\n";
  const std::string range = " classificationMin=\"" + exact_number(low) +
                            "\" classificationMax=\"" + exact_number(high) + "\"";
  const std::string limits =
      " minimumValue=\"" + exact_number(low) + "\" maximumValue=\"" + exact_number(high) + "\"";
  write_atomically(
      path,
      style_document(
          title,
          "    <rasterrenderer type=\"singlebandpseudocolor\" band=\"1\" opacity=\"1\" "
          "alphaBand=\"-1\" nodataColor=\"\"" +
              range +
              ">\n"
              "      <rasterTransparency/>\n"
              "      <minMaxOrigin>\n"
              "        <limits>None</limits>\n"
              "        <extent>WholeRaster</extent>\n"
              "        <statAccuracy>Estimated</statAccuracy>\n"
              "        <cumulativeCutLower>0.02</cumulativeCutLower>\n"
              "        <cumulativeCutUpper>0.98</cumulativeCutUpper>\n"
              "        <stdDevFactor>2</stdDevFactor>\n"
              "      </minMaxOrigin>\n"
              "      <rastershader>\n"
              "        <colorrampshader colorRampType=\"INTERPOLATED\" classificationMode=\"2\" "
              "clip=\"0\" labelPrecision=\"4\"" +
              limits + ">\n" + colour_ramp_text + items +
              "        </colorrampshader>\n"
              "      </rastershader>\n"
              "    </rasterrenderer>\n"));
}

void write_quality_qml(const std::string& path, const std::vector<uint16_t>& codes) {
  std::set<uint16_t> entries(codes.begin(), codes.end());
  entries.insert(0);
  entries.erase(kQualityNodata);
  for (const QualityFlag& flag : quality_flags()) entries.insert(flag.bit);
  std::string palette;
  for (const uint16_t code : entries) {
    const std::string colour = code == 0 ? "#e9efe6" : to_hex(code_colour(code));
    palette += "        <paletteEntry value=\"" + std::to_string(code) + "\" label=\"" +
               markup_escaped(std::to_string(code) + " " + quality_text(code)) + "\" color=\"" +
               colour + "\" alpha=\"255\"/>\n";
  }
  palette += "        <paletteEntry value=\"" + std::to_string(kQualityNodata) + "\" label=\"" +
             std::to_string(kQualityNodata) + " " + quality_text(kQualityNodata) +
             "\" color=\"#ffffff\" alpha=\"0\"/>\n";
  write_atomically(path, style_document("quality flags",
                                        "    <rasterrenderer type=\"paletted\" band=\"1\" "
                                        "opacity=\"1\" alphaBand=\"-1\" nodataColor=\"\">\n"
                                        "      <rasterTransparency/>\n"
                                        "      <colorPalette>\n" +
                                            palette +
                                            "      </colorPalette>\n"
                                            "    </rasterrenderer>\n"));
}

}  // namespace fluxtile
