// SPDX-License-Identifier: Apache-2.0
// A report of `inspect` as text for people.
#include <array>
#include <cstdio>

#include "pipeline/inspect_report.h"

namespace fluxtile {
namespace {

std::string number(double value, int digits = 9) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

std::string plain(const Report& value) {
  if (value.is_null()) return "none";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return number(value.get<double>());
  if (value.is_array()) {
    std::string out;
    for (const auto& item : value) out += (out.empty() ? "" : ", ") + plain(item);
    return out;
  }
  return value.dump();
}

/// "  label      text"
void line(std::ostream& out, const std::string& label, const std::string& text, int indent = 2) {
  std::string start(static_cast<size_t>(indent), ' ');
  start += label;
  if (start.size() < 14) start.resize(14, ' ');
  std::string one = text;  // attributes may hold several lines
  for (char& c : one)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  out << start << ' ' << one << '\n';
}

void write_grid(const Report& grid, std::ostream& out, int indent) {
  const std::string unit = grid["cell_unit"].is_null() ? "" : " " + plain(grid["cell_unit"]);
  line(out, "CRS", plain(grid["crs"]["name"]) + " (" + plain(grid["crs"]["source"]) + ")", indent);
  line(out, "size", plain(grid["width"]) + " x " + plain(grid["height"]) + " cells", indent);
  line(out, "cell",
       number(grid["cell"][0].get<double>()) + " x " + number(grid["cell"][1].get<double>()) +
           unit + (grid["uniform"].get<bool>() ? "" : " on average, not uniform"),
       indent);
  const Report& e = grid["extent"];
  line(out, "extent",
       "x " + plain(e["x_min"]) + " to " + plain(e["x_max"]) + ", y " + plain(e["y_min"]) + " to " +
           plain(e["y_max"]),
       indent);
  line(out, "rows", plain(grid["y"]) + ", placed by " + plain(grid["placed_by"]), indent);
}

void write_time(const Report& time, std::ostream& out) {
  std::string text = plain(time["count"]) + (time["count"] == 1 ? " step" : " steps");
  if (time.contains("first")) {
    text += ", " + plain(time["first"]);
    if (time["count"] != 1) text += " to " + plain(time["last"]);
  }
  if (time.contains("step")) text += ", step " + plain(time["step"]);
  line(out, "time", text + ", calendar " + plain(time["calendar"]));
  line(out, "", time["units"].get<std::string>());
  if (time.contains("missing_days")) {
    const auto count = time["missing_days"].get<size_t>();
    std::string missing =
        count == 0 ? "none" : std::to_string(count) + ": " + plain(time["missing"]);
    if (count > 0 && time["missing"].size() < count) missing += ", ...";
    line(out, "missing days", missing);
  }
}

/// "unit K, ushort, stored x 0.1 + 220, nodata 32767, valid 0 to 100"
std::string value_text(const Report& v) {
  const std::string unit = v["unit"];
  std::string text = (unit.empty() ? "no unit" : "unit " + unit) + ", " + plain(v["type"]);
  const double scale = v["scale"], offset = v["offset"];
  if (scale != 1 || offset != 0)
    text += ", stored x " + number(scale) + (offset < 0 ? " - " : " + ") +
            number(offset < 0 ? -offset : offset);
  text +=
      ", nodata " + (v["nodata"].is_array() && v["nodata"].empty() ? "none" : plain(v["nodata"]));
  if (v.contains("valid_min"))
    text += ", valid " + (v["valid_min"].is_null() ? "" : plain(v["valid_min"])) + " to " +
            (v["valid_max"].is_null() ? "" : plain(v["valid_max"]));
  return text;
}

void write_bands(const Report& bands, std::ostream& out, int indent) {
  // Bands that differ in their description alone are told once, with first and last description.
  for (size_t i = 0; i < bands.size();) {
    const std::string text = value_text(bands[i]);
    size_t end = i + 1;
    while (end < bands.size() && value_text(bands[end]) == text) ++end;
    std::string label =
        end - i == 1 ? "band " + plain(bands[i]["band"])
                     : "bands " + plain(bands[i]["band"]) + "-" + plain(bands[end - 1]["band"]);
    std::string described = bands[i]["description"].get<std::string>();
    if (end - i > 1 && !described.empty())
      described += " to " + bands[end - 1]["description"].get<std::string>();
    line(out, label, text + (described.empty() ? "" : " (" + described + ")"), indent);
    i = end;
  }
}

void write_netcdf(const Report& report, std::ostream& out) {
  const Report& grids = report["grids"];
  const Report& axes = report["time_axes"];
  const bool one = grids.size() <= 1 && axes.size() <= 1;
  for (size_t i = 0; i < grids.size(); ++i) {
    if (grids.size() > 1) line(out, "grid " + std::to_string(i), "");
    write_grid(grids[i], out, 2);
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes.size() > 1) line(out, "axis " + std::to_string(i), "");
    write_time(axes[i], out);
  }
  for (const auto& v : report["variables"]) {
    std::string text = v["name"].get<std::string>() + "(";
    for (size_t i = 0; i < v["dimensions"].size(); ++i)
      text += (i > 0 ? ", " : "") + plain(v["dimensions"][i]);
    text += "): " + value_text(v);
    if (v.contains("long_name")) text += " - " + plain(v["long_name"]);
    if (v.contains("standard_name")) text += " [" + plain(v["standard_name"]) + "]";
    if (!one && v.contains("grid")) text += ", grid " + plain(v["grid"]);
    if (!one && v.contains("time")) text += ", axis " + plain(v["time"]);
    if (v.contains("unusable")) text += " NOT USABLE";
    line(out, "variable", text);
  }
  if (!report["other_variables"].empty()) line(out, "also holds", plain(report["other_variables"]));
}

void write_raster(const Report& report, std::ostream& out) {
  if (report.contains("grids")) write_grid(report["grids"][0], out, 2);
  write_bands(report["bands"], out, 2);
  if (report.contains("subdatasets"))
    for (const auto& s : report["subdatasets"]) {
      line(out, "variable", plain(s["name"]));
      if (s.contains("unusable")) line(out, "", plain(s["unusable"]), 4);
      if (s.contains("grid")) write_grid(s["grid"], out, 4);
      if (s.contains("bands")) write_bands(s["bands"], out, 4);
    }
  if (report.contains("file_date"))
    line(out, "date",
         plain(report["file_date"]["date"]) + " by the pattern " +
             plain(report["file_date"]["pattern"]));
}

void write_vector(const Report& report, std::ostream& out) {
  for (const auto& layer : report["layers"]) {
    line(out, "layer",
         plain(layer["name"]) + ": " + plain(layer["features"]) + " features, " +
             plain(layer["geometry"]));
    line(out, "CRS", plain(layer["crs"]));
    if (layer.contains("extent")) {
      const Report& e = layer["extent"];
      line(out, "extent",
           "x " + plain(e["x_min"]) + " to " + plain(e["x_max"]) + ", y " + plain(e["y_min"]) +
               " to " + plain(e["y_max"]));
    }
    for (const auto& a : layer["attributes"])
      line(out, "attribute",
           plain(a["name"]) + " (" + plain(a["type"]) +
               (a["unique"].get<bool>() ? ", unique" : "") + ")" +
               (a["examples"].empty() ? "" : ": " + plain(a["examples"])));
  }
}

void write_package(const Report& report, std::ostream& out) {
  line(out, "model", plain(report["name"]) + ", " + plain(report["architecture"]));
  line(out, "region",
       report["region"].is_null() ? "any (a global model)" : plain(report["region"]));
  if (report.contains("parent")) line(out, "parent", plain(report["parent"]["name"]));
  for (const char* group : {"inputs", "outputs"})
    for (const auto& v : report[group]) {
      std::string text = plain(v["name"]) + ": " + plain(v["unit"]) + ", mean " + plain(v["mean"]) +
                         ", std " + plain(v["std"]);
      if (v.contains("min")) text += ", from " + plain(v["min"]);
      if (v.contains("max")) text += ", up to " + plain(v["max"]);
      if (v.contains("sign") && v["sign"] != "") text += ", " + plain(v["sign"]);
      if (v.contains("source")) text += ", trained on " + plain(v["source"]);
      line(out, group == std::string("inputs") ? "input" : "output", text);
    }
  line(out, "weights", "sha256 " + plain(report["weights_sha256"]));
  line(out, "training",
       report["synthetic"].get<bool>() ? "synthetic data" : "not declared synthetic");
}

void write_tower(const Report& report, std::ostream& out) {
  line(out, "tower", report["site"].is_null() ? "not in the file's name" : plain(report["site"]));
  std::string rows = plain(report["rows"]) + " " + plain(report["step"]) + "s";
  if (report.contains("first_row"))
    rows += ", " + plain(report["first_row"]) + " to " + plain(report["last_row"]);
  line(out, "rows", rows);
  line(out, "labels",
       plain(report["labels"]) + " with Reco and NEE of quality " + plain(report["min_qc"]) +
           " or better");
  line(out, "variants", plain(report["partitionings"]));
}

void write_site_years(const Report& report, std::ostream& out) {
  line(out, "sites", plain(report["sites"]));
  for (const auto& [region, sites] : report["regions"].items())
    line(out, "region", region + ": " + plain(sites) + (sites == 1 ? " site" : " sites"));
  line(out, "years", plain(report["years"][0]) + " to " + plain(report["years"][1]));
  for (const auto& feature : report["features"])
    line(out, "input",
         plain(feature["name"]) + ": " + plain(feature["unit"]) +
             (feature["source"] == "" ? "" : ", " + plain(feature["source"])));
  for (const auto& [name, count] : report["labels"].items())
    line(out, "label", name + ": " + plain(count) + " values");
  line(out, "truth", report["truth"].get<bool>() ? "yes" : "none");
  line(out, "data", report["synthetic"].get<bool>() ? "synthetic" : "not declared synthetic");
  line(out, "origin", plain(report["origin"]));
}

}  // namespace

void write_text(const Report& report, std::ostream& out) {
  const std::string kind = report["kind"];
  out << report["path"].get<std::string>() << '\n';
  line(out, "kind", kind + (report.contains("driver") ? ", " + plain(report["driver"]) : ""));
  if (report.contains("attributes"))
    for (const auto& [name, value] : report["attributes"].items()) line(out, name, plain(value));
  if (kind == "netcdf") write_netcdf(report, out);
  if (kind == "raster") write_raster(report, out);
  if (kind == "vector") write_vector(report, out);
  if (kind == "package") write_package(report, out);
  if (kind == "tower") write_tower(report, out);
  if (kind == "site-years") write_site_years(report, out);
  if (kind == "archive")
    for (const auto& member : report["members"]) line(out, "member", plain(member));
  for (const auto& text : report["warnings"]) line(out, "warning", plain(text));
  for (const auto& text : report["hints"]) line(out, "hint", plain(text));
  const std::string config = report["config"];
  if (!config.empty()) {
    out << "  as configuration:\n";
    size_t start = 0;
    while (start < config.size()) {
      const size_t end = config.find('\n', start);
      out << "    " << config.substr(start, end - start) << '\n';
      start = end == std::string::npos ? config.size() : end + 1;
    }
  }
  if (report.contains("first")) {
    out << '\n';
    write_text(report["first"], out);
  }
}

}  // namespace fluxtile
