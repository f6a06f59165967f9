// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "geo/calendar.h"
#include "geo/crs.h"
#include "geo/lattice.h"

namespace fluxtile {

constexpr float kNodata = -9999.0F;
constexpr uint16_t kQualityNodata = 65535;

/// One time step of a product.
struct ProductStep {
  Date first;               ///< first day
  Date end;                 ///< day after the last one
  std::string description;  ///< band description: "2018", "2018-07", "2018 (to 2018-08-31)"
};

/// One variable of a product.
struct ProductVariable {
  std::string name;           ///< "reco"; also the NetCDF variable
  std::string long_name;      ///< "ecosystem respiration, carbon"
  std::string standard_name;  ///< CF, empty if none
  std::string geotiff_unit;   ///< "gC m-2 d-1" or "gC m-2"
  std::string netcdf_unit;    ///< UDUNITS: "g m-2 d-1"
  std::string cell_methods;   ///< "time: sum" | "time: mean"
  std::string comment;        ///< sign convention
};

/// What a raster product is, apart from its values. Values arrive in strips of whole rows.
struct ProductGrid {
  Lattice lattice;
  CellWindow window;  ///< tight window of the region
};

/// Tags of the default domain; must not hold times, hosts, paths, threads or tiles.
using Tags = std::vector<std::pair<std::string, std::string>>;

/// Writes one GeoTIFF of up to 12 bands as COG. Strips go to a temporary tiled GeoTIFF beside the
/// target; finish() makes the COG (DEFLATE, predictor 3 for float and 2 for integers, 256x256
/// blocks, overviews average / nearest) with band descriptions, unit, nodata and statistics set,
/// and commits it atomically. Bytes depend on values and metadata alone, not on `threads` (which
/// compress the COG) or on how strips are cut. One thread at a time.
class CogWriter {
 public:
  enum class Type { float32, uint16 };
  CogWriter(const std::string& path, const ProductGrid& grid, const std::vector<ProductStep>& bands,
            const std::string& unit, Type type, const Tags& tags, int threads = 1);
  ~CogWriter();  ///< without finish(): nothing remains
  /// Rows [row, row + rows) relative to the window's first row, row-major, nodata already set
  /// (kNodata / kQualityNodata). `band` counts from 1. The rows of a band must follow each other
  /// from the first to the last; bands may take turns (32 rows of each unfinished band are held).
  void write_strip(int band, int64_t row, int64_t rows, const float* values);
  void write_strip(int band, int64_t row, int64_t rows, const uint16_t* values);
  /// Statistics are formed over all cells in row order in float64. Throws Error(io | interrupted).
  void finish();
  /// Values that occurred so far in a uint16 product, ascending; for write_quality_qml().
  [[nodiscard]] std::vector<uint16_t> codes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes one CF-1.8 NetCDF-4 file (time middle + time_bnds, x, y descending, grid mapping with CF
/// parameters, crs_wkt, spatial_ref and GeoTransform), variables (time, y, x) float32, shuffle +
/// deflate, chunk (1, chunk_rows, min(width, 256)). On a geographic grid the axes are lat and lon.
///
/// Order: the rows of one (variable, step) plane must follow each other from the first to the last.
/// A chunk row is written once its last row has come (until then it is held), so the bytes depend
/// on the order in which chunk rows get complete. Two loops are the same for every way to cut
/// strips: plane after plane (variable, step, strips of any height), or strips of exactly
/// chunk_rows rows in the outer loop and (variable, step) inside. Takes the NetCDF lock inside each
/// call.
class CfWriter {
 public:
  /// `attributes`: global ones (title, comment, FLUXTILE_RESULT, ...); Conventions is added.
  CfWriter(const std::string& path, const ProductGrid& grid,
           const std::vector<ProductVariable>& variables, const std::vector<ProductStep>& steps,
           const Tags& attributes);
  ~CfWriter();
  static constexpr int64_t chunk_rows = 128;
  void write_strip(size_t variable, size_t step, int64_t row, int64_t rows, const float* values);
  void finish();  ///< closes, fsyncs, renames

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A QGIS style (.qml) for a single-band pseudo-colour view of band 1. Atomic.
/// `diverging`: NEE-like, centred on 0 (blue = uptake, red = release).
void write_qml(const std::string& path, const std::string& title, double low, double high,
               bool diverging);
/// Style for the quality layer: one entry a bit, plus one for every combination of bits among
/// `codes` (CogWriter::codes), since QGIS draws nothing where a value has no entry.
void write_quality_qml(const std::string& path, const std::vector<uint16_t>& codes = {});

/// A map picture for people: pseudo-colour raster, region outline, legend with unit and ticks,
/// title. Values of one band, row-major over the window, kNodata transparent; large rasters are
/// averaged down to at most `max_side` pixels.
struct Quicklook {
  std::string title, subtitle, unit;
  double low = 0, high = 1;
  bool diverging = false;
  std::vector<std::vector<Point>> outlines;  ///< lattice coordinates
};
/// Incremental so that memory does not grow with the region: strips in, PNG out (atomic).
class QuicklookWriter {
 public:
  QuicklookWriter(const ProductGrid& grid, int max_side = 900);
  ~QuicklookWriter();
  void add_strip(int64_t row, int64_t rows, const float* values);
  /// 2nd and 98th percentile of the reduced picture, for a legend range; (0, 1) if empty.
  [[nodiscard]] std::pair<double, double> range() const;
  void finish(const std::string& path, const Quicklook& look);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Ellipsoidal area of every cell of one row of the window, m2. Cells of a geographic grid are
/// bounded by parallels (closed form); others by the images of their edges in the authalic plane,
/// long edges cut, within 1e-8 of the true area. A cell that the projection does not reach has
/// area 0. Any thread.
class CellAreas {
 public:
  CellAreas(const Lattice& lattice, const CellWindow& window);
  ~CellAreas();
  /// Row relative to the window; width() values. Cells of an equal-area CRS are computed like any
  /// other.
  [[nodiscard]] std::vector<double> row(int64_t row) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxtile
