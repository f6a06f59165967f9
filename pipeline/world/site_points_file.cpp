// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "pipeline/config_values.h"
#include "pipeline/csv_line.h"
#include "pipeline/world/sites.h"

namespace fluxtile::world {
namespace {

size_t column_of(const std::string& path, const std::vector<std::string>& header,
                 const std::string& name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    throw Error(Code::data, "the file of points lacks a column")
        .file(path)
        .expected("columns NAME, STATE_NAME, Lon, Lat; there is no " + name)
        .hint(suggestion(name, header));
  }
  return static_cast<size_t>(found - header.begin());
}

// "Clinton" of two states becomes "Clinton, Iowa" and "Clinton, Illinois"; a second one of a state
// is numbered.
void make_names_unique(std::vector<SitePoint>& points) {
  std::map<std::string, std::set<std::string>> regions;
  for (const SitePoint& point : points) regions[point.name].insert(point.region);
  std::map<std::string, int> occurrences;
  for (SitePoint& point : points) {
    if (regions.at(point.name).size() > 1) point.name += ", " + point.region;
    const int occurrence = ++occurrences[point.name];
    if (occurrence > 1) point.name += " " + std::to_string(occurrence);
  }
}

}  // namespace

std::vector<SitePoint> read_points_csv(const std::string& path) {
  std::string content = read_file(path);
  if (content.compare(0, 3, "\xEF\xBB\xBF") == 0) content.erase(0, 3);
  std::istringstream lines(content);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> header = csv_fields(line);
  const size_t name = column_of(path, header, "NAME"),
               state = column_of(path, header, "STATE_NAME"), lon = column_of(path, header, "Lon"),
               lat = column_of(path, header, "Lat");
  std::vector<SitePoint> points;
  std::set<std::pair<double, double>> places;
  for (int number = 2; std::getline(lines, line); ++number) {
    if (trimmed(line).empty()) continue;
    const std::vector<std::string> row = csv_fields(line);
    const auto refuse = [&](const std::string& message, const std::string& expected) {
      return Error(Code::data, message)
          .file(path)
          .found("line " + std::to_string(number) + ": `" + trimmed(line) + "`")
          .expected(expected);
    };
    const auto text = [&row](size_t i) { return i < row.size() ? row[i] : std::string(); };
    SitePoint point;
    point.name = text(name);
    point.region = text(state);
    if (point.name.empty() || point.region.empty())
      throw refuse("a point has no name", "text under NAME and STATE_NAME");
    point.longitude = number_in(text(lon)).value_or(NAN);
    point.latitude = number_in(text(lat)).value_or(NAN);
    if (!(std::abs(point.longitude) <= 180) || !(std::abs(point.latitude) <= 90))
      throw refuse("a point has no place", "degrees under Lon (-180..180) and Lat (-90..90)");
    if (!places.insert({point.longitude, point.latitude}).second)
      throw refuse("two points lie at one place", "every place once");
    point.block = block_of(point.region, point.longitude, point.latitude);
    points.push_back(point);
  }
  if (points.empty())
    throw Error(Code::data, "the file holds no points").file(path).expected("at least one line");
  make_names_unique(points);
  return points;
}

}  // namespace fluxtile::world
