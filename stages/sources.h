// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "geo/crs.h"
#include "geo/lattice.h"
#include "geo/raster_source.h"
#include "geo/resample.h"
#include "geo/unit.h"

namespace fluxtile {

/// What the plan found in the inputs' headers, resolved so far that a stage only has to read
/// values. Plain data: written into the plan file and read back by shards.

/// One two-dimensional layer of numbers: a band of a GDAL raster or a time step of a NetCDF
/// variable.
struct LayerRef {
  std::string path;
  int band = 1;          ///< GDAL band, 1-based; unused for NetCDF
  std::string variable;  ///< NetCDF variable; empty: a GDAL raster
  int64_t step = 0;      ///< NetCDF time step
};

/// A composite and the days it stands for, [first, end) in days since 1970-01-01.
struct CompositeRef {
  LayerRef layer;
  int64_t first = 0, end = 0;
  size_t operation = 0;  ///< index into Sources::operations: grid CRS -> the layer's CRS
};

struct GppSource {
  std::vector<CompositeRef> composites;  ///< by first day
  Packing packing;
  bool linear = false;
  Resampling resample = Resampling::bilinear;
  int max_gap = 32;
  bool negative_zero = true, dormant_zero = false;
  UnitConversion conversion;  ///< file's unit -> gC m-2 (d-1)
  bool interval_sum = false;  ///< values are sums over the composite's own days
  std::string unit;           ///< as converted from, for `pixel` and provenance
};

/// Days of one climate file: step `step + k` is day `first + k` for k < count (days since
/// 1970-01-01).
struct ClimateRun {
  std::string path, variable;
  int64_t first = 0, count = 0, step = 0;
};

struct ClimateSourceVariable {
  std::string name;              ///< the recipe's short name
  std::vector<ClimateRun> runs;  ///< by first day; later files win where they overlap
};

/// One model input formed from climate variables.
struct ClimateTermSource {
  enum class Kind { variable, difference, vapour_pressure_max, vapour_pressure_difference };
  std::string input;  ///< RADN, TMAX_AIR, ...
  Kind kind = Kind::variable;
  std::vector<size_t> sources;              ///< indices into ClimateSource::variables
  std::vector<UnitConversion> conversions;  ///< of each source, before the term is formed
  UnitConversion result;                    ///< of the term, into the package's unit
};

struct ClimateSource {
  std::vector<ClimateSourceVariable> variables;
  std::vector<ClimateTermSource> terms;
  Packing packing;
  Resampling resample = Resampling::bilinear;
  size_t operation = 0;
  int max_gap = 0;                    ///< missing days that are interpolated
  std::vector<int64_t> bridged_days;  ///< days no file has, formed from their neighbours (29
                                      ///< February of noleap, ...)
};

struct StaticSource {
  std::string input;  ///< model input it feeds
  LayerRef layer;
  Packing packing;
  Resampling resample = Resampling::bilinear;
  UnitConversion conversion;
  size_t operation = 0;
};

struct CropYear {
  int year = 0;
  LayerRef layer;
  bool substituted = false;  ///< the map of another year stands in (missing_year)
  size_t operation = 0;
};

struct CropSource {
  enum class Mode { majority, fraction, nearest };
  std::vector<CropYear> years;  ///< one a calendar year of the run
  Packing packing;
  std::vector<std::pair<int, int>> codes;  ///< raster code -> Crop_Type, ascending
  Mode mode = Mode::nearest;
  double min_share = 0;
};

struct Sources {
  std::vector<Operation> operations;  ///< grid CRS -> source CRS, one a source CRS
  GppSource gpp;
  ClimateSource climate;
  std::vector<StaticSource> statics;
  CropSource crop;
};

/// One calendar year that a tile steps through.
struct YearStep {
  int year = 0;
  bool spinup = false;   ///< makes a state but no result
  int days = 365;        ///< to run from 1 January
  bool complete = true;  ///< days is the whole year
};

/// The result of one region's model: package x crop code (fraction mode) x ensemble index.
struct Member {
  std::string package;  ///< directory name
  size_t engine = 0;    ///< index into the run's list of engines
  int crop_type = -1;   ///< Crop_Type that this member stands for; -1: the cell's own
  double weight = 1;    ///< 1 / size of the ensemble
};

}  // namespace fluxtile
