// SPDX-License-Identifier: Apache-2.0
// Outlines of regions from any OGR vector source.
#include <ogrsf_frmts.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "geo/gdal_access.h"
#include "geo/gdal_messages.h"
#include "geo/region.h"

namespace fluxtile {
namespace {

using GeometryPtr = std::unique_ptr<OGRGeometry>;
using FeaturePtr = std::unique_ptr<OGRFeature>;

struct OpenLayer {
  DatasetPtr dataset;
  OGRLayer* layer = nullptr;
  int field = -1;
};

int field_of(OGRLayer& layer, const std::string& key) {
  return layer.GetLayerDefn()->GetFieldIndex(key.c_str());
}

OpenLayer open_layer(const RegionSource& source) {
  OpenLayer open;
  open.dataset = open_dataset(source.path, GDAL_OF_VECTOR);
  GdalMessages messages;
  std::vector<std::string> layers;
  std::set<std::string> keys;
  for (int i = 0; i < open.dataset->GetLayerCount(); ++i) {
    OGRLayer* layer = open.dataset->GetLayer(i);
    layers.emplace_back(layer->GetName());
    if (!source.layer.empty() && source.layer != layer->GetName()) continue;
    for (int f = 0; f < layer->GetLayerDefn()->GetFieldCount(); ++f)
      keys.insert(layer->GetLayerDefn()->GetFieldDefn(f)->GetNameRef());
    if (open.layer == nullptr && field_of(*layer, source.key) >= 0) {
      open.layer = layer;
      open.field = field_of(*layer, source.key);
    }
  }
  if (open.layer != nullptr) return open;
  if (!source.layer.empty() &&
      std::find(layers.begin(), layers.end(), source.layer) == layers.end())
    throw Error(Code::data, "no such layer")
        .file(source.path)
        .key("region.layer")
        .found(source.layer)
        .hint(suggestion(source.layer, layers));
  throw Error(Code::data, "no such attribute")
      .file(source.path)
      .key("region.key")
      .found(source.key)
      .hint(keys.empty() ? "the source has no attributes"
                         : suggestion(source.key, {keys.begin(), keys.end()}));
}

/// The CRS of the rings, and a warning when a configured one is not needed.
Crs boundaries_crs(const RegionSource& source, OGRLayer& layer, std::string& warning) {
  const OGRSpatialReference* reference = layer.GetSpatialRef();
  if (reference == nullptr || reference->IsEmpty() || reference->IsLocal()) {
    if (source.crs.empty())
      throw Error(Code::data, "the boundaries declare no CRS")
          .file(source.path)
          .key("region.crs")
          .hint("set region.crs, e.g. EPSG:4269 for US Census boundaries");
    return Crs::from_user_input(source.crs);
  }
  Crs declared;
  try {
    declared = crs_of(reference);
  } catch (Error& error) {
    throw error.file(source.path);
  }
  if (!source.crs.empty() && !Crs::from_user_input(source.crs).same_as(declared))
    warning =
        "the source declares " + declared.name() + "; region.crs " + source.crs + " is not used";
  return declared;
}

/// Appends the polygons of a geometry; false if it holds anything else.
bool collect_polygons(const OGRGeometry& geometry, bool ignore_others,
                      std::vector<const OGRPolygon*>& polygons) {
  const auto type = wkbFlatten(geometry.getGeometryType());
  if (type == wkbPolygon) {
    polygons.push_back(geometry.toPolygon());
    return true;
  }
  if (type == wkbMultiPolygon || type == wkbGeometryCollection) {
    bool all = true;
    for (const auto* part : *geometry.toGeometryCollection())
      all = collect_polygons(*part, ignore_others, polygons) && all;
    return all || ignore_others;
  }
  return ignore_others;
}

void append_rings(const OGRGeometry& geometry, std::vector<std::vector<Point>>& rings) {
  std::vector<const OGRPolygon*> polygons;
  collect_polygons(geometry, true, polygons);
  for (const OGRPolygon* polygon : polygons) {
    for (const OGRLinearRing* ring : *polygon) {
      std::vector<Point> points;
      for (int i = 0; i < ring->getNumPoints(); ++i)
        points.push_back({ring->getX(i), ring->getY(i)});
      if (points.size() < 3) continue;
      if (points.front().x != points.back().x || points.front().y != points.back().y)
        points.push_back(points.front());
      rings.push_back(std::move(points));
    }
  }
}

double area_of(const OGRGeometry& geometry) {
  std::vector<const OGRPolygon*> polygons;
  collect_polygons(geometry, true, polygons);
  double area = 0;
  for (const OGRPolygon* polygon : polygons) area += polygon->get_Area();
  return area;
}

/// One feature's polygons, linear and valid.
GeometryPtr clean_geometry(const OGRGeometry& raw, const std::string& path, const std::string& name,
                           std::vector<std::string>& warnings) {
  GeometryPtr geometry(raw.getLinearGeometry());
  if (!geometry) throw Error(Code::data, "a geometry that cannot be read").file(path).found(name);
  geometry->flattenTo2D();
  std::vector<const OGRPolygon*> polygons;
  if (!collect_polygons(*geometry, false, polygons) || polygons.empty())
    throw Error(Code::data, "a region must be a polygon")
        .file(path)
        .found(name + " is a " + raw.getGeometryName());
  GdalMessages messages;
  if (geometry->IsValid()) return geometry;
  const std::string reason = messages.text();
  GeometryPtr repaired(geometry->MakeValid());
  if (!repaired || area_of(*repaired) <= 0)
    throw Error(Code::data, "an invalid polygon that cannot be repaired")
        .file(path)
        .found(name + (reason.empty() ? "" : ": " + reason));
  warnings.push_back("region " + name + ": repaired an invalid polygon" +
                     (reason.empty() ? "" : " (" + reason + ")"));
  return repaired;
}

/// Rings of all features of one region. Features that merely border each other keep their vertices,
/// since the crossing rule cancels shared edges by itself, and so neighbouring regions keep exactly
/// the same edges; only overlapping ones are dissolved.
void unite(const std::vector<GeometryPtr>& parts, Region& region) {
  if (parts.size() > 1) {
    OGRGeometryCollection collection;
    double sum = 0;
    for (const auto& part : parts) {
      std::vector<const OGRPolygon*> polygons;
      collect_polygons(*part, true, polygons);
      for (const OGRPolygon* polygon : polygons) collection.addGeometry(polygon);
      sum += area_of(*part);
    }
    OGRMultiPolygon all;
    for (const auto* polygon : collection) all.addGeometry(polygon);
    GdalMessages messages;
    const GeometryPtr united(all.UnionCascaded());
    if (!united)
      throw Error(Code::data, "cannot unite the features of a region: " + messages.text())
          .found(region.name);
    if (sum - area_of(*united) > 1e-9 * sum) {
      append_rings(*united, region.rings);
      return;
    }
  }
  for (const auto& part : parts) append_rings(*part, region.rings);
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

/// Degrees that no place has are usually metres under a wrong CRS.
void require_on_earth(const Crs& crs, const Region& region, const std::string& path) {
  if (!crs.geographic() || crs.unit_factor() != 1) return;
  constexpr double most_longitude = 720, most_latitude = 90.001;
  for (const auto& ring : region.rings) {
    for (const Point& p : ring) {
      if (std::abs(p.x) <= most_longitude && std::abs(p.y) <= most_latitude) continue;
      throw Error(Code::data, "the outline of region " + region.name + " leaves the earth")
          .file(path)
          .found(number_text(p.x) + ", " + number_text(p.y))
          .expected("longitudes and latitudes in degrees, as in " + crs.name())
          .hint("are these coordinates in metres? the file must declare their CRS");
    }
  }
}

bool has_key(const OGRFeature& feature, int field) {
  return feature.IsFieldSetAndNotNull(field) != 0;
}

}  // namespace

std::string Region::digest() const {
  Digest digest;
  for (const auto& ring : rings) {
    digest.add_value(static_cast<uint64_t>(ring.size()));
    for (const Point& p : ring) digest.add_value(p.x).add_value(p.y);
  }
  return digest.hex();
}

std::vector<std::string> region_names(const RegionSource& source) {
  const OpenLayer open = open_layer(source);
  GdalMessages messages;
  std::set<std::string> names;
  open.layer->ResetReading();
  while (const FeaturePtr feature{open.layer->GetNextFeature()})
    if (has_key(*feature, open.field)) names.insert(feature->GetFieldAsString(open.field));
  return {names.begin(), names.end()};
}

RegionSet read_regions(const RegionSource& source, const std::vector<std::string>& select) {
  const OpenLayer open = open_layer(source);
  RegionSet set;
  std::string crs_warning;
  set.crs = boundaries_crs(source, *open.layer, crs_warning);

  const bool all = select.size() == 1 && select[0] == "all";
  const std::set<std::string> wanted(select.begin(), select.end());
  std::map<std::string, std::vector<GeometryPtr>> parts;
  std::map<std::string, std::vector<std::string>> warnings;
  std::set<std::string> known;
  {
    GdalMessages messages;
    open.layer->ResetReading();
    while (const FeaturePtr feature{open.layer->GetNextFeature()}) {
      if (!has_key(*feature, open.field)) continue;
      const std::string name = feature->GetFieldAsString(open.field);
      known.insert(name);
      if (!all && wanted.count(name) == 0) continue;
      const OGRGeometry* geometry = feature->GetGeometryRef();
      if (geometry == nullptr || geometry->IsEmpty()) {
        warnings[name].push_back("region " + name + ": a feature without geometry");
        continue;
      }
      parts[name].push_back(clean_geometry(*geometry, source.path, name, warnings[name]));
    }
    if (messages.failed())
      throw Error(Code::data, "cannot read the boundaries: " + messages.text()).file(source.path);
  }

  std::vector<std::string> order;
  if (all) {
    order.assign(known.begin(), known.end());
  } else {
    for (const auto& name : select)
      if (std::find(order.begin(), order.end(), name) == order.end()) order.push_back(name);
  }
  if (order.empty())
    throw Error(Code::data, "no region selected")
        .file(source.path)
        .key("region.select")
        .hint("set region.select to names under the key " + source.key + ", or to all");
  for (const auto& name : order) {
    if (known.count(name) == 0)
      throw Error(Code::data, "no such region")
          .file(source.path)
          .key("region.select")
          .found(name)
          .expected("a value of the attribute " + source.key)
          .hint(suggestion(name, {known.begin(), known.end()}));
    Region region;
    region.name = name;
    region.warnings = warnings[name];
    if (!crs_warning.empty()) region.warnings.push_back(crs_warning);
    unite(parts[name], region);
    if (region.rings.empty())
      throw Error(Code::data, "a region without an outline").file(source.path).found(name);
    require_on_earth(set.crs, region, source.path);
    set.regions.push_back(std::move(region));
  }
  return set;
}

}  // namespace fluxtile
