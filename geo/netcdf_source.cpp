// SPDX-License-Identifier: Apache-2.0
#include "geo/netcdf_source.h"

#include <netcdf.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/system_fault.h"
#include "geo/cf_crs.h"
#include "geo/netcdf_file.h"
#include "geo/raster_source.h"
#include "geo/unit.h"

namespace fluxtile {
namespace {

using Attributes = std::map<std::string, NcAttribute>;

constexpr size_t kLongestAxis = size_t{1} << 22;
constexpr int kMostVariables = NC_MAX_VARS, kMostDimensions = NC_MAX_DIMS;

enum class Role { none, x, y, time };

/// A variable as the file holds it.
struct Raw {
  int id = -1;
  std::string name;
  nc_type type = NC_NAT;
  std::vector<int> dimensions;
  Attributes attributes;
  Role role = Role::none;
  bool degrees = false;  ///< a longitude or latitude
};

struct Dimension {
  std::string name;
  size_t size = 0;
  int axis = -1;  ///< index of its coordinate variable, -1 = none
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
}

const char* type_name(nc_type type) {
  switch (type) {
    case NC_BYTE:
      return "byte";
    case NC_CHAR:
      return "char";
    case NC_SHORT:
      return "short";
    case NC_INT:
      return "int";
    case NC_FLOAT:
      return "float";
    case NC_DOUBLE:
      return "double";
    case NC_UBYTE:
      return "ubyte";
    case NC_USHORT:
      return "ushort";
    case NC_UINT:
      return "uint";
    case NC_INT64:
      return "int64";
    case NC_UINT64:
      return "uint64";
    case NC_STRING:
      return "string";
    default:
      return "other";
  }
}

bool is_number(nc_type type) { return (type >= NC_BYTE && type <= NC_UINT64) && type != NC_CHAR; }

bool is_integer(nc_type type) { return is_number(type) && type != NC_FLOAT && type != NC_DOUBLE; }

/// 2^bits of an integer type, to turn a negative number into its unsigned reading.
double unsigned_range(nc_type type) {
  switch (type) {
    case NC_BYTE:
    case NC_UBYTE:
      return 256;
    case NC_SHORT:
    case NC_USHORT:
      return 65536;
    case NC_INT:
    case NC_UINT:
      return 4294967296.0;
    default:
      return 0;
  }
}

bool is_unsigned_type(nc_type type) {
  return type == NC_UBYTE || type == NC_USHORT || type == NC_UINT || type == NC_UINT64;
}

/// What a coordinate variable measures, by units, standard name, axis, then by its name.
void classify(Raw& v) {
  const std::string units = lower(text_of(v.attributes, "units"));
  const std::string standard = lower(text_of(v.attributes, "standard_name"));
  const std::string axis = lower(text_of(v.attributes, "axis"));
  const std::string type = lower(text_of(v.attributes, "_CoordinateAxisType"));
  const std::string name = lower(v.name);
  const bool east = one_of(
      units, {"degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"});
  const bool north = one_of(
      units, {"degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"});
  if (units.find(" since ") != std::string::npos) {
    v.role = Role::time;
  } else if (standard == "longitude" || east || type == "lon") {
    v.role = Role::x;
    v.degrees = true;
  } else if (standard == "latitude" || north || type == "lat") {
    v.role = Role::y;
    v.degrees = true;
  } else if (one_of(standard, {"projection_x_coordinate", "grid_longitude"}) || axis == "x" ||
             type == "geox") {
    v.role = Role::x;
  } else if (one_of(standard, {"projection_y_coordinate", "grid_latitude"}) || axis == "y" ||
             type == "geoy") {
    v.role = Role::y;
  } else if (one_of(name, {"lon", "longitude"})) {
    v.role = Role::x;
    v.degrees = true;
  } else if (one_of(name, {"lat", "latitude"})) {
    v.role = Role::y;
    v.degrees = true;
  } else if (one_of(name, {"x", "easting", "xdim", "rlon"})) {
    v.role = Role::x;
  } else if (one_of(name, {"y", "northing", "ydim", "rlat"})) {
    v.role = Role::y;
  }
}

/// Reads a header once; everything below works on what it holds.
class HeaderReader {
 public:
  explicit HeaderReader(const std::string& path) : file_(open_netcdf(path)) { info_.path = path; }

  NetcdfInfo read() {
    read_format();
    read_dimensions();
    read_variables();
    global_ = read_attributes(file_, NC_GLOBAL);
    for (const auto& [name, attribute] : global_) info_.attributes[name] = attribute.text;
    find_axes();
    for (const Raw& v : raw_) describe(v);
    return std::move(info_);
  }

 private:
  void warn(const std::string& text) {
    if (std::find(info_.warnings.begin(), info_.warnings.end(), text) == info_.warnings.end())
      info_.warnings.push_back(text);
  }

  void read_format() {
    int format = 0;
    check_netcdf(nc_inq_format(file_.ncid, &format), file_.path, "read the format");
    switch (format) {
      case NC_FORMAT_CLASSIC:
        info_.format = "NetCDF classic";
        break;
      case NC_FORMAT_64BIT_OFFSET:
        info_.format = "NetCDF 64-bit offset";
        break;
      case NC_FORMAT_CDF5:
        info_.format = "NetCDF CDF-5";
        break;
      case NC_FORMAT_NETCDF4:
        info_.format = "NetCDF-4";
        break;
      case NC_FORMAT_NETCDF4_CLASSIC:
        info_.format = "NetCDF-4 classic model";
        break;
      default:
        info_.format = "NetCDF";
    }
    int groups = 0;
    if (nc_inq_grps(file_.ncid, &groups, nullptr) == NC_NOERR && groups > 0)
      warn("the file has " + std::to_string(groups) +
           " groups: variables in groups are not read, only those at the top");
  }

  void require_few(int count, int most, const char* what) const {
    if (count <= most) return;
    throw Error(Code::data, std::string("the file has too many ") + what)
        .file(file_.path)
        .found(std::to_string(count))
        .expected("at most " + std::to_string(most));
  }

  void read_dimensions() {
    int count = 0;
    check_netcdf(nc_inq_dimids(file_.ncid, &count, nullptr, 0), file_.path, "count dimensions");
    require_few(count, kMostDimensions, "dimensions");
    std::vector<int> ids(static_cast<size_t>(count));
    check_netcdf(nc_inq_dimids(file_.ncid, nullptr, ids.data(), 0), file_.path, "list dimensions");
    for (const int id : ids) {
      std::array<char, NC_MAX_NAME + 1> name{};
      size_t size = 0;
      check_netcdf(nc_inq_dim(file_.ncid, id, name.data(), &size), file_.path, "read a dimension");
      dimensions_[id] = {name.data(), size, -1};
    }
  }

  void read_variables() {
    int count = 0;
    check_netcdf(nc_inq_nvars(file_.ncid, &count), file_.path, "count variables");
    require_few(count, kMostVariables, "variables");
    for (int id = 0; id < count; ++id) {
      Raw v;
      v.id = id;
      std::array<char, NC_MAX_NAME + 1> name{};
      int rank = 0;
      check_netcdf(nc_inq_var(file_.ncid, id, name.data(), &v.type, &rank, nullptr, nullptr),
                   file_.path, "read a variable");
      v.name = name.data();
      v.dimensions.resize(static_cast<size_t>(rank));
      check_netcdf(nc_inq_vardimid(file_.ncid, id, v.dimensions.data()), file_.path,
                   "read a variable's dimensions");
      v.attributes = read_attributes(file_, id);
      if (is_number(v.type)) classify(v);
      raw_.push_back(std::move(v));
    }
  }

  [[nodiscard]] const Raw* find(const std::string& name) const {
    for (const Raw& v : raw_)
      if (v.name == name) return &v;
    return nullptr;
  }

  /// The coordinate variable of every dimension: the one of its name, else the only 1-D variable
  /// along it that measures a place or a time.
  void find_axes() {
    for (auto& [id, dimension] : dimensions_) {
      for (const bool own_name : {true, false}) {
        for (size_t i = 0; i < raw_.size() && dimension.axis < 0; ++i) {
          const Raw& v = raw_[i];
          if (v.dimensions.size() != 1 || v.dimensions[0] != id || !is_number(v.type)) continue;
          const bool named = v.name == dimension.name;
          const bool placed = v.role != Role::none && v.attributes.count("units") > 0;
          if (own_name ? named : placed) dimension.axis = static_cast<int>(i);
        }
      }
      if (dimension.axis >= 0) axis_names_.insert(raw_[static_cast<size_t>(dimension.axis)].name);
    }
  }

  /// All values of a scalar or 1-D coordinate variable, unpacked.
  std::vector<double> numbers(const Raw& v) {
    size_t n = 1;
    for (const int id : v.dimensions) {
      const size_t size = dimensions_.at(id).size;
      n = size == 0 ? 0 : n > kLongestAxis || size > kLongestAxis ? kLongestAxis + 1 : n * size;
    }
    require_small_chunks(file_, v.id, v.name);
    if (n > kLongestAxis)
      throw Error(Code::data, "the axis " + v.name + " is too long")
          .file(file_.path)
          .expected("at most " + std::to_string(kLongestAxis) + " values");
    std::vector<double> values(n);
    if (n > 0)
      check_netcdf(nc_get_var_double(file_.ncid, v.id, values.data()), file_.path,
                   "read " + v.name);
    const double scale = number_of(v.attributes, "scale_factor").value_or(1);
    const double offset = number_of(v.attributes, "add_offset").value_or(0);
    if (scale != 1 || offset != 0)
      for (double& value : values) value = value * scale + offset;
    return values;
  }

  const Raw* axis_of(int dimension) const {
    const int axis = dimensions_.at(dimension).axis;
    return axis < 0 ? nullptr : &raw_[static_cast<size_t>(axis)];
  }

  void describe(const Raw& v) {
    if (axis_names_.count(v.name) > 0 || v.attributes.count("grid_mapping_name") > 0) return;
    NetcdfVariable out;
    out.name = v.name;
    out.type = type_name(v.type);
    for (size_t i = 0; i < v.dimensions.size(); ++i) {
      const Dimension& d = dimensions_.at(v.dimensions[i]);
      out.dimensions.push_back(d.name);
      out.sizes.push_back(d.size);
      const Raw* axis = axis_of(v.dimensions[i]);
      if (axis == nullptr) continue;
      int& place = axis->role == Role::time ? out.time_dimension
                   : axis->role == Role::y  ? out.y_dimension
                                            : out.x_dimension;
      if (axis->role != Role::none && place < 0) place = static_cast<int>(i);
    }
    const bool coordinate = v.role != Role::none && v.degrees && v.dimensions.size() > 1;
    if (!is_number(v.type) || coordinate) {
      info_.other_variables.push_back(v.name);
      return;
    }
    const bool gridded = out.x_dimension >= 0 && out.y_dimension >= 0;
    if (!gridded && !curvilinear(v, out)) {
      info_.other_variables.push_back(v.name);
      return;
    }
    for (size_t i = 0; i < v.dimensions.size(); ++i) {
      const auto at = static_cast<int>(i);
      if (at == out.time_dimension || at == out.y_dimension || at == out.x_dimension ||
          out.sizes[i] == 1)
        continue;
      warn(v.name + " has the dimension " + out.dimensions[i] + " (" +
           std::to_string(out.sizes[i]) + ") besides time, y and x: it is not used");
      info_.other_variables.push_back(v.name);
      return;
    }
    out.long_name = text_of(v.attributes, "long_name");
    out.standard_name = text_of(v.attributes, "standard_name");
    out.description = text_of(v.attributes, "description");
    out.units = text_of(v.attributes, "units");
    read_packing(v, out);
    if (gridded) place(v, out);
    read_time(v, out);
    if (!out.unusable.empty()) warn(v.name + " cannot be used: " + out.unusable);
    info_.variables.push_back(std::move(out));
  }

  /// A variable whose `coordinates` are 2-D latitudes and longitudes: listed, but not usable.
  bool curvilinear(const Raw& v, NetcdfVariable& out) {
    if (v.dimensions.size() < 2) return false;
    std::istringstream words(text_of(v.attributes, "coordinates"));
    std::string word;
    std::string lon, lat;
    while (words >> word) {
      const Raw* c = find(word);
      if (c == nullptr || c->dimensions.size() != 2 || !c->degrees) continue;
      (c->role == Role::x ? lon : lat) = word;
    }
    if (lon.empty() || lat.empty()) return false;
    const Raw* c = find(lat);
    for (size_t i = 0; i < v.dimensions.size(); ++i) {
      if (v.dimensions[i] == c->dimensions[0]) out.y_dimension = static_cast<int>(i);
      if (v.dimensions[i] == c->dimensions[1]) out.x_dimension = static_cast<int>(i);
    }
    if (out.x_dimension < 0 || out.y_dimension < 0) return false;
    out.grid.height = static_cast<int64_t>(out.sizes[static_cast<size_t>(out.y_dimension)]);
    out.grid.width = static_cast<int64_t>(out.sizes[static_cast<size_t>(out.x_dimension)]);
    out.crs_source = "2-D coordinates " + lat + " and " + lon;
    out.unusable = "its cells are placed by 2-D " + lat + " and " + lon +
                   " (a curvilinear grid); regrid it to 1-D axes first (cdo remapbil)";
    return true;
  }

  // ---- packing -------------------------------------------------------------------------------

  /// An attribute's number as the variable stores it: in its type, and unsigned where that holds.
  static double stored(double value, const Raw& v, bool is_unsigned) {
    if (v.type == NC_FLOAT) return static_cast<double>(static_cast<float>(value));
    const double range = unsigned_range(v.type);
    if ((is_unsigned || is_unsigned_type(v.type)) && value < 0 && range > 0) return value + range;
    return value;
  }

  static std::optional<double> default_fill(nc_type type) {
    switch (type) {
      case NC_SHORT:
        return NC_FILL_SHORT;
      case NC_INT:
        return NC_FILL_INT;
      case NC_FLOAT:
        return static_cast<double>(NC_FILL_FLOAT);
      case NC_DOUBLE:
        return NC_FILL_DOUBLE;
      case NC_USHORT:
        return NC_FILL_USHORT;
      case NC_UINT:
        return NC_FILL_UINT;
      case NC_INT64:
        return static_cast<double>(NC_FILL_INT64);
      case NC_UINT64:
        return static_cast<double>(NC_FILL_UINT64);
      default:
        return std::nullopt;  // every byte is a value
    }
  }

  void read_packing(const Raw& v, NetcdfVariable& out) {
    out.scale = number_of(v.attributes, "scale_factor").value_or(1);
    out.offset = number_of(v.attributes, "add_offset").value_or(0);
    out.unsigned_stored = lower(text_of(v.attributes, "_Unsigned")) == "true" &&
                          (v.type == NC_BYTE || v.type == NC_SHORT || v.type == NC_INT);
    bool filled = false;
    for (const char* name : {"_FillValue", "missing_value"}) {
      const auto it = v.attributes.find(name);
      if (it == v.attributes.end()) continue;
      std::vector<double> values = it->second.numbers;
      if (values.empty())
        if (const auto number = number_of(v.attributes, name)) values.push_back(*number);
      filled = filled || (std::string(name) == "_FillValue" && !values.empty());
      for (const double value : values) {
        if (std::isnan(value)) continue;  // not finite values are dropped anyway
        const double s = stored(value, v, out.unsigned_stored);
        if (std::find(out.fill_values.begin(), out.fill_values.end(), s) == out.fill_values.end())
          out.fill_values.push_back(s);
      }
    }
    if (!filled)
      if (const auto fill = default_fill(v.type))
        out.fill_values.push_back(stored(*fill, v, out.unsigned_stored));

    const auto limit = [&](const char* name, size_t index) -> std::optional<double> {
      const auto it = v.attributes.find(name);
      if (it == v.attributes.end() || it->second.numbers.size() <= index) return std::nullopt;
      const double value = it->second.numbers[index];
      const bool packed = out.scale != 1 || out.offset != 0;
      // CF: limits in a wider type than the packed one are limits of the unpacked values.
      if (packed && is_integer(v.type) &&
          (it->second.type == NC_FLOAT || it->second.type == NC_DOUBLE) && out.scale != 0)
        return (value - out.offset) / out.scale;
      return stored(value, v, out.unsigned_stored);
    };
    const bool range = v.attributes.count("valid_range") > 0;
    out.valid_min = range ? limit("valid_range", 0) : limit("valid_min", 0);
    out.valid_max = range ? limit("valid_range", 1) : limit("valid_max", 0);
    if (out.valid_min && out.valid_max && *out.valid_min > *out.valid_max) {
      if (out.scale < 0) {
        std::swap(out.valid_min, out.valid_max);
      } else {
        warn(v.name + ": its valid range is empty and is not applied");
        out.valid_min.reset();
        out.valid_max.reset();
      }
    }
  }

  // ---- time ----------------------------------------------------------------------------------

  /// The scalar time coordinate that belongs to a variable without a time dimension.
  const Raw* scalar_time(const Raw& v) const {
    std::istringstream words(text_of(v.attributes, "coordinates"));
    std::string word;
    while (words >> word) {
      const Raw* c = find(word);
      if (c != nullptr && c->role == Role::time && c->dimensions.empty()) return c;
    }
    return nullptr;
  }

  void read_time(const Raw& v, NetcdfVariable& out) {
    const Raw* axis = out.time_dimension >= 0
                          ? axis_of(v.dimensions[static_cast<size_t>(out.time_dimension)])
                          : scalar_time(v);
    if (axis == nullptr) return;
    out.time_units = text_of(axis->attributes, "units");
    try {
      out.calendar = parse_calendar(text_of(axis->attributes, "calendar"));
      if (decoded_.count(axis->name) == 0)
        decoded_[axis->name] = decode_cf_time(numbers(*axis), out.time_units, out.calendar);
      out.times = decoded_[axis->name];
    } catch (const Error& error) {
      if (is_of_the_machine(error)) throw;
      const std::string why = "the time axis " + axis->name +
                              " cannot be read: " + error.message() +
                              (error.found().empty() ? "" : ", " + error.found()) +
                              (error.hint().empty() ? "" : " (" + error.hint() + ")");
      if (out.unusable.empty() && out.time_dimension >= 0 &&
          out.sizes[static_cast<size_t>(out.time_dimension)] > 1)
        out.unusable = why;
      else
        warn(why);
    }
  }

  // ---- place ---------------------------------------------------------------------------------

  /// Metres per unit of a projection axis; 0 where the file does not say.
  double axis_metres(const Raw& axis) {
    const std::string units = text_of(axis.attributes, "units");
    if (units.empty() || units == "1") return 0;
    try {
      return convert_unit(parse_unit(units), parse_unit("m")).factor;
    } catch (const Error& error) {
      if (is_of_the_machine(error)) throw;
      warn("axis " + axis.name + ": the unit '" + units + "' is no length and is not applied");
      return 0;
    }
  }

  Crs crs_from(const std::string& definition) {
    auto it = crs_.find(definition);
    if (it == crs_.end()) it = crs_.emplace(definition, Crs::from_user_input(definition)).first;
    return it->second;
  }

  /// Name of the grid-mapping variable: "crs" or the extended form "crs: x y".
  [[nodiscard]] const Raw* grid_mapping(const Raw& v) const {
    std::string name = text_of(v.attributes, "grid_mapping");
    if (name.empty()) name = text_of(global_, "grid_mapping");
    name = name.substr(0, name.find_first_of(": "));
    return name.empty() ? nullptr : find(name);
  }

  /// The only variable of the file that looks like a grid mapping; null if there is none or more.
  [[nodiscard]] const Raw* only_mapping() const {
    const Raw* found = nullptr;
    for (const Raw& v : raw_) {
      const bool maps = v.attributes.count("grid_mapping_name") > 0 ||
                        v.attributes.count("crs_wkt") > 0 || v.attributes.count("spatial_ref") > 0;
      if (!maps || v.dimensions.size() > 1) continue;
      if (found != nullptr) return nullptr;
      found = &v;
    }
    return found;
  }

  void find_crs(const Raw& v, const Raw& x, const Raw& y, NetcdfVariable& out) {
    const bool degrees = x.degrees && y.degrees;
    const Raw* mapping = grid_mapping(v);
    CfCrs found;
    const double metres = degrees ? 1 : axis_metres(x);
    if (mapping != nullptr)
      found = crs_of_grid_mapping(mapping->name, mapping->attributes, metres > 0 ? metres : 1);
    else if (!text_of(v.attributes, "grid_mapping").empty())
      warn(v.name + " names the grid mapping '" + text_of(v.attributes, "grid_mapping") +
           "', which the file does not have");
    if (!found.refused.empty()) {
      out.crs_source = found.refused;
      out.unusable = found.refused;
      return;
    }
    if (found.definition.empty())
      found = crs_of_loose_attributes("variable " + v.name, v.attributes);
    if (found.definition.empty()) found = crs_of_loose_attributes("the file", global_);
    if (const Raw* only = only_mapping();
        found.definition.empty() && !degrees && only != nullptr && mapping == nullptr) {
      found = crs_of_grid_mapping(only->name, only->attributes, metres > 0 ? metres : 1);
      if (!found.definition.empty()) {
        found.source += "; " + v.name + " does not name it, but the file has no other";
      }
    }
    if (found.definition.empty() && degrees)
      found = {"EPSG:4326", "latitude/longitude axes without grid mapping: EPSG:4326", ""};
    if (found.definition.empty()) {
      out.crs_source = "none found";
      return;
    }
    try {
      out.grid.crs = crs_from(found.definition);
      out.crs_source = found.source;
    } catch (const Error& error) {
      if (is_of_the_machine(error)) throw;
      out.crs_source = found.source + ", which PROJ does not understand";
      out.unusable = out.crs_source + ": " + error.message();
      return;
    }
    if (degrees && !out.grid.crs.geographic()) {
      out.grid.crs = geodetic_base(out.grid.crs);
      out.crs_source += "; its axes are degrees, so the geodetic CRS underneath is taken";
      warn(v.name + ": the axes are latitude and longitude, but the CRS is a projected one");
    }
  }

  /// Outer edges from the axis' bounds for an axis of one cell; false if it has none.
  bool cell_bounds(const Raw& axis, double factor, double& low, double& high) {
    const Raw* bounds = find(text_of(axis.attributes, "bounds"));
    if (bounds == nullptr || bounds->dimensions.size() != 2) return false;
    const std::vector<double> edges = numbers(*bounds);
    if (edges.size() != 2 || !(edges[0] != edges[1])) return false;
    low = edges[0] * factor;
    high = edges[1] * factor;
    return true;
  }

  /// Cell centres of an axis in CRS units; sets `unusable` where they are not in order.
  std::vector<double> centres(const Raw& axis, double factor, NetcdfVariable& out) {
    if (axes_.count(axis.name) == 0) axes_[axis.name] = numbers(axis);
    std::vector<double> values = axes_[axis.name];
    if (factor != 1)
      for (double& value : values) value *= factor;
    if (axis.degrees && axis.role == Role::x)
      for (size_t i = 1; i < values.size(); ++i) {  // an axis that crosses the date line
        if (values[i] - values[i - 1] < -180) values[i] += 360;
        if (values[i] - values[i - 1] > 180) values[i] -= 360;
      }
    const bool up = values.size() > 1 && values[1] > values[0];
    for (size_t i = 0; i < values.size() && out.unusable.empty(); ++i) {
      const bool ordered = i == 0 || (up ? values[i] > values[i - 1] : values[i] < values[i - 1]);
      if (!std::isfinite(values[i]) || !ordered)
        out.unusable = "its axis " + axis.name + " is not strictly ascending or descending";
    }
    return values;
  }

  void place(const Raw& v, NetcdfVariable& out) {
    const Raw& x = *axis_of(v.dimensions[static_cast<size_t>(out.x_dimension)]);
    const Raw& y = *axis_of(v.dimensions[static_cast<size_t>(out.y_dimension)]);
    SourceGrid& grid = out.grid;
    grid.width = static_cast<int64_t>(out.sizes[static_cast<size_t>(out.x_dimension)]);
    grid.height = static_cast<int64_t>(out.sizes[static_cast<size_t>(out.y_dimension)]);
    find_crs(v, x, y, out);
    if (grid.width == 0 || grid.height == 0) out.unusable = "it has no cells";
    const auto factor = [&](const Raw& axis) {
      const double per_unit = grid.crs.empty() ? 1 : grid.crs.unit_factor();
      if (axis.degrees || grid.crs.geographic()) return 1 / per_unit;
      const double metres = axis_metres(axis);
      return metres > 0 ? metres / per_unit : 1.0;
    };
    const double fx = factor(x), fy = factor(y);
    grid.x_axis = centres(x, fx, out);
    grid.y_axis = centres(y, fy, out);
    if (!out.unusable.empty()) return;
    if (grid.width == 1 || grid.height == 1) place_narrow(x, y, fx, fy, out);
    if (!out.unusable.empty()) return;
    const bool degrees = grid.crs.geographic();
    if (degrees && !grid.x_axis.empty()) {
      const auto [low, high] = std::minmax(grid.x_axis.front(), grid.x_axis.back());
      const double cell = (high - low) / static_cast<double>(std::max<int64_t>(1, grid.width - 1));
      grid.wraps = high > 180 || low < -180 || (high - low >= 360 - cell * (1 + 1e-6));
    }
    if (degrees && !grid.y_axis.empty() &&
        std::max(std::abs(grid.y_axis.front()), std::abs(grid.y_axis.back())) > 90 + 1e-6)
      out.unusable = "its latitudes leave -90..90";
    check_geotransform(v, out);
  }

  /// A grid of one row or column has no spacing along it: its bounds or the other axis tell.
  void place_narrow(const Raw& x, const Raw& y, double fx, double fy, NetcdfVariable& out) {
    SourceGrid& grid = out.grid;
    const auto step = [](const std::vector<double>& axis) {
      return axis.size() < 2 ? 0
                             : (axis.back() - axis.front()) / static_cast<double>(axis.size() - 1);
    };
    double dx = step(grid.x_axis), dy = step(grid.y_axis);
    double low = 0, high = 0;
    if (dx == 0 && cell_bounds(x, fx, low, high)) dx = high - low;
    if (dy == 0 && cell_bounds(y, fy, low, high)) dy = high - low;
    if (dx == 0 && dy == 0) {
      out.unusable = "it is a single cell without bounds, so the cell's size is unknown";
      return;
    }
    if (dx == 0 || dy == 0)
      warn(out.name + ": one row or column without bounds is taken as square cells");
    if (dx == 0) dx = std::abs(dy);
    if (dy == 0) dy = -std::abs(dx);
    const std::array<double, 6> gt = {grid.x_axis.front() - dx / 2, dx, 0,
                                      grid.y_axis.front() - dy / 2, 0,  dy};
    std::copy(gt.begin(), gt.end(), grid.geotransform);
    grid.x_axis.clear();
    grid.y_axis.clear();
  }

  /// A GeoTransform attribute is never used, but one that disagrees with the axes is worth a word.
  void check_geotransform(const Raw& v, const NetcdfVariable& out) {
    const Raw* mapping = grid_mapping(v);
    if (mapping == nullptr || out.grid.x_axis.size() < 2 || out.grid.y_axis.size() < 2) return;
    const auto it = mapping->attributes.find("GeoTransform");
    if (it == mapping->attributes.end()) return;
    std::vector<double> gt = it->second.numbers;
    if (gt.empty()) {
      std::string text = it->second.text;
      std::replace(text.begin(), text.end(), ',', ' ');
      std::istringstream words(text);
      for (double value = 0; words >> value;) gt.push_back(value);
    }
    if (gt.size() == 5) gt.insert(gt.begin() + 4, 0.0);  // as gridMET writes it
    if (gt.size() != 6 || gt[1] == 0 || gt[5] == 0) return;
    const auto& xs = out.grid.x_axis;
    const auto& ys = out.grid.y_axis;
    const auto extreme = [](const std::vector<double>& axis, bool high) {
      return high == (axis.back() > axis.front()) ? axis.back() : axis.front();
    };
    const double dx = (gt[0] + gt[1] / 2 - extreme(xs, gt[1] < 0)) / gt[1];
    const double dy = (gt[3] + gt[5] / 2 - extreme(ys, gt[5] < 0)) / gt[5];
    if (std::abs(dx) <= 1e-3 && std::abs(dy) <= 1e-3) return;
    std::array<char, 200> text{};
    std::snprintf(
        text.data(), text.size(),
        "the GeoTransform of %s is %.3g cells off in x and %.3g in y: cells are placed by "
        "the coordinate variables",
        mapping->name.c_str(), dx, dy);
    warn(text.data());
  }

  NcFile& file_;
  NetcdfInfo info_;
  std::map<int, Dimension> dimensions_;
  std::vector<Raw> raw_;
  std::set<std::string> axis_names_;
  Attributes global_;
  std::map<std::string, std::vector<CfTime>> decoded_;
  std::map<std::string, std::vector<double>> axes_;
  std::map<std::string, Crs> crs_;
};

}  // namespace

NetcdfInfo read_netcdf_info(const std::string& path) {
  const NetcdfLock lock;
  return HeaderReader(path).read();
}

NetcdfVariable repacked(NetcdfVariable variable, const Packing& packing) {
  const auto stored = [&](double value) {
    return variable.type == "float" ? static_cast<double>(static_cast<float>(value)) : value;
  };
  variable.scale = packing.scale.value_or(variable.scale);
  variable.offset = packing.offset.value_or(variable.offset);
  if (packing.nodata) variable.fill_values = {stored(*packing.nodata)};
  for (const double fill : packing.fill_values) variable.fill_values.push_back(stored(fill));
  return variable;
}

void require_usable(const NetcdfInfo& info, const NetcdfVariable& variable) {
  if (!variable.unusable.empty())
    throw Error(Code::data,
                "the variable " + variable.name + " cannot be used: " + variable.unusable)
        .file(info.path);
}

}  // namespace fluxtile
