// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/gridmet_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <netcdf>

#include "base/atomic_file.h"
#include "base/error.h"
#include "geo/netcdf_source.h"

namespace fluxtile::world {
namespace {

constexpr double kWest = -124.7666666333333, kNorth = 49.4, kCell = 1.0 / 24;
constexpr int64_t kEpoch = 25567;  // days from 1900-01-01 to 1970-01-01
constexpr uint16_t kFill = 32767;
constexpr size_t kDaysPerChunk = 61;

struct Layout {
  const char *name, *unit, *description;
  double scale, offset;
};
constexpr std::array<Layout, 7> kLayouts = {{
    {"air_temperature", "K", "Daily Maximum Temperature", 0.1, 220},
    {"air_temperature", "K", "Daily Minimum Temperature", 0.1, 210},
    {"surface_downwelling_shortwave_flux_in_air", "W m-2",
     "Daily Mean downward shortwave radiation at surface", 0.1, 0},
    {"relative_humidity", "%", "Daily Maximum Relative Humidity", 0.1, 0},
    {"relative_humidity", "%", "Daily Minimum Relative Humidity", 0.1, 0},
    {"wind_speed", "m/s", "Daily Mean Wind Speed", 0.1, 0},
    {"precipitation_amount", "mm", "Daily Accumulated Precipitation", 0.1, 0},
}};

constexpr const char* kWgs84 =
    "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,"
    "AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0,"
    "AUTHORITY[\"EPSG\",\"8901\"]],UNIT[\"degree\",0.0174532925199433,"
    "AUTHORITY[\"EPSG\",\"9122\"]],AUTHORITY[\"EPSG\",\"4326\"]]";

void add_axis(netCDF::NcFile& file, const netCDF::NcDim& dimension, const char* standard_name,
              const char* units, const char* axis, const std::vector<double>& values) {
  netCDF::NcVar variable = file.addVar(dimension.getName(), netCDF::ncDouble, dimension);
  variable.putAtt("units", units);
  variable.putAtt("long_name", standard_name);
  variable.putAtt("standard_name", standard_name);
  variable.putAtt("axis", axis);
  variable.putVar(values.data());
}

void add_crs(netCDF::NcFile& file, const GridmetLattice& lattice) {
  netCDF::NcVar crs = file.addVar("crs", netCDF::ncUshort, file.addDim("crs", 1));
  crs.putAtt("grid_mapping_name", "latitude_longitude");
  crs.putAtt("longitude_of_prime_meridian", netCDF::ncDouble, 0.0);
  crs.putAtt("semi_major_axis", netCDF::ncDouble, 6378137.0);
  crs.putAtt("long_name", "WGS 84");
  crs.putAtt("inverse_flattening", netCDF::ncDouble, 298.257223563);
  crs.putAtt("GeoTransform",
             fmt::format("{:.13f} {:.15f} 0  {:.15f} {:.15f}", lattice.longitude.front(),
                         lattice.cell, lattice.latitude.front(), -lattice.cell));
  crs.putAtt("spatial_ref", kWgs84);
}

std::vector<uint16_t> pack(const std::vector<double>& values, const Layout& layout) {
  std::vector<uint16_t> packed(values.size());
  std::transform(values.begin(), values.end(), packed.begin(), [&layout](double value) {
    const double stored = std::round((value - layout.offset) / layout.scale);
    return static_cast<uint16_t>(std::clamp(stored, 0.0, 32766.0));
  });
  return packed;
}

void write(const std::string& path, size_t index, const GridmetLattice& lattice, int64_t first_day,
           size_t days, const std::vector<double>& values) {
  const Layout& layout = kLayouts[index];
  const char* short_name = kGridmetFiles[index];
  netCDF::NcFile file(path, netCDF::NcFile::replace, netCDF::NcFile::nc4);
  file.putAtt("Conventions", "CF-1.6");
  file.putAtt("title", "Synthetic weather in the layout of gridMET; not observations");
  file.putAtt("fluxtile_synthetic", "yes");
  file.putAtt("coordinate_system", "EPSG:4326");

  const netCDF::NcDim lon = file.addDim("lon", lattice.longitude.size());
  const netCDF::NcDim lat = file.addDim("lat", lattice.latitude.size());
  const netCDF::NcDim day = file.addDim("day", days);
  add_axis(file, lon, "longitude", "degrees_east", "X", lattice.longitude);
  add_axis(file, lat, "latitude", "degrees_north", "Y", lattice.latitude);
  netCDF::NcVar time = file.addVar("day", netCDF::ncDouble, day);
  time.putAtt("description", "days since 1900-01-01");
  time.putAtt("long_name", "time");
  time.putAtt("standard_name", "time");
  time.putAtt("units", "days since 1900-01-01 00:00:00");
  time.putAtt("calendar", "gregorian");
  std::vector<double> numbers(days);
  for (size_t i = 0; i < days; ++i)
    numbers[i] = static_cast<double>(first_day + kEpoch + static_cast<int64_t>(i));
  time.putVar(numbers.data());
  add_crs(file, lattice);

  netCDF::NcVar variable =
      file.addVar(layout.name, netCDF::ncUshort, std::vector<netCDF::NcDim>{day, lat, lon});
  variable.setFill(true, kFill);
  std::vector<size_t> chunks = {std::min(days, kDaysPerChunk), lattice.latitude.size(),
                                lattice.longitude.size()};
  variable.setChunking(netCDF::NcVar::nc_CHUNKED, chunks);
  variable.setCompression(true, true, 4);
  variable.putAtt("units", layout.unit);
  variable.putAtt("description", layout.description);
  variable.putAtt("long_name", short_name);
  variable.putAtt("standard_name", short_name);
  variable.putAtt("missing_value", netCDF::ncUshort, kFill);
  variable.putAtt("dimensions", "lon lat time");
  variable.putAtt("grid_mapping", "crs");
  variable.putAtt("coordinate_system", "WGS84,EPSG:4326");
  variable.putAtt("scale_factor", netCDF::ncDouble, layout.scale);
  variable.putAtt("add_offset", netCDF::ncDouble, layout.offset);
  variable.putAtt("_Unsigned", "true");
  variable.putVar(pack(values, layout).data());
  file.close();
}

}  // namespace

GridmetLattice gridmet_lattice(double west, double south, double east, double north, int margin,
                               int stride) {
  GridmetLattice lattice;
  lattice.cell = kCell * stride;
  const int first_column = static_cast<int>(std::floor((west - kWest) / lattice.cell)) - margin;
  const int last_column = static_cast<int>(std::ceil((east - kWest) / lattice.cell)) + margin;
  const int first_row = static_cast<int>(std::floor((kNorth - north) / lattice.cell)) - margin;
  const int last_row = static_cast<int>(std::ceil((kNorth - south) / lattice.cell)) + margin;
  for (int i = first_column; i <= last_column; ++i)
    lattice.longitude.push_back(kWest + i * stride * kCell);
  for (int j = first_row; j <= last_row; ++j)
    lattice.latitude.push_back(kNorth - j * stride * kCell);
  return lattice;
}

void write_gridmet(const std::string& path, size_t index, const GridmetLattice& lattice,
                   int64_t first_day, size_t days, const std::vector<double>& values) {
  AtomicFile target(path);
  {
    const NetcdfLock lock;
    try {
      write(target.temporary_path(), index, lattice, first_day, days, values);
    } catch (const netCDF::exceptions::NcException& e) {
      throw Error(Code::io, "cannot write the NetCDF file").file(path).found(e.what());
    }
  }
  target.commit();
}

}  // namespace fluxtile::world
