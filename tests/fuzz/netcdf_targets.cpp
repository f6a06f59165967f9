// SPDX-License-Identifier: Apache-2.0
// NetCDF: header, axes and a few values of every variable.
#include <netcdf.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "geo/netcdf_source.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"

namespace fluxtile::fuzz {
namespace {

void ok(int status) {
  if (status != NC_NOERR) throw std::runtime_error(nc_strerror(status));
}

/// A small climate file in one of the formats.
std::string drawn(int mode, bool packed) {
  const ScratchFolder folder;
  const std::string path = folder.path("seed.nc");
  {
    const NetcdfLock lock;
    int id = -1, day = -1, lat = -1, lon = -1, variable = -1;
    ok(nc_create(path.c_str(), mode | NC_CLOBBER, &id));
    ok(nc_def_dim(id, "day", NC_UNLIMITED, &day));
    ok(nc_def_dim(id, "lat", 3, &lat));
    ok(nc_def_dim(id, "lon", 4, &lon));
    const auto axis = [&](const char* name, int dimension, const char* unit) {
      ok(nc_def_var(id, name, NC_DOUBLE, 1, &dimension, &variable));
      ok(nc_put_att_text(id, variable, "units", std::string(unit).size(), unit));
      return variable;
    };
    const int t = axis("day", day, "days since 2018-01-01");
    const int y = axis("lat", lat, "degrees_north");
    const int x = axis("lon", lon, "degrees_east");
    const int dimensions[] = {day, lat, lon};
    ok(nc_def_var(id, "tmmx", packed ? NC_SHORT : NC_FLOAT, 3, dimensions, &variable));
    ok(nc_put_att_text(id, variable, "units", 1, "K"));
    const double scale = 0.1, offset = 270, range[] = {0, 1000};
    const short fill = -999;
    if (packed) {
      ok(nc_put_att_double(id, variable, "scale_factor", NC_DOUBLE, 1, &scale));
      ok(nc_put_att_double(id, variable, "add_offset", NC_DOUBLE, 1, &offset));
      ok(nc_put_att_short(id, variable, "_FillValue", NC_SHORT, 1, &fill));
      ok(nc_put_att_double(id, variable, "valid_range", NC_SHORT, 2, range));
    }
    ok(nc_put_att_text(id, NC_GLOBAL, "Conventions", 6, "CF-1.6"));
    ok(nc_enddef(id));
    const double days[] = {0, 1}, lats[] = {42, 41, 40}, lons[] = {-93, -92, -91, -90};
    const size_t start[] = {0, 0, 0}, two[] = {2, 3, 4};
    ok(nc_put_vara_double(id, t, start, two, days));
    ok(nc_put_var_double(id, y, lats));
    ok(nc_put_var_double(id, x, lons));
    const std::vector<double> values(24, 20);
    ok(nc_put_vara_double(id, variable, start, two, values.data()));
    ok(nc_close(id));
  }
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void netcdf(std::string_view bytes) {
  const MemoryFile file(bytes);
  expect_handled([&] {
    const NetcdfInfo info = read_netcdf_info(file.path());
    size_t read = 0;
    for (const NetcdfVariable& variable : info.variables) {
      if (++read > 3) break;
      expect_handled([&] {
        const size_t steps = std::min<size_t>(2, std::max<size_t>(1, variable.times.size()));
        (void)read_netcdf_block(info, variable, 0, variable.time_dimension < 0 ? 1 : steps,
                                {0, 0, std::min<int64_t>(variable.grid.width, 8),
                                 std::min<int64_t>(variable.grid.height, 8)});
      });
    }
  });
  close_netcdf_files();
}

std::vector<std::string> netcdf_seeds() {
  return {drawn(0, true), drawn(NC_64BIT_OFFSET, false), drawn(NC_64BIT_DATA, true),
          drawn(NC_NETCDF4, true), drawn(NC_NETCDF4 | NC_CLASSIC_MODEL, false)};
}

}  // namespace fluxtile::fuzz
