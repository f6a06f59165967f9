// SPDX-License-Identifier: Apache-2.0
// Values out of NetCDF files.
#include <netcdf.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "geo/netcdf_file.h"
#include "geo/netcdf_source.h"

namespace fluxtile {
namespace {

constexpr size_t kMostValues = size_t{1} << 28;  // 2 GiB of doubles in one call

/// One axis of a read: where it starts and how many steps it takes.
struct Span {
  size_t start = 0, count = 1;
};

/// Places of one variable in its file, and the hyperslab that is asked for, in file order.
struct Slab {
  int id = -1;
  nc_type type = NC_NAT;
  std::vector<size_t> start, count;
  size_t total = 1;
};

Slab make_slab(const NcFile& file, const NetcdfVariable& v, Span time, Span y, Span x) {
  Slab slab;
  check_netcdf(nc_inq_varid(file.ncid, v.name.c_str(), &slab.id), file.path, "find " + v.name);
  check_netcdf(nc_inq_vartype(file.ncid, slab.id, &slab.type), file.path, "read " + v.name);
  int rank = 0;
  check_netcdf(nc_inq_varndims(file.ncid, slab.id, &rank), file.path, "read " + v.name);
  std::vector<int> ids(static_cast<size_t>(rank));
  check_netcdf(nc_inq_vardimid(file.ncid, slab.id, ids.data()), file.path, "read " + v.name);
  bool same = ids.size() == v.sizes.size();
  for (size_t i = 0; i < ids.size() && same; ++i) {
    size_t size = 0;
    check_netcdf(nc_inq_dimlen(file.ncid, ids[i], &size), file.path, "read " + v.name);
    const auto at = static_cast<int>(i);
    const Span span = at == v.time_dimension ? time
                      : at == v.y_dimension  ? y
                      : at == v.x_dimension  ? x
                                             : Span{};
    // A record that has grown since the header was read still holds what is asked for.
    same = at == v.time_dimension ? size >= v.sizes[i] : size == v.sizes[i];
    if (span.start > size || span.count > size - span.start)
      throw Error(Code::data, "asked for cells or steps outside " + v.name)
          .file(file.path)
          .found("dimension " + v.dimensions[i] + ", " + std::to_string(span.start) + " + " +
                 std::to_string(span.count))
          .expected("at most " + std::to_string(size));
    if (span.count > 0 && slab.total > kMostValues / span.count)
      throw Error(Code::data, "too much asked for in one read of " + v.name).file(file.path);
    slab.total *= span.count;
    slab.start.push_back(span.start);
    slab.count.push_back(span.count);
  }
  if (!same) throw Error(Code::io, "the file changed since its header was read").file(file.path);
  return slab;
}

/// Compressed chunks that a window touches should stay inflated: those of all steps asked for,
/// which the next tile reads again, or where that is too much those of one step, while the days go
/// by.
void keep_chunks(NcFile& file, const NetcdfVariable& v, const Slab& slab) {
  if (slab.count.empty()) return;
  int storage = NC_CONTIGUOUS;
  std::vector<size_t> chunk(slab.count.size(), 1);
  if (nc_inq_var_chunking(file.ncid, slab.id, &storage, chunk.data()) != NC_NOERR ||
      storage != NC_CHUNKED)
    return;
  size_t bytes = 0;
  if (nc_inq_type(file.ncid, slab.type, nullptr, &bytes) != NC_NOERR) return;
  size_t times = 1;
  for (size_t i = 0; i < chunk.size(); ++i) {
    const size_t edge = std::max<size_t>(chunk[i], 1);
    const size_t first = slab.start[i] / edge, last = (slab.start[i] + slab.count[i] - 1) / edge;
    const bool time = static_cast<int>(i) == v.time_dimension;
    if (time) times = last - first + 1;
    const size_t chunks = time ? 1 : last - first + 1;
    if (bytes > (size_t{1} << 40) / edge / chunks) return;  // no cache is that large
    bytes *= edge * chunks;
  }
  grow_chunk_cache(file, slab.id, bytes + bytes / 8, times);
}

double modulus(nc_type type) {
  return type == NC_BYTE ? 256.0 : type == NC_SHORT ? 65536.0 : 4294967296.0;
}

/// Masks stored numbers, then unpacks them, in place.
void unpack(const NetcdfVariable& v, nc_type type, std::vector<double>& values) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  const double low = v.valid_min.value_or(-std::numeric_limits<double>::infinity());
  const double high = v.valid_max.value_or(std::numeric_limits<double>::infinity());
  const bool packed = v.scale != 1 || v.offset != 0;
  const double wrap = v.unsigned_stored ? modulus(type) : 0;
  for (double& value : values) {
    if (wrap > 0 && value < 0) value += wrap;
    bool valid = std::isfinite(value) && value >= low && value <= high;
    for (const double fill : v.fill_values) valid = valid && value != fill;
    if (!valid)
      value = nothing;
    else if (packed)
      value = value * v.scale + v.offset;
  }
}

/// From the file's order of dimensions to [step][row][column].
std::vector<double> reorder(const NetcdfVariable& v, const Slab& slab, std::vector<double> values) {
  const auto extent = [&](int dimension) {
    return dimension < 0 ? size_t{1} : slab.count[static_cast<size_t>(dimension)];
  };
  std::vector<size_t> stride(slab.count.size(), 1);
  for (size_t i = slab.count.size(); i-- > 1;) stride[i - 1] = stride[i] * slab.count[i];
  const auto step = [&](int dimension) {
    return dimension < 0 ? size_t{0} : stride[static_cast<size_t>(dimension)];
  };
  const size_t steps = extent(v.time_dimension), rows = extent(v.y_dimension),
               columns = extent(v.x_dimension);
  const size_t st = step(v.time_dimension), sy = step(v.y_dimension), sx = step(v.x_dimension);
  const bool in_order =
      sx == 1 && (rows == 1 || sy == columns) && (steps == 1 || st == rows * columns);
  if (in_order) return values;
  std::vector<double> out(values.size());
  size_t at = 0;
  for (size_t t = 0; t < steps; ++t)
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < columns; ++c) out[at++] = values[t * st + r * sy + c * sx];
  return out;
}

}  // namespace

std::vector<double> read_netcdf_block(const NetcdfInfo& info, const NetcdfVariable& variable,
                                      size_t first, size_t count, const SourceWindow& window) {
  require_usable(info, variable);
  if (window.column < 0 || window.row < 0 || window.width < 0 || window.height < 0)
    throw Error(Code::internal, "a window with negative numbers").file(info.path);
  if (variable.time_dimension < 0 && (first != 0 || count > 1))
    throw Error(Code::data, variable.name + " has no time axis, so only its step 0 can be read")
        .file(info.path)
        .found("steps " + std::to_string(first) + " to " + std::to_string(first + count));
  if (window.empty() || count == 0) return {};
  const NetcdfLock lock;
  NcFile& file = open_netcdf(info.path);
  const Slab slab =
      make_slab(file, variable, {first, count},
                {static_cast<size_t>(window.row), static_cast<size_t>(window.height)},
                {static_cast<size_t>(window.column), static_cast<size_t>(window.width)});
  require_small_chunks(file, slab.id, variable.name);
  keep_chunks(file, variable, slab);
  std::vector<double> values(slab.total);
  errno = 0;
  check_netcdf(
      nc_get_vara_double(file.ncid, slab.id, slab.start.data(), slab.count.data(), values.data()),
      file.path, "read " + variable.name);
  unpack(variable, slab.type, values);
  return reorder(variable, slab, std::move(values));
}

}  // namespace fluxtile
