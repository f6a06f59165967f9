// SPDX-License-Identifier: Apache-2.0
#include "geo/vector_info.h"

#include <cpl_string.h>
#include <cpl_vsi.h>
#include <ogrsf_frmts.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/error.h"
#include "geo/gdal_access.h"
#include "geo/gdal_messages.h"

namespace fluxtile {
namespace {

constexpr size_t kMostMembers = 100000;

/// Fills attributes' examples and uniqueness in one pass over the features.
void read_values(OGRLayer& layer, VectorLayer& out) {
  const size_t fields = out.attributes.size();
  std::vector<std::set<std::string>> seen(fields);
  std::vector<char> unique(fields, 1);
  layer.ResetReading();
  while (true) {
    const std::unique_ptr<OGRFeature> feature(layer.GetNextFeature());
    if (!feature) break;
    for (size_t f = 0; f < fields; ++f) {
      VectorAttribute& a = out.attributes[f];
      const auto index = static_cast<int>(f);
      const bool empty = feature->IsFieldSetAndNotNull(index) == 0;
      const std::string value = empty ? "" : feature->GetFieldAsString(index);
      if (value.empty()) unique[f] = 0;
      if (unique[f] == 0 && a.examples.size() >= 3) continue;
      const bool fresh = seen[f].insert(value).second;
      if (!fresh) unique[f] = 0;
      if (fresh && !value.empty() && a.examples.size() < 3) a.examples.push_back(value);
      if (unique[f] == 0) seen[f] = {a.examples.begin(), a.examples.end()};
    }
  }
  for (size_t f = 0; f < fields; ++f) out.attributes[f].unique = unique[f] != 0 && out.features > 0;
}

void list_members(const std::string& folder, std::vector<std::string>& out) {
  char** names = VSIReadDir(folder.c_str());
  std::vector<std::string> sorted;
  for (int i = 0; names != nullptr && names[i] != nullptr; ++i) sorted.emplace_back(names[i]);
  CSLDestroy(names);
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& name : sorted) {
    if (name == "." || name == ".." || out.size() >= kMostMembers) continue;
    const std::string path = folder + "/" + name;
    VSIStatBufL status;
    if (VSIStatL(path.c_str(), &status) != 0) continue;
    if (VSI_ISDIR(status.st_mode))
      list_members(path, out);
    else
      out.push_back(path);
  }
}

}  // namespace

VectorInfo read_vector_info(const std::string& path) {
  const DatasetPtr dataset = open_dataset(path, GDAL_OF_VECTOR);
  const GdalMessages messages;
  VectorInfo info;
  info.path = path;
  info.driver = dataset->GetDriver() == nullptr ? "" : dataset->GetDriver()->GetDescription();
  for (int i = 0; i < dataset->GetLayerCount(); ++i) {
    OGRLayer& layer = *dataset->GetLayer(i);
    VectorLayer out;
    out.name = layer.GetName();
    const OGRwkbGeometryType type = layer.GetGeomType();
    out.geometry = type == wkbNone ? "None" : OGRGeometryTypeToName(type);
    out.crs = crs_of(layer.GetSpatialRef());
    out.features = layer.GetFeatureCount();
    OGREnvelope box;
    if (type != wkbNone && layer.GetExtent(&box) == OGRERR_NONE) {
      out.has_extent = true;
      out.extent[0] = box.MinX;
      out.extent[1] = box.MinY;
      out.extent[2] = box.MaxX;
      out.extent[3] = box.MaxY;
    }
    OGRFeatureDefn& definition = *layer.GetLayerDefn();
    for (int f = 0; f < definition.GetFieldCount(); ++f) {
      const OGRFieldDefn& field = *definition.GetFieldDefn(f);
      out.attributes.push_back(
          {field.GetNameRef(), OGRFieldDefn::GetFieldTypeName(field.GetType()), {}, false});
    }
    read_values(layer, out);
    info.layers.push_back(std::move(out));
  }
  return info;
}

std::vector<std::string> archive_members(const std::string& path) {
  std::string folded = path;
  for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto ends_with = [&](const std::string& end) {
    return folded.size() > end.size() &&
           folded.compare(folded.size() - end.size(), end.size(), end) == 0;
  };
  std::string prefix;
  if (ends_with(".zip")) prefix = "/vsizip/";
  if (ends_with(".tar") || ends_with(".tgz") || ends_with(".tar.gz")) prefix = "/vsitar/";
  if (prefix.empty()) return {};
  refuse_remote(path);
  const GdalMessages messages;
  std::vector<std::string> members;
  list_members(prefix + path, members);
  if (members.empty())
    throw Error(Code::data, "the archive is empty or cannot be read")
        .file(path)
        .found(messages.text());
  return members;
}

}  // namespace fluxtile
