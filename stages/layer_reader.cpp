// SPDX-License-Identifier: Apache-2.0
#include "stages/layer_reader.h"

#include <cstdio>

#include "base/error.h"
#include "base/nearest_name.h"

namespace fluxtile {
namespace {

std::string raster_key(const std::string& path, const Packing& packing) {
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%a", value);  // exact: small scales must not look alike
    return std::string(text);
  };
  const auto text = [&](const std::optional<double>& value) {
    return value ? number(*value) : std::string("-");
  };
  std::string key =
      path + "|" + text(packing.scale) + "|" + text(packing.offset) + "|" + text(packing.nodata);
  for (const double fill : packing.fill_values) key += "|" + number(fill);
  return key;
}

}  // namespace

const NetcdfVariable& find_variable(const NetcdfInfo& info, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& variable : info.variables) {
    if (variable.name == name) {
      require_usable(info, variable);
      return variable;
    }
    names.push_back(variable.name);
  }
  throw Error(Code::data, "the file has no gridded variable `" + name + "`")
      .file(info.path)
      .hint(suggestion(name, names));
}

std::shared_ptr<const RasterInfo> LayerReader::raster(const std::string& path,
                                                      const Packing& packing) {
  const std::string key = raster_key(path, packing);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = rasters_.find(key);
    if (found != rasters_.end()) return found->second;
  }
  auto info = std::make_shared<const RasterInfo>(read_raster_info(path, packing));
  const std::lock_guard<std::mutex> lock(mutex_);
  return rasters_.emplace(key, std::move(info)).first->second;
}

std::shared_ptr<const NetcdfInfo> LayerReader::netcdf(const std::string& path) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = netcdfs_.find(path);
    if (found != netcdfs_.end()) return found->second;
  }
  auto info = std::make_shared<const NetcdfInfo>(read_netcdf_info(path));
  const std::lock_guard<std::mutex> lock(mutex_);
  return netcdfs_.emplace(path, std::move(info)).first->second;
}

const SourceGrid& LayerReader::grid(const LayerRef& layer, const Packing& packing) {
  if (layer.variable.empty()) return raster(layer.path, packing)->grid;
  return find_variable(*netcdf(layer.path), layer.variable).grid;
}

std::vector<double> LayerReader::read(const LayerRef& layer, const Packing& packing,
                                      const SourceWindow& window, const LaterReads* later) {
  if (layer.variable.empty())
    return read_window(*raster(layer.path, packing), layer.band, window, later);
  const auto info = netcdf(layer.path);
  const auto variable = repacked(find_variable(*info, layer.variable), packing);
  return read_netcdf_block(*info, variable, static_cast<size_t>(layer.step), 1, window);
}

std::vector<double> LayerReader::read_codes(const LayerRef& layer, const Packing& packing,
                                            const SourceWindow& window, const LaterReads* later) {
  if (layer.variable.empty())
    return fluxtile::read_codes(*raster(layer.path, packing), layer.band, window, later);
  return read(layer, packing, window);
}

}  // namespace fluxtile
