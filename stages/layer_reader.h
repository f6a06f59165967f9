// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "geo/netcdf_source.h"
#include "geo/raster_source.h"
#include "stages/sources.h"

namespace fluxtile {

/// Reads windows of layers whichever library holds them; headers are read once and shared.
/// Thread-safe.
class LayerReader {
 public:
  /// Where the layer's cells lie.
  [[nodiscard]] const SourceGrid& grid(const LayerRef& layer, const Packing& packing);
  /// Physical values over a window, row-major, NaN = nodata. `later`: what else is still to be
  /// read on the layer's grid, as far as it is known.
  [[nodiscard]] std::vector<double> read(const LayerRef& layer, const Packing& packing,
                                         const SourceWindow& window,
                                         const LaterReads* later = nullptr);
  /// Stored codes of a classified raster, NaN = nodata.
  [[nodiscard]] std::vector<double> read_codes(const LayerRef& layer, const Packing& packing,
                                               const SourceWindow& window,
                                               const LaterReads* later = nullptr);

  std::shared_ptr<const RasterInfo> raster(const std::string& path, const Packing& packing);
  std::shared_ptr<const NetcdfInfo> netcdf(const std::string& path);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const RasterInfo>> rasters_;
  std::map<std::string, std::shared_ptr<const NetcdfInfo>> netcdfs_;
};

/// The variable of that name; throws Error(data) with the nearest names.
const NetcdfVariable& find_variable(const NetcdfInfo& info, const std::string& name);

}  // namespace fluxtile
