// SPDX-License-Identifier: Apache-2.0
#include "geo/stac_item.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "geo/crs.h"
#include "geo/grid_mapping.h"

namespace fluxtile {
namespace {
using nlohmann::ordered_json;

/// Outline of the window as longitudes and latitudes, counter-clockwise, closed.
std::vector<Point> footprint(const ProductGrid& grid) {
  constexpr int kPieces = 8;  // of an edge
  const CellWindow& w = grid.window;
  const Point a = grid.lattice.corner({w.column, w.row});
  const Point b = grid.lattice.corner({w.column + w.width, w.row + w.height});
  const Point corners[] = {{a.x, b.y}, {b.x, b.y}, {b.x, a.y}, {a.x, a.y}, {a.x, b.y}};
  std::vector<double> x, y;
  for (int side = 0; side < 4; ++side) {
    for (int k = 0; k < kPieces; ++k) {
      const double t = static_cast<double>(k) / kPieces;
      x.push_back(corners[side].x + (corners[side + 1].x - corners[side].x) * t);
      y.push_back(corners[side].y + (corners[side + 1].y - corners[side].y) * t);
    }
  }
  const Crs crs = Crs::from_user_input(grid.lattice.crs);
  const Transform transform(choose_operation(crs, Crs::from_user_input("EPSG:4326")));
  transform.forward(x.data(), y.data(), x.size());
  // Seven decimals are a centimetre.
  const auto rounded = [](double degrees) { return std::round(degrees * 1e7) / 1e7; };
  std::vector<Point> ring;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i]))
      throw Error(Code::data, "a corner of the region has no longitude and latitude")
          .found(grid.lattice.crs);
    ring.push_back({rounded(x[i]), rounded(y[i])});
  }
  ring.push_back(ring.front());
  return ring;
}

ordered_json asset_json(const StacAsset& asset) {
  ordered_json json;
  json["href"] = asset.href;
  if (!asset.title.empty()) json["title"] = asset.title;
  if (!asset.media_type.empty()) json["type"] = asset.media_type;
  if (!asset.roles.empty()) json["roles"] = asset.roles;
  if (!asset.bands.empty()) {
    ordered_json bands = ordered_json::array();
    for (const StacBand& band : asset.bands) {
      ordered_json one;
      if (!band.name.empty()) one["name"] = band.name;
      if (!band.description.empty()) one["description"] = band.description;
      one["data_type"] = band.data_type;
      one["nodata"] = band.nodata;
      if (!band.unit.empty()) one["unit"] = band.unit;
      one["sampling"] = "area";
      bands.push_back(std::move(one));
    }
    json["raster:bands"] = std::move(bands);
  }
  if (asset.bytes > 0) json["file:size"] = asset.bytes;
  // A multihash: 0x12 = SHA-256, 0x20 = 32 bytes.
  if (!asset.sha256.empty()) json["file:checksum"] = "1220" + asset.sha256;
  return json;
}

}  // namespace

std::string stac_item_text(const StacItem& item) {
  const std::vector<Point> ring = footprint(item.grid);
  double west = ring[0].x, east = ring[0].x, south = ring[0].y, north = ring[0].y;
  ordered_json coordinates = ordered_json::array();
  for (const Point& p : ring) {
    west = std::min(west, p.x);
    east = std::max(east, p.x);
    south = std::min(south, p.y);
    north = std::max(north, p.y);
    coordinates.push_back(ordered_json::array({p.x, p.y}));
  }
  const GridMapping mapping = describe_grid_mapping(item.grid.lattice.crs);

  ordered_json json;
  json["type"] = "Feature";
  json["stac_version"] = "1.0.0";
  json["stac_extensions"] = {"https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                             "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
                             "https://stac-extensions.github.io/file/v2.1.0/schema.json",
                             "https://stac-extensions.github.io/processing/v1.1.0/schema.json"};
  json["id"] = item.id;
  json["bbox"] = {west, south, east, north};
  json["geometry"]["type"] = "Polygon";
  json["geometry"]["coordinates"] = ordered_json::array({coordinates});

  ordered_json& properties = json["properties"];
  if (!item.title.empty()) properties["title"] = item.title;
  if (!item.description.empty()) properties["description"] = item.description;
  properties["datetime"] = nullptr;
  properties["start_datetime"] = to_text(item.first) + "T00:00:00Z";
  properties["end_datetime"] = to_text(from_days(to_days(item.end) - 1)) + "T23:59:59Z";
  if (!item.license.empty()) properties["license"] = item.license;
  if (mapping.epsg != 0)
    properties["proj:epsg"] = mapping.epsg;
  else
    properties["proj:epsg"] = nullptr;
  properties["proj:wkt2"] = mapping.wkt2;
  properties["proj:shape"] = {item.grid.window.height, item.grid.window.width};
  const std::vector<double> g = item.grid.lattice.geotransform(item.grid.window);
  // STAC wants the affine matrix, row by row: GDAL's order turned round.
  properties["proj:transform"] = {g[1], g[2], g[0], g[4], g[5], g[3]};
  const Point a = item.grid.lattice.corner({item.grid.window.column, item.grid.window.row});
  const Point b = item.grid.lattice.corner({item.grid.window.column + item.grid.window.width,
                                            item.grid.window.row + item.grid.window.height});
  properties["proj:bbox"] = {a.x, b.y, b.x, a.y};
  properties["processing:level"] = "L4";
  if (!item.lineage.empty()) properties["processing:lineage"] = item.lineage;
  properties["processing:software"][item.software] = item.version;
  for (const auto& [key, value] : item.properties) properties[key] = value;

  json["links"] = ordered_json::array();
  json["assets"] = ordered_json::object();
  for (const StacAsset& asset : item.assets) json["assets"][asset.key] = asset_json(asset);
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace fluxtile
