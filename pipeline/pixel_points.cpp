// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pixel_points.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "pipeline/config_values.h"
#include "pipeline/csv_line.h"

namespace fluxtile {
namespace {

size_t column(const std::vector<std::string>& header, const std::vector<std::string>& names) {
  for (size_t i = 0; i < header.size(); ++i) {
    std::string name = header[i];
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::find(names.begin(), names.end(), name) != names.end()) return i;
  }
  return header.size();
}

}  // namespace

Point parse_point(const std::string& text) {
  const auto parts = csv_fields(text);
  if (parts.size() == 2) {
    const auto x = number_in(parts[0]), y = number_in(parts[1]);
    if (x && y && std::isfinite(*x) && std::isfinite(*y)) return {*x, *y};
  }
  throw Error(Code::usage, "not a point")
      .found("--at " + text)
      .expected(
          "two numbers, --at X,Y: coordinates of the grid, or longitude,latitude with "
          "--lonlat");
}

PointList read_points(const std::string& path) {
  std::string content = read_file(path);
  if (content.compare(0, 3, "\xEF\xBB\xBF") == 0) content.erase(0, 3);
  std::istringstream lines(content);
  std::string line;
  std::getline(lines, line);
  const auto header = csv_fields(line);
  PointList list;
  size_t x = column(header, {"x"}), y = column(header, {"y"});
  if (x == header.size() || y == header.size()) {
    list.lonlat = true;
    x = column(header, {"lon", "longitude"});
    y = column(header, {"lat", "latitude"});
  }
  if (x == header.size() || y == header.size()) {
    throw Error(Code::data, "the points have no coordinates")
        .file(path)
        .found("header `" + trimmed(line) + "`")
        .expected("columns x and y (grid CRS) or lon and lat (degrees)");
  }
  for (int number = 2; std::getline(lines, line); ++number) {
    if (trimmed(line).empty()) continue;
    const auto row = csv_fields(line);
    const auto number_at = [&row](size_t i) {
      return i < row.size() ? number_in(row[i]).value_or(NAN) : NAN;
    };
    const double px = number_at(x), py = number_at(y);
    if (!std::isfinite(px) || !std::isfinite(py)) {
      throw Error(Code::data, "a point has no coordinates")
          .file(path)
          .found("line " + std::to_string(number) + ": `" + trimmed(line) + "`")
          .expected("numbers under " + header[x] + " and " + header[y]);
    }
    list.points.push_back({px, py});
  }
  if (list.points.empty())
    throw Error(Code::data, "the file holds no points").file(path).expected("at least one line");
  return list;
}

}  // namespace fluxtile
