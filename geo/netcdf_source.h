// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geo/calendar.h"
#include "geo/resample.h"
#include "geo/time_axis.h"

namespace fluxtile {

struct Packing;

/// One gridded variable of a NetCDF file as read from its header and coordinate variables.
struct NetcdfVariable {
  std::string name, long_name, standard_name, description, units, type;
  std::vector<std::string> dimensions;  ///< file order
  std::vector<size_t> sizes;
  int time_dimension = -1, y_dimension = -1,
      x_dimension = -1;  ///< positions in `dimensions`; -1 = absent
  double scale = 1, offset = 0;
  std::vector<double> fill_values;             ///< stored numbers: _FillValue, missing_value
  std::optional<double> valid_min, valid_max;  ///< stored numbers: valid_min/max/range
  SourceGrid grid;         ///< placed by coordinate variables; no CRS: EPSG:4326 for lat/lon axes
  std::string crs_source;  ///< how the CRS was found, for `inspect`
  std::string time_units;
  Calendar calendar = Calendar::standard;
  std::vector<CfTime> times;  ///< of the time dimension, in the file's calendar; of a scalar time
                              ///< coordinate where there is no such dimension
  bool unsigned_stored = false;  ///< `_Unsigned`: negative stored numbers stand for upper halves
  std::string
      unusable;  ///< why its values cannot be placed (curvilinear, rotated pole ...); empty:
                 ///< usable. read_netcdf_block refuses such a variable with this text.
};

struct NetcdfInfo {
  std::string path, format;
  std::map<std::string, std::string> attributes;  ///< global, as text
  std::vector<NetcdfVariable> variables;          ///< those with a horizontal grid
  std::vector<std::string> other_variables;
  std::vector<std::string> warnings;
};

/// Reads header and axes. All NetCDF calls of the process go through one mutex in here. Throws
/// Error(data | io).
NetcdfInfo read_netcdf_info(const std::string& path);

/// The variable with scale, offset and nodata of the configuration in place of the file's; what
/// `packing` leaves open stays. A nodata value is taken as the type of the variable stores it.
NetcdfVariable repacked(NetcdfVariable variable, const Packing& packing);

/// Throws Error(data) with the reason when the variable is `unusable`.
void require_usable(const NetcdfInfo& info, const NetcdfVariable& variable);

/// Values of time steps [first, first+count) over `window` (columns = x, rows = y in the variable's
/// own axis order): unpacked doubles [step][row][column], NaN where filled, outside valid_range or
/// not finite, whatever the dimension order in the file. A variable without time has one step.
/// Files stay open in a small cache. Throws Error(data | io).
std::vector<double> read_netcdf_block(const NetcdfInfo& info, const NetcdfVariable& variable,
                                      size_t first, size_t count, const SourceWindow& window);

/// Closes cached files.
void close_netcdf_files();

/// Holds the process-wide NetCDF lock for a scope; used by the CF writer too.
class NetcdfLock {
 public:
  NetcdfLock();
  ~NetcdfLock();
  NetcdfLock(const NetcdfLock&) = delete;
  NetcdfLock& operator=(const NetcdfLock&) = delete;
};

}  // namespace fluxtile
