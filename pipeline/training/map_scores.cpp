// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/map_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <tuple>

#include "base/error.h"
#include "geo/raster_source.h"

namespace fluxtile {
namespace {
namespace fs = std::filesystem;

const std::vector<std::string> kVariables = {"ra", "rh", "reco", "nee", "gpp", "yield"};
constexpr double kSameCell = 1e-6;  // of a cell

/// What a file holds, by its name without the run's name.
struct MapName {
  std::string region, variable, period;
  friend bool operator<(const MapName& a, const MapName& b) {
    return std::tie(a.region, a.variable, a.period) < std::tie(b.region, b.variable, b.period);
  }
};
/// The file of every band, by the band's description.
using Bands = std::map<std::string, std::pair<RasterInfo, int>>;

/// Maps of a folder whose names begin with `prefix`.
std::map<MapName, Bands> maps_in(const std::string& folder, const std::string& prefix) {
  static const std::regex form("(.+)_(ra|rh|reco|nee|gpp|yield)_(annual|monthly)(_[-0-9]+)?\\.tif");
  std::error_code unreadable;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, unreadable)) {
    std::string name = entry.path().filename().string();
    if (name.compare(0, prefix.size(), prefix) == 0) names.insert(name.substr(prefix.size()));
  }
  if (unreadable) throw Error(Code::data, "cannot read the folder of maps").file(folder);
  std::map<MapName, Bands> maps;
  for (const std::string& name : names) {
    std::smatch part;
    if (!std::regex_match(name, part, form)) continue;
    const RasterInfo info = read_raster_info((fs::path(folder) / (prefix + name)).string());
    Bands& bands = maps[{part[1], part[2], part[3]}];
    for (const BandInfo& band : info.bands)
      bands.insert_or_assign(band.description, std::make_pair(info, band.band));
  }
  return maps;
}

const BandInfo& band_of(const std::pair<RasterInfo, int>& map) {
  return map.first.bands.at(static_cast<size_t>(map.second - 1));
}

void require_same_form(const std::pair<RasterInfo, int>& map,
                       const std::pair<RasterInfo, int>& truth) {
  const SourceGrid &a = map.first.grid, &b = truth.first.grid;
  const auto differ = [&](const char* what, const std::string& found, const std::string& expected) {
    return Error(Code::data, std::string("map and truth have different ") + what)
        .file(map.first.path)
        .found(found)
        .expected(expected + " as in " + truth.first.path);
  };
  if (!a.crs.same_as(b.crs)) throw differ("CRS", a.crs.name(), b.crs.name());
  if (a.geotransform[1] != b.geotransform[1] || a.geotransform[5] != b.geotransform[5])
    throw differ("cell sizes", fmt::format("{}", a.geotransform[1]),
                 fmt::format("{}", b.geotransform[1]));
  if (band_of(map).unit != band_of(truth).unit)
    throw differ("units", band_of(map).unit, band_of(truth).unit);
}

/// Whole cells from the truth's first column or row to the map's.
int64_t shift_between(const std::pair<RasterInfo, int>& map,
                      const std::pair<RasterInfo, int>& truth, int axis) {
  const double* a = map.first.grid.geotransform;
  const double* b = truth.first.grid.geotransform;
  const double cells = axis == 0 ? (a[0] - b[0]) / b[1] : (a[3] - b[3]) / b[5];
  if (std::abs(cells - std::round(cells)) > kSameCell)
    throw Error(Code::data, "the cells of the map lie between those of the truth")
        .file(map.first.path)
        .found(fmt::format("a shift of {} cells", cells))
        .expected("whole cells against " + truth.first.path);
  return static_cast<int64_t>(std::round(cells));
}

struct Pairs {
  std::vector<double> map, truth;
};

void add_pairs(const std::pair<RasterInfo, int>& map, const std::pair<RasterInfo, int>& truth,
               Pairs& pairs) {
  require_same_form(map, truth);
  const int64_t dx = shift_between(map, truth, 0), dy = shift_between(map, truth, 1);
  const SourceGrid &a = map.first.grid, &b = truth.first.grid;
  const int64_t left = std::max<int64_t>(dx, 0), right = std::min(b.width, dx + a.width);
  const int64_t top = std::max<int64_t>(dy, 0), bottom = std::min(b.height, dy + a.height);
  if (left >= right || top >= bottom) return;
  const auto mapped =
      read_window(map.first, map.second, {left - dx, top - dy, right - left, bottom - top});
  const auto known =
      read_window(truth.first, truth.second, {left, top, right - left, bottom - top});
  for (size_t i = 0; i < mapped.size(); ++i) {
    if (std::isnan(mapped[i]) || std::isnan(known[i])) continue;
    pairs.map.push_back(mapped[i]);
    pairs.truth.push_back(known[i]);
  }
}

}  // namespace

std::vector<MapScore> map_scores(const std::string& outputs, const std::string& name,
                                 const std::string& truth) {
  const std::map<MapName, Bands> maps = maps_in(outputs, name + "_"), truths = maps_in(truth, "");
  std::vector<MapScore> rows;
  for (const char* period : {"annual", "monthly"}) {
    for (const std::string& variable : kVariables) {
      Pairs all;
      size_t regions = 0;
      for (const auto& [key, bands] : truths) {
        const auto found = maps.find(key);
        if (key.variable != variable || key.period != period || found == maps.end()) continue;
        Pairs pairs;
        for (const auto& [step, band] : bands) {
          const auto mapped = found->second.find(step);
          if (mapped != found->second.end()) add_pairs(mapped->second, band, pairs);
        }
        rows.push_back({key.region, variable, period, scores(pairs.map, pairs.truth)});
        all.map.insert(all.map.end(), pairs.map.begin(), pairs.map.end());
        all.truth.insert(all.truth.end(), pairs.truth.begin(), pairs.truth.end());
        ++regions;
      }
      if (regions > 1) rows.push_back({"all", variable, period, scores(all.map, all.truth)});
    }
  }
  if (rows.empty())
    throw Error(Code::data, "no map of the run has a truth to compare it with")
        .file(outputs)
        .expected(name + "_<region>_<variable>_<annual or monthly>.tif here and the same without " +
                  name + "_ in " + truth)
        .hint("products need format geotiff; the truth is in the folder truth of the world");
  return rows;
}

}  // namespace fluxtile
