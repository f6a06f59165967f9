// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace fluxtile::end_to_end {

/// A raster as GDAL sees it.
struct Raster {
  int columns = 0, rows = 0;
  std::array<double, 6> transform{};
  std::string wkt;
  std::vector<std::string> descriptions, units;
  std::vector<double> nodata;
  /// One entry a band, row by row from the top; NaN where the file has nodata.
  std::vector<std::vector<double>> bands;
  std::vector<int> overviews;
  std::vector<bool> statistics;  ///< whether STATISTICS_MEAN is set
  [[nodiscard]] std::string tag(const std::string& name) const;
  std::vector<std::pair<std::string, std::string>> tags;
};

/// Any raster that GDAL opens, e.g. `NETCDF:file.nc:nee`. Throws std::runtime_error.
Raster read_raster(const std::string& name);

bool same_crs(const std::string& wkt, const std::string& other);

/// All numbers of a variable as the file holds them (no scaling, no nodata rule).
std::vector<double> netcdf_numbers(const std::filesystem::path& file, const std::string& variable);
std::string netcdf_attribute(const std::filesystem::path& file, const std::string& variable,
                             const std::string& attribute);
size_t netcdf_length(const std::filesystem::path& file, const std::string& dimension);

}  // namespace fluxtile::end_to_end
