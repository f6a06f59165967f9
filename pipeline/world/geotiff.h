// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/world/placement.h"

namespace fluxtile::world {

struct GeoTiffOptions {
  std::optional<double> nodata, scale;
  std::string unit;
  std::vector<std::pair<std::string, std::string>> tags;
  std::map<int, std::array<uint8_t, 3>> colours;  ///< colour table of a byte raster
};

/// Writes one band, row-major from the upper left: tiled, DEFLATE, tag FLUXTILE_SYNTHETIC=YES;
/// atomic. Throws Error(cannot_create | io).
void write_geotiff(const std::string& path, const Placement& placement,
                   const std::vector<int16_t>& values, const GeoTiffOptions& options);
void write_geotiff(const std::string& path, const Placement& placement,
                   const std::vector<float>& values, const GeoTiffOptions& options);
void write_geotiff(const std::string& path, const Placement& placement,
                   const std::vector<uint8_t>& values, const GeoTiffOptions& options);

}  // namespace fluxtile::world
