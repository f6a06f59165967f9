// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fluxtile::testing {

/// A folder that is gone when the test is.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fluxtile-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

 private:
  std::string path_;
};

/// A configuration with every common key. Line numbers count from 1 at `fluxtile:`.
inline const std::string good_config = R"(fluxtile: 1
name: iowa-2018
region:
  boundaries: data/states.geojson
  crs: EPSG:4269
  key: STUSPS
  select: [IA, "010"]
grid:
  crs: EPSG:5070
  resolution: 250
  origin: [0, 15]
  tile: 128
period: {start: 2018-01-01, end: 2018-12-31, spinup: 2}
inputs:
  gpp:
    files: data/gpp/*.tif
    time: {pattern: "gpp_%Y%j"}
    interval: 8d
    fill: linear
    unit: gC m-2 d-1
    scale: 0.01
    offset: 1.5
    nodata: -9999
    resample: area
    max_gap: 40d
    negative: keep
    dormant: zero
  climate:
    files: data/climate/*.nc
    recipe: gridmet
    resample: nearest
    max_gap: 3d
  soil:
    TBKDS: {file: data/soil/bulk_density.tif, unit: Mg m-3}
    TSAND: {file: /soil/sand.tif, scale: 10, resample: cubic}
  crop: {file: data/crop_2018.tif, map: {1: 1, 005: 5}, mode: majority, min_share: 0.4, missing_year: rotation}
models:
  directory: models
  default: global
  regions: {IA: iowa, NO: [norway, sweden]}
  year: as-is
  blend: 5 km
outputs:
  directory: out
  products:
    - {variables: [ra, rh, reco, nee], period: annual, statistic: sum, format: [geotiff, netcdf]}
    - {variables: [nee], period: monthly, statistic: mean, format: netcdf}
    - variables: nee
      period: daily
      format: netcdf
run: {engine: fused, device: "cuda:1", precision: tf32, threads: 3, memory: 2GB, max_failed_tiles: 5, allow_remote: true}
)";

/// `text` with the one place that reads `from` changed to `to`.
inline std::string changed(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos)
    throw std::logic_error("the text to change must occur once: " + from);
  return text.replace(at, from.size(), to);
}

}  // namespace fluxtile::testing
