// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "geo/calendar.h"
#include "geo/raster_source.h"
#include "geo/region.h"
#include "geo/resample.h"
#include "geo/time_axis.h"

namespace fluxtile {

/// Where a key stands in the configuration file, for messages that come later than reading it
/// (plan, stages).
struct KeyLines {
  std::string file;
  std::map<std::string, int> line;  ///< dotted key -> 1-based line; keys set by --set have none
  /// Adds file, key and line to an error.
  [[nodiscard]] Error locate(Error error, const std::string& key) const;
};

/// Options every raster input has: they replace what the file says.
struct RasterOptions {
  Packing packing;       ///< scale, offset, nodata, fill_values
  std::string unit;      ///< empty: the file's
  std::string crs;       ///< only where the file declares none
  int band = 0;          ///< 0: by band metadata, or 1
  std::string variable;  ///< NetCDF variable or HDF subdataset, by name
  std::string calendar;  ///< "map" allows 360_day
  std::string source;    ///< name of the product, for people and for comparison with a package's
};

struct GppConfig : RasterOptions {
  std::vector<std::string> files;  ///< absolute; globs not yet expanded
  std::string time_pattern;        ///< empty: from a CF axis or band metadata
  Interval interval = Interval::days8;
  bool linear = false;  ///< fill: step | linear
  Resampling resample = Resampling::bilinear;
  int max_gap = 32;           ///< days
  bool negative_zero = true;  ///< negative: zero | keep
  bool dormant_zero = false;  ///< dormant: none | zero
};

/// How one model input is formed from source variables of a climate source.
struct ClimateTerm {
  enum class Kind { variable, difference, vapour_pressure_max, vapour_pressure_difference };
  Kind kind = Kind::variable;
  std::vector<std::string> sources;  ///< names in ClimateConfig::variables
  std::string unit;                  ///< target unit; the source's own is converted
};

/// One source variable of the climate files.
struct ClimateVariable {
  std::string variable;  ///< name inside the file; several files may use it for different things
  std::vector<std::string>
      match;  ///< words that must occur in file name, long_name or standard_name to tell them apart
  std::vector<std::string> files;  ///< replaces climate.files when not empty
  std::string unit;                ///< what the file holds if it does not say (or says wrongly)
};

struct ClimateConfig : RasterOptions {
  std::vector<std::string> files;
  std::string recipe;                                ///< name, or "in place"
  std::map<std::string, ClimateTerm> terms;          ///< by model input name (RADN, TMAX_AIR, ...)
  std::map<std::string, ClimateVariable> variables;  ///< by the recipe's own short name (tmmx, ...)
  Resampling resample = Resampling::bilinear;
  std::optional<int> max_gap;  ///< days that may be missing and are then interpolated
};

struct StaticConfig : RasterOptions {
  std::string file;
  Resampling resample = Resampling::bilinear;
};

struct CropConfig : RasterOptions {
  enum class Mode { majority, fraction, nearest };
  enum class Missing { error, previous, rotation };
  std::vector<std::string> files;  ///< one without a pattern, or a map a year
  std::string time_pattern;
  std::map<int, int> codes;  ///< raster code -> Crop_Type
  Mode mode = Mode::nearest;
  double min_share = 0.5;
  bool min_share_given = false;
  Missing missing_year = Missing::error;
};

struct ModelsConfig {
  std::string directory;     ///< absolute
  std::string default_name;  ///< empty: every region must be named
  std::map<std::string, std::vector<std::string>>
      regions;                 ///< region -> packages (an ensemble if several)
  std::string year = "clamp";  ///< clamp | as-is | a number
  double blend_km = 0;
};

enum class Period { daily, monthly, annual };
enum class Statistic { sum, mean };
const char* to_string(Period period) noexcept;
const char* to_string(Statistic statistic) noexcept;

struct ProductConfig {
  std::vector<std::string> variables;
  Period period = Period::annual;
  Statistic statistic = Statistic::sum;
  bool geotiff = false, netcdf = false;
};

struct RunConfig {
  std::string engine = "auto", device = "auto", precision = "fp32";
  int threads = 0;               ///< 0: auto
  uint64_t memory = 4ULL << 30;  ///< bytes
  int max_failed_tiles = 0;
  bool allow_remote = false;
  std::string metrics;  ///< absolute path of the metrics file; empty: none
};

/// A checked configuration: types, ranges, enumerations, required keys. Paths are absolute.
struct Config {
  std::string path, base_directory, name;
  KeyLines lines;
  RegionSource region;
  std::vector<std::string> select;
  Lattice lattice;
  int64_t tile = 256;
  Date start, end;
  bool end_latest = false;
  int spinup = 0;
  GppConfig gpp;
  ClimateConfig climate;
  std::map<std::string, StaticConfig> soil;
  CropConfig crop;
  ModelsConfig models;
  std::string output_directory;
  std::vector<ProductConfig> products;
  std::string zones_file, zones_key;  ///< optional second vector for summary.csv
  int keep_states = 2;                ///< state.keep
  int keep_within_year = 7;           ///< state.within_year
  RunConfig run;
  std::string canonical;  ///< the merged configuration as canonical text, for digests
};

/// Reads and checks a run configuration. `overrides`: key.path=value pairs of --set, applied before
/// checking. `recipe_directories`: where named recipes are looked for. Throws Error(data) with
/// file, key, line, found, expected, hint.
Config read_config(const std::string& path, const std::vector<std::string>& overrides,
                   const std::vector<std::string>& recipe_directories);

/// "2GB", "512MiB", "4 GB" -> bytes (GB = 1e9, GiB = 2^30). Throws Error(data).
uint64_t parse_size(const std::string& text);

/// GDAL's block cache under a memory promise: a sixteenth, at most 64 MiB (COGs of wide regions
/// take several times as much on top).
size_t gdal_cache_bytes(uint64_t memory);

/// Where installed data (configs/recipes) lie: $FLUXTILE_DATA, beside the executable, or the
/// install prefix.
std::vector<std::string> recipe_directories();

}  // namespace fluxtile
