// SPDX-License-Identifier: Apache-2.0
#include <netcdf.h>

#include <algorithm>
#include <cerrno>
#include <netcdf>
#include <string>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "geo/grid_mapping.h"
#include "geo/library_descriptors.h"
#include "geo/netcdf_source.h"
#include "geo/product_writer.h"
#include "geo/unit_text.h"
#include "geo/write_failure.h"

namespace fluxtile {
namespace {

constexpr int64_t kChunkColumns = 256;
constexpr int kDeflateLevel = 4;

void put(const netCDF::NcVar& variable, const std::string& name, const std::string& text) {
  if (!text.empty()) variable.putAtt(name, text);
}

void put(const netCDF::NcVar& variable, const std::string& name, const GridMapping::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    put(variable, name, *text);
  } else if (const auto* one = std::get_if<double>(&value)) {
    variable.putAtt(name, netCDF::ncDouble, *one);
  } else {
    const auto& list = std::get<std::vector<double>>(value);
    variable.putAtt(name, netCDF::ncDouble, list.size(), list.data());
  }
}

}  // namespace

struct CfWriter::Impl {
  /// One (variable, step) plane.
  struct Plane {
    int64_t next_row = 0;        ///< rows received so far
    std::vector<float> pending;  ///< rows of the chunk row that is not complete yet
  };

  AtomicFile file;
  ProductGrid grid;
  std::vector<ProductVariable> variables;
  std::vector<ProductStep> steps;
  int id = -1;  ///< of the open file; NcFile would print when its destructor cannot close
  std::vector<int> descriptors;  ///< its own
  netCDF::NcGroup nc;            ///< its root
  std::vector<netCDF::NcVar> nc_variables;
  std::vector<Plane> planes;

  Impl(const std::string& path, const ProductGrid& grid_,
       const std::vector<ProductVariable>& variables_, const std::vector<ProductStep>& steps_,
       const Tags& attributes)
      : file(path),
        grid(grid_),
        variables(variables_),
        steps(steps_),
        planes(variables_.size() * steps_.size()) {
    if (grid.window.empty() || variables.empty() || steps.empty())
      throw Error(Code::internal, "a product needs cells, variables and steps").file(path);
    const GridMapping mapping = describe_grid_mapping(grid.lattice.crs);
    const NetcdfLock lock;
    try {
      guarded([&] {
        check(nc_create(file.temporary_path().c_str(), NC_NETCDF4 | NC_NOCLOBBER, &id));
        descriptors = descriptors_of(file.temporary_path());
        nc = netCDF::NcGroup(id);
        define(mapping, attributes);
      });
    } catch (...) {
      abandon();
      throw;
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    const NetcdfLock lock;
    abandon();
  }

  /// Runs NetCDF calls and turns their failure into an Error with the system's cause.
  template <typename Work>
  void guarded(Work&& work) {
    errno = 0;
    try {
      work();
    } catch (const netCDF::exceptions::NcException& failure) {
      const int system_error = errno;
      throw write_failure(file.path(),
                          "NetCDF error " + std::to_string(failure.errorCode()) + ": " +
                              nc_strerror(failure.errorCode()),
                          system_error);
    }
  }

  static void check(int status) { netCDF::ncCheck(status, __FILE__, __LINE__); }

  /// Closes a file that is thrown away.
  void abandon() noexcept {
    if (id < 0) return;
    divert_to_memory(descriptors);
    nc_close(std::exchange(id, -1));
  }

  void define(const GridMapping& mapping, const Tags& attributes) {
    nc.putAtt("Conventions", "CF-1.8");
    for (const auto& [key, value] : attributes)
      if (key != "Conventions" && !value.empty()) nc.putAtt(key, value);

    const auto height = static_cast<size_t>(grid.window.height);
    const auto width = static_cast<size_t>(grid.window.width);
    const netCDF::NcDim time = nc.addDim("time", steps.size());
    const netCDF::NcDim bounds = nc.addDim("bnds", 2);
    const netCDF::NcDim y = nc.addDim(mapping.geographic ? "lat" : "y", height);
    const netCDF::NcDim x = nc.addDim(mapping.geographic ? "lon" : "x", width);
    define_time(time, bounds);
    const netCDF::NcVar y_variable = define_axis(mapping, y, false);
    const netCDF::NcVar x_variable = define_axis(mapping, x, true);
    define_mapping(mapping);
    for (const ProductVariable& variable : variables)
      nc_variables.push_back(define_variable(variable, time, y, x));

    std::vector<double> centres(height);
    for (size_t i = 0; i < height; ++i)
      centres[i] = grid.lattice.centre({0, grid.window.row + static_cast<int64_t>(i)}).y;
    y_variable.putVar(centres.data());
    centres.resize(width);
    for (size_t i = 0; i < width; ++i)
      centres[i] = grid.lattice.centre({grid.window.column + static_cast<int64_t>(i), 0}).x;
    x_variable.putVar(centres.data());
    // Chunks come whole and once: a cache would only hold memory back (16 MB a variable) and defer
    // errors. The library takes this only now that the variables exist.
    for (const netCDF::NcVar& variable : nc_variables)
      check(nc_set_var_chunk_cache(nc.getId(), variable.getId(), 1, 1, 1.0F));
  }

  void define_time(const netCDF::NcDim& time, const netCDF::NcDim& bounds) {
    netCDF::NcVar middle = nc.addVar("time", netCDF::ncDouble, time);
    put(middle, "standard_name", std::string("time"));
    put(middle, "long_name", std::string("middle of the period"));
    put(middle, "axis", std::string("T"));
    put(middle, "units", std::string("days since 1970-01-01"));
    put(middle, "calendar", std::string("proleptic_gregorian"));
    put(middle, "bounds", std::string("time_bnds"));
    netCDF::NcVar edges =
        nc.addVar("time_bnds", netCDF::ncDouble, std::vector<netCDF::NcDim>{time, bounds});
    std::vector<double> middles, pairs;
    for (const ProductStep& step : steps) {
      const auto first = static_cast<double>(to_days(step.first));
      const auto end = static_cast<double>(to_days(step.end));
      middles.push_back((first + end) / 2);
      pairs.insert(pairs.end(), {first, end});
    }
    middle.putVar(middles.data());
    edges.putVar(pairs.data());
  }

  netCDF::NcVar define_axis(const GridMapping& mapping, const netCDF::NcDim& dimension,
                            bool along_x) {
    netCDF::NcVar axis = nc.addVar(dimension.getName(), netCDF::ncDouble, dimension);
    std::string standard_name, long_name, units = mapping.unit;
    if (mapping.geographic) {
      standard_name = long_name = along_x ? "longitude" : "latitude";
      units = along_x ? "degrees_east" : "degrees_north";
    } else {
      standard_name = along_x ? "projection_x_coordinate" : "projection_y_coordinate";
      long_name = along_x ? "x coordinate of projection" : "y coordinate of projection";
    }
    put(axis, "standard_name", standard_name);
    put(axis, "long_name", long_name);
    put(axis, "units", units);
    put(axis, "axis", std::string(along_x ? "X" : "Y"));
    return axis;
  }

  void define_mapping(const GridMapping& mapping) {
    const netCDF::NcVar crs = nc.addVar("crs", netCDF::ncInt, std::vector<netCDF::NcDim>{});
    put(crs, "grid_mapping_name", mapping.name);
    for (const auto& [key, value] : mapping.attributes) put(crs, key, value);
    put(crs, "crs_wkt", mapping.wkt2);
    put(crs, "spatial_ref", mapping.wkt1);
    std::string transform;
    for (const double value : grid.lattice.geotransform(grid.window))
      transform += (transform.empty() ? "" : " ") + exact_number(value);
    put(crs, "GeoTransform", transform);
    const int value = 0;
    crs.putVar(&value);
  }

  netCDF::NcVar define_variable(const ProductVariable& about, const netCDF::NcDim& time,
                                const netCDF::NcDim& y, const netCDF::NcDim& x) {
    netCDF::NcVar variable =
        nc.addVar(about.name, netCDF::ncFloat, std::vector<netCDF::NcDim>{time, y, x});
    std::vector<size_t> chunk{1, std::min(y.getSize(), static_cast<size_t>(chunk_rows)),
                              std::min(x.getSize(), static_cast<size_t>(kChunkColumns))};
    variable.setChunking(netCDF::NcVar::nc_CHUNKED, chunk);
    variable.setCompression(true, true, kDeflateLevel);
    variable.setFill(true, kNodata);
    put(variable, "long_name", about.long_name);
    put(variable, "standard_name", about.standard_name);
    put(variable, "units", about.netcdf_unit);
    put(variable, "grid_mapping", std::string("crs"));
    put(variable, "cell_methods", about.cell_methods);
    put(variable, "comment", about.comment);
    return variable;
  }

  void write(size_t variable, size_t step, int64_t row, int64_t rows, const float* values) {
    if (id < 0 || variable >= variables.size() || step >= steps.size())
      throw Error(Code::internal, "wrong variable or step of a strip").file(file.path());
    Plane& plane = planes[variable * steps.size() + step];
    if (row != plane.next_row || rows < 0 || row + rows > grid.window.height)
      throw Error(Code::internal, "strips of a plane must follow each other downward")
          .file(file.path())
          .expected("row " + std::to_string(plane.next_row))
          .found("row " + std::to_string(row));
    const NetcdfLock lock;
    const auto width = static_cast<size_t>(grid.window.width);
    while (rows > 0) {
      const int64_t begin = plane.next_row / chunk_rows * chunk_rows;
      const int64_t end = std::min(begin + chunk_rows, grid.window.height);
      const int64_t take = std::min(rows, end - plane.next_row);
      const size_t cells = static_cast<size_t>(take) * width;
      const bool whole = plane.next_row == begin && plane.next_row + take == end;
      if (!whole) {
        plane.pending.reserve(static_cast<size_t>(end - begin) * width);
        plane.pending.insert(plane.pending.end(), values, values + cells);
      }
      plane.next_row += take;
      if (plane.next_row == end) {
        const float* chunk_row = whole ? values : plane.pending.data();
        guarded([&] {
          nc_variables[variable].putVar({step, static_cast<size_t>(begin), 0},
                                        {1, static_cast<size_t>(end - begin), width}, chunk_row);
        });
        std::vector<float>().swap(plane.pending);
      }
      values += cells;
      rows -= take;
    }
  }

  void finish() {
    if (id < 0) throw Error(Code::internal, "finish() came twice").file(file.path());
    for (const Plane& plane : planes)
      if (plane.next_row != grid.window.height)
        throw Error(Code::internal, "a plane of the product lacks rows")
            .file(file.path())
            .found(std::to_string(plane.next_row))
            .expected(std::to_string(grid.window.height));
    {
      const NetcdfLock lock;
      // Everything to the disk first, and a descriptor closed: a file that fails here can still be
      // abandoned cleanly, while NetCDF 4.9 crashes when HDF5 cannot close it.
      guarded([&] { check(nc_sync(id)); });
      sync_file(file.temporary_path(), file.path());
      // A file whose closing failed must not be closed again: NetCDF has forgotten half of it.
      guarded([&] { check(nc_close(std::exchange(id, -1))); });
    }
    file.commit();
  }
};

CfWriter::CfWriter(const std::string& path, const ProductGrid& grid,
                   const std::vector<ProductVariable>& variables,
                   const std::vector<ProductStep>& steps, const Tags& attributes)
    : impl_(std::make_unique<Impl>(path, grid, variables, steps, attributes)) {}
CfWriter::~CfWriter() = default;
void CfWriter::write_strip(size_t variable, size_t step, int64_t row, int64_t rows,
                           const float* values) {
  impl_->write(variable, step, row, rows, values);
}
void CfWriter::finish() { impl_->finish(); }

}  // namespace fluxtile
