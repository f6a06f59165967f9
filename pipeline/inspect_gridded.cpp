// SPDX-License-Identifier: Apache-2.0
// Rasters and NetCDF files for `inspect`.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "geo/netcdf_source.h"
#include "geo/raster_source.h"
#include "geo/unit.h"
#include "pipeline/inspect_report.h"

namespace fluxtile {
namespace {

constexpr size_t kMissingShown = 20;
constexpr size_t kSubdatasetsOpened = 64;

/// Cell size along an axis and whether all cells share it; edges of the first and last cell.
struct AxisShape {
  double step = 0;
  bool uniform = true;
  double first_edge = 0, last_edge = 0;
};

AxisShape shape_of(const std::vector<double>& axis) {
  AxisShape shape;
  const size_t n = axis.size();
  if (n < 2) return shape;
  shape.step = (axis.back() - axis.front()) / static_cast<double>(n - 1);
  for (size_t i = 1; i < n; ++i)
    shape.uniform = shape.uniform && std::abs((axis[i] - axis[i - 1]) / shape.step - 1) < 1e-3;
  shape.first_edge = axis[0] - (axis[1] - axis[0]) / 2;
  shape.last_edge = axis[n - 1] + (axis[n - 1] - axis[n - 2]) / 2;
  return shape;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void add_hint(Report& hints, const std::string& text) {
  if (std::find(hints.begin(), hints.end(), text) == hints.end()) hints.push_back(text);
}

/// Hints that hold for any raster input.
void hint_grid(const Report& grid, Report& hints) {
  if (grid["crs"]["name"].is_null())
    add_hint(hints, "no CRS: set `crs` on this input (for example crs: EPSG:4326)");
  if (grid.value("wraps", false) && grid["extent"]["x_max"].get<double>() > 180.0001)
    add_hint(hints, "longitude 0..360: points west of Greenwich are wrapped to it, nothing to do");
}

void hint_unit(const std::string& unit, Report& hints) {
  if (unit.empty())
    add_hint(hints, "no unit: set `unit` on this input to what the values are");
  else if (const auto trouble = unit_trouble(unit))
    add_hint(hints, *trouble);
}

/// MODIS vegetation products give the number to divide by as scale_factor.
void hint_scale(double scale, const std::string& type, Report& hints) {
  const std::string folded = lower(type);
  if (scale < 100 || folded.rfind("float", 0) == 0 || folded.rfind("double", 0) == 0) return;
  add_hint(hints, "scale_factor " + Report(scale).dump() +
                      " multiplies stored integers: if it is meant as a divisor (MODIS), set "
                      "`scale: " +
                      Report(1 / scale).dump() + "`");
}

Report number_or_null(const std::optional<double>& value) {
  return value ? Report(*value) : Report();
}

/// Not-finite numbers have no JSON form.
Report number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::string step_text(const std::vector<int64_t>& days, const std::vector<Date>& dates) {
  if (days.size() < 2) return "";
  const auto same_gap = [&](int64_t gap) {
    for (size_t i = 1; i < days.size(); ++i)
      if (days[i] - days[i - 1] != gap) return false;
    return true;
  };
  std::map<int64_t, size_t> gaps;
  bool months = true;
  for (size_t i = 1; i < days.size(); ++i) {
    ++gaps[days[i] - days[i - 1]];
    const int before = dates[i - 1].year * 12 + dates[i - 1].month;
    months = months && dates[i].year * 12 + dates[i].month == before + 1;
  }
  if (months && days.size() > 2) return "month";
  if (months && !same_gap(1) && days[1] - days[0] >= 28) return "month";
  const auto common = std::max_element(
      gaps.begin(), gaps.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (common->first == 0) return "several a day";
  if (common->second * 10 < (days.size() - 1) * 8) return "irregular";
  return std::to_string(common->first) + (common->first == 1 ? " day" : " days");
}

Report report_band(const BandInfo& band) {
  Report out;
  out["band"] = band.band;
  out["description"] = band.description;
  out["type"] = band.type;
  out["unit"] = band.unit;
  out["scale"] = band.scale;
  out["offset"] = band.offset;
  out["nodata"] = band.nodata ? number(*band.nodata) : Report();
  if (band.valid_min || band.valid_max) {
    out["valid_min"] = number_or_null(band.valid_min);
    out["valid_max"] = number_or_null(band.valid_max);
  }
  return out;
}

Report placement(const RasterInfo& info) {
  const std::string source = info.grid.crs.empty() ? "none declared" : "declared by the file";
  return report_grid(info.grid, source);
}

}  // namespace

std::optional<std::string> unit_trouble(const std::string& unit) {
  try {
    parse_unit(unit);
    return std::nullopt;
  } catch (const Error& error) {
    return "unit '" + unit + "': " + error.message() + "; expected " + error.expected();
  }
}

Report report_grid(const SourceGrid& grid, const std::string& crs_source) {
  Report out;
  Report crs;
  crs["name"] = grid.crs.empty() ? Report() : Report(grid.crs.name());
  crs["source"] = crs_source;
  out["crs"] = std::move(crs);
  out["width"] = grid.width;
  out["height"] = grid.height;
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0, dx = 0, dy = 0;
  bool uniform = true, rotated = false;
  if (!grid.x_axis.empty() && !grid.y_axis.empty()) {
    const AxisShape x = shape_of(grid.x_axis), y = shape_of(grid.y_axis);
    x0 = x.first_edge;
    x1 = x.last_edge;
    y0 = y.first_edge;
    y1 = y.last_edge;
    dx = x.step;
    dy = y.step;
    uniform = x.uniform && y.uniform;
    out["placed_by"] = "coordinate variables";
  } else {
    const double* g = grid.geotransform;
    rotated = g[2] != 0 || g[4] != 0;
    dx = rotated ? std::hypot(g[1], g[4]) : g[1];
    dy = rotated ? std::hypot(g[2], g[5]) : g[5];
    const auto w = static_cast<double>(grid.width), h = static_cast<double>(grid.height);
    const std::array<double, 4> xs = {g[0], g[0] + w * g[1], g[0] + h * g[2],
                                      g[0] + w * g[1] + h * g[2]};
    const std::array<double, 4> ys = {g[3], g[3] + w * g[4], g[3] + h * g[5],
                                      g[3] + w * g[4] + h * g[5]};
    x0 = *std::min_element(xs.begin(), xs.end());
    x1 = *std::max_element(xs.begin(), xs.end());
    y0 = *std::min_element(ys.begin(), ys.end());
    y1 = *std::max_element(ys.begin(), ys.end());
    out["placed_by"] = "geotransform";
  }
  out["cell"] = {std::abs(dx), std::abs(dy)};
  out["uniform"] = uniform;
  out["cell_unit"] = grid.crs.empty()        ? Report()
                     : grid.crs.geographic() ? Report("degree")
                     : grid.crs.unit_factor() == 1
                         ? Report("m")
                         : Report(std::to_string(grid.crs.unit_factor()) + " m");
  out["extent"] = {{"x_min", std::min(x0, x1)},
                   {"y_min", std::min(y0, y1)},
                   {"x_max", std::max(x0, x1)},
                   {"y_max", std::max(y0, y1)}};
  out["y"] = rotated ? "rotated" : dy > 0 ? "south to north" : "north to south";
  if (dx < 0) out["x"] = "east to west";
  out["wraps"] = grid.wraps;
  return out;
}

Report report_time(const std::vector<CfTime>& times, Calendar calendar, const std::string& units) {
  Report out;
  out["calendar"] = to_string(calendar);
  out["units"] = units;
  out["count"] = times.size();
  if (times.empty()) return out;
  const auto written = [](const CfTime& t) {
    std::string text = to_text(Date{t.year, t.month, t.day});
    const int minutes = static_cast<int>(std::lround(t.day_fraction * 1440));
    if (minutes > 0 && minutes < 1440) {
      const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
      text += " " + two(minutes / 60) + ":" + two(minutes % 60);
    }
    return text;
  };
  out["first"] = written(times.front());
  out["last"] = written(times.back());
  std::vector<int64_t> days;
  std::vector<Date> dates;
  for (const auto& date : to_real_dates(times, calendar, true)) {
    if (!date) continue;
    days.push_back(to_days(*date));
    dates.push_back(*date);
  }
  const std::string step = step_text(days, dates);
  if (!step.empty()) out["step"] = step;
  out["ascending"] = std::is_sorted(days.begin(), days.end());
  if (step == "1 day" && calendar != Calendar::day_360) {
    const std::set<int64_t> present(days.begin(), days.end());
    Report missing = Report::array();
    size_t count = 0;
    for (int64_t d = *present.begin(); d <= *present.rbegin(); ++d) {
      if (present.count(d) > 0) continue;
      if (++count <= kMissingShown) missing.push_back(to_text(from_days(d)));
    }
    out["missing_days"] = count;
    if (count > 0) out["missing"] = std::move(missing);
    if (present.size() < days.size()) out["repeated_days"] = days.size() - present.size();
  }
  return out;
}

Report report_netcdf(const std::string& path) {
  const NetcdfInfo info = read_netcdf_info(path);
  Report out;
  out["path"] = path;
  out["kind"] = "netcdf";
  out["driver"] = info.format;
  for (const char* name : {"Conventions", "title", "source"})
    if (const auto it = info.attributes.find(name); it != info.attributes.end())
      out["attributes"][name] = it->second;
  // Variables share few grids and time axes: each is told once.
  Report grids = Report::array(), axes = Report::array(), variables = Report::array();
  Report hints = Report::array();
  for (const NetcdfVariable& v : info.variables) {
    Report entry;
    entry["name"] = v.name;
    for (const auto& [key, value] : {std::make_pair("long_name", v.long_name),
                                     std::make_pair("standard_name", v.standard_name),
                                     std::make_pair("description", v.description)})
      if (!value.empty()) entry[key] = value;
    entry["unit"] = v.units;
    entry["type"] = v.type;
    entry["dimensions"] = v.dimensions;
    entry["sizes"] = v.sizes;
    entry["scale"] = v.scale;
    entry["offset"] = v.offset;
    Report nodata = Report::array();
    for (const double fill : v.fill_values) nodata.push_back(number(fill));
    entry["nodata"] = std::move(nodata);
    if (v.valid_min || v.valid_max) {
      entry["valid_min"] = number_or_null(v.valid_min);
      entry["valid_max"] = number_or_null(v.valid_max);
    }
    const auto shared = [](Report& list, Report item) {
      const auto it = std::find(list.begin(), list.end(), item);
      const auto at = static_cast<size_t>(it - list.begin());
      if (it == list.end()) list.push_back(std::move(item));
      return at;
    };
    if (v.unusable.empty()) {
      Report grid = report_grid(v.grid, v.crs_source);
      hint_grid(grid, hints);
      entry["grid"] = shared(grids, std::move(grid));
      hint_unit(v.units, hints);
      hint_scale(v.scale, v.type, hints);
    } else {
      entry["unusable"] = v.unusable;
    }
    if (!v.times.empty()) {
      Report time = report_time(v.times, v.calendar, v.time_units);
      if (v.calendar == Calendar::day_360)
        add_hint(hints, "calendar 360_day: refused unless `calendar: map` is set on this input");
      if (v.calendar == Calendar::noleap && time.value("step", "") == "1 day")
        add_hint(hints, "calendar noleap: 29 February is interpolated from its neighbours");
      if (time.value("missing_days", 0) > 0 && v.calendar != Calendar::noleap)
        add_hint(hints, "days are missing: a run over them needs `max_gap` on this input");
      if (!time.value("ascending", true)) add_hint(hints, "the time axis is not ascending");
      entry["time"] = shared(axes, std::move(time));
    }
    variables.push_back(std::move(entry));
  }
  if (variables.empty())
    add_hint(hints, "no variable lies on a horizontal grid that fluxtile understands");
  out["grids"] = std::move(grids);
  out["time_axes"] = std::move(axes);
  out["variables"] = std::move(variables);
  out["other_variables"] = info.other_variables;
  out["warnings"] = info.warnings;
  out["hints"] = std::move(hints);
  out["config"] = suggest_climate(path, out);
  return out;
}

Report report_raster(const std::string& path) {
  const RasterInfo info = read_raster_info(path);
  Report out, hints = Report::array(), warnings = Report::array();
  out["path"] = path;
  out["kind"] = "raster";
  out["driver"] = info.driver;
  if (!info.bands.empty() && info.subdatasets.empty()) {
    Report grid = placement(info);
    hint_grid(grid, hints);
    out["grids"] = Report::array({std::move(grid)});
    out["block"] = {info.block_width, info.block_height};
  }
  Report bands = Report::array();
  for (const BandInfo& band : info.bands) bands.push_back(report_band(band));
  const std::string folded = lower(path.substr(path.find_last_of('/') + 1));
  const bool codes =
      folded.find("crop") != std::string::npos || folded.find("cdl") != std::string::npos;
  if (!info.bands.empty() && !codes) hint_unit(info.bands.front().unit, hints);
  if (!info.bands.empty()) hint_scale(info.bands.front().scale, info.bands.front().type, hints);
  if (!info.bands.empty() && !codes && !info.bands.front().nodata &&
      info.bands.front().fill_values.empty() && !info.bands.front().valid_min)
    add_hint(hints, "no nodata value: set `nodata` on this input if a number stands for no value");
  out["bands"] = std::move(bands);
  if (!info.subdatasets.empty()) {
    Report list = Report::array();
    for (size_t i = 0; i < info.subdatasets.size(); ++i) {
      Report entry;
      entry["name"] = info.subdatasets[i];
      if (i < kSubdatasetsOpened) {
        try {
          const RasterInfo sub = read_raster_info(info.subdatasets[i]);
          entry["grid"] = placement(sub);
          entry["bands"] = Report::array();
          for (const BandInfo& band : sub.bands) {
            entry["bands"].push_back(report_band(band));
            hint_scale(band.scale, band.type, hints);
          }
        } catch (const Error& error) {
          entry["unusable"] = error.message();
        }
      }
      list.push_back(std::move(entry));
    }
    out["subdatasets"] = std::move(list);
    add_hint(hints, "several variables in one file: choose one with `variable`");
  }
  const auto [pattern, date] = suggest_pattern(path);
  if (!pattern.empty()) out["file_date"] = {{"pattern", pattern}, {"date", to_text(*date)}};
  out["warnings"] = std::move(warnings);
  out["hints"] = std::move(hints);
  out["config"] = suggest_raster(path, out);
  return out;
}

}  // namespace fluxtile
