// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geo/resample.h"

namespace fluxtile {

/// How stored numbers become physical ones. `scale`, `offset`, `nodata` of the configuration
/// replace (do not multiply) the file's.
struct Packing {
  std::optional<double> scale, offset, nodata;
  std::vector<double>
      fill_values;  ///< further stored values that mean nodata (e.g. MODIS 32761..32767)
};

/// What GDAL tells of one band, after `Packing` was applied.
struct BandInfo {
  int band = 1;
  std::string description, unit, type;
  bool own_mask = false;  ///< the file holds a mask that tells absent cells
  double scale = 1, offset = 0;
  std::optional<double> nodata;
  std::vector<double> fill_values;             ///< further stored values that mean nodata
  std::optional<double> valid_min, valid_max;  ///< stored numbers; from `valid_range` metadata
  std::map<std::string, std::string> metadata;
};

struct RasterInfo {
  std::string path;  ///< as opened; may be a GDAL subdataset or /vsizip path
  std::string driver;
  SourceGrid grid;
  std::vector<BandInfo> bands;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> subdatasets;
  int block_width = 0, block_height = 0;
};

/// Registers the GDAL drivers fluxtile uses (netCDF/HDF5 drivers stay out of GDAL: they share no
/// lock with ours). Call once in main() before threads start. `cache_bytes` counts into the memory
/// promise: a quarter becomes GDAL_CACHEMAX, the rest keeps decoded blocks for all threads.
void initialise_gdal(size_t cache_bytes, bool allow_remote = false);

/// Opens a raster, reads its header, closes it. Throws Error(data) with the file and the cause.
RasterInfo read_raster_info(const std::string& path, const Packing& packing = {});

/// Full name, for opening, of the subdataset of a container (HDF4) that is called `name`: by its
/// last part ("1 km 16 days NDVI") or its full name. Throws Error(data) with the nearest names.
std::string subdataset_path(const std::string& path, const std::string& name);

/// Windows of a raster that are still to be read, of its own grid: what a decoded block keeps, and
/// for how long. Foresight alone: values never depend on it.
struct LaterReads {
  struct Read {
    int64_t when = 0;  ///< greater is later
    SourceWindow window;
  };
  std::vector<Read> reads;  ///< soonest first
  int64_t earliest = 0;     ///< nothing is read any more that was to be read before this
};

/// Reads one window of one band as doubles: nodata, cells masked by the file's own mask, values
/// outside valid_range and non-finite values become NaN, then scale and offset are applied.
/// `window` must lie inside the raster. Row-major. Thread-safe: every thread keeps its own small
/// cache of open datasets (never shared). `later` null: it is not known what comes. Throws
/// Error(data | io) on unreadable data.
std::vector<double> read_window(const RasterInfo& info, int band, const SourceWindow& window,
                                const LaterReads* later = nullptr);

/// As read_window but without scale and offset: stored codes of a classified raster.
std::vector<double> read_codes(const RasterInfo& info, int band, const SourceWindow& window,
                               const LaterReads* later = nullptr);

/// Closes the calling thread's cached datasets, those of other threads before they read again, and
/// forgets the decoded blocks of all (before inputs are replaced, and in tests).
void close_thread_datasets();

/// Lowers what is kept of decoded blocks to `bytes`, for a run that needs no more.
void limit_source_blocks(size_t bytes);

/// Blocks of GeoTIFFs that were decoded by this process.
uint64_t decoded_source_blocks();

}  // namespace fluxtile
