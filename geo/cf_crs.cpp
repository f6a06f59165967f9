// SPDX-License-Identifier: Apache-2.0
#include "geo/cf_crs.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

namespace fluxtile {
namespace {

using Attributes = std::map<std::string, NcAttribute>;

std::string text(double value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.15g", value);
  return buffer.data();
}

/// " +key=value"
std::string term(const char* key, double value) {
  return std::string(" +") + key + "=" + text(value);
}

/// Ellipsoid, prime meridian and units as PROJ text.
std::string figure(const Attributes& a, std::string& note) {
  const auto major = number_of(a, "semi_major_axis"), minor = number_of(a, "semi_minor_axis");
  const auto inverse = number_of(a, "inverse_flattening"), radius = number_of(a, "earth_radius");
  std::string out;
  const auto near = [](double x, double y, double by) { return std::abs(x - y) <= by; };
  if (major) {
    double rf = inverse.value_or(0);
    if (!inverse && minor && *minor < *major) rf = *major / (*major - *minor);
    if (near(*major, 6378137, 1e-6) && near(rf, 298.257223563, 1e-6)) {
      out = " +datum=WGS84";
      note = "WGS 84 ellipsoid";
    } else if (near(*major, 6378137, 1e-6) && near(rf, 298.257222101, 1e-7)) {
      out = " +ellps=GRS80";
      note = "GRS 80 ellipsoid";
    } else if (rf > 0) {
      out = term("a", *major) + term("rf", rf);
      note = "ellipsoid of semi-major axis " + text(*major) + " m";
    } else {
      out = term("R", *major);
      note = "sphere of radius " + text(*major) + " m";
    }
  } else if (radius) {
    out = term("R", *radius);
    note = "sphere of radius " + text(*radius) + " m";
  } else {
    out = " +datum=WGS84";
    note = "no ellipsoid given, WGS 84 taken";
  }
  const double meridian = number_of(a, "longitude_of_prime_meridian").value_or(0);
  if (meridian != 0) out += term("pm", meridian);
  return out;
}

/// standard_parallel: one or two numbers.
std::vector<double> parallels(const Attributes& a) {
  const auto it = a.find("standard_parallel");
  return it == a.end() ? std::vector<double>() : it->second.numbers;
}

CfCrs from_parameters(const std::string& variable, const Attributes& a, double axis_metres) {
  const std::string mapping = text_of(a, "grid_mapping_name");
  CfCrs out;
  std::vector<std::string> missing;
  const auto need = [&](const char* name) {
    const auto value = number_of(a, name);
    if (!value) missing.emplace_back(name);
    return value.value_or(0);
  };
  const auto either = [&](const char* first, const char* second) {
    const auto value = number_of(a, first);
    return value ? *value : need(second);
  };
  const std::vector<double> sp = parallels(a);
  std::string proj;
  bool projected = true;
  if (mapping == "latitude_longitude") {
    proj = "+proj=longlat";
    projected = false;
  } else if (mapping == "lambert_conformal_conic" || mapping == "albers_conical_equal_area") {
    if (sp.empty()) missing.emplace_back("standard_parallel");
    const double first = sp.empty() ? 0 : sp.front(), second = sp.size() > 1 ? sp[1] : first;
    proj = (mapping[0] == 'l' ? "+proj=lcc" : "+proj=aea") + term("lat_1", first) +
           term("lat_2", second) + term("lat_0", need("latitude_of_projection_origin")) +
           term("lon_0", need("longitude_of_central_meridian"));
  } else if (mapping == "transverse_mercator") {
    proj = "+proj=tmerc" + term("lat_0", need("latitude_of_projection_origin")) +
           term("lon_0", need("longitude_of_central_meridian")) +
           term("k", number_of(a, "scale_factor_at_central_meridian").value_or(1));
  } else if (mapping == "polar_stereographic") {
    const double lon =
        either("straight_vertical_longitude_from_pole", "longitude_of_projection_origin");
    const double lat = need("latitude_of_projection_origin");
    proj = "+proj=stere" + term("lat_0", lat) + term("lon_0", lon);
    const auto scale = number_of(a, "scale_factor_at_projection_origin");
    if (!sp.empty())
      proj += term("lat_ts", sp.front());
    else
      proj += term("k", scale.value_or(1));
  } else if (mapping == "sinusoidal") {
    proj = "+proj=sinu" +
           term("lon_0", either("longitude_of_projection_origin", "longitude_of_central_meridian"));
  } else if (mapping == "lambert_azimuthal_equal_area") {
    proj = "+proj=laea" + term("lat_0", need("latitude_of_projection_origin")) +
           term("lon_0", need("longitude_of_projection_origin"));
  } else if (mapping == "lambert_cylindrical_equal_area" || mapping == "mercator") {
    const bool equal_area = mapping[0] == 'l';
    proj = (equal_area ? "+proj=cea" : "+proj=merc") +
           term("lon_0",
                equal_area
                    ? either("longitude_of_central_meridian", "longitude_of_projection_origin")
                    : either("longitude_of_projection_origin", "longitude_of_central_meridian"));
    const auto scale = number_of(a, "scale_factor_at_projection_origin");
    if (!sp.empty())
      proj += term("lat_ts", sp.front());
    else if (scale)
      proj += term("k", *scale);
    else
      missing.emplace_back("standard_parallel");
  } else if (mapping == "rotated_latitude_longitude") {
    out.refused = "its grid is on a rotated pole (grid mapping " + variable +
                  "), which fluxtile does not read: regrid it to latitude/longitude first "
                  "(cdo remapbil)";
    return out;
  } else {
    out.refused = "the grid mapping '" + mapping + "' of " + variable + " is not known to fluxtile";
    return out;
  }
  if (!missing.empty()) {
    out.refused = "the grid mapping " + variable + " (" + mapping + ") lacks " + missing.front();
    return out;
  }
  if (projected)
    proj += term("x_0", number_of(a, "false_easting").value_or(0) * axis_metres) +
            term("y_0", number_of(a, "false_northing").value_or(0) * axis_metres);
  std::string note;
  proj += figure(a, note);
  if (!projected && note == "WGS 84 ellipsoid" && proj == "+proj=longlat +datum=WGS84") {
    out.definition = "EPSG:4326";
  } else {
    out.definition = proj + (projected ? " +units=m" : "") + " +no_defs +type=crs";
  }
  out.source = "grid mapping " + variable + ": " + mapping + ", " + note;
  return out;
}

/// The first attribute of `names` that holds text.
CfCrs first_text(const std::string& where, const Attributes& a,
                 const std::vector<const char*>& names) {
  for (const char* name : names) {
    const std::string value = text_of(a, name);
    const auto it = a.find(name);
    if (value.empty()) continue;
    const bool code = it != a.end() && !it->second.is_text();
    const bool digits = value.find_first_not_of("0123456789") == std::string::npos;
    return {code || digits ? "EPSG:" + value : value, where + ", attribute " + name, ""};
  }
  return {};
}

}  // namespace

CfCrs crs_of_grid_mapping(const std::string& name, const Attributes& attributes,
                          double axis_metres) {
  const std::string mapping = text_of(attributes, "grid_mapping_name");
  // These cannot be placed by two 1-D axes in the CRS, whatever else is said.
  if (mapping == "rotated_latitude_longitude" || mapping == "geostationary" ||
      mapping == "vertical_perspective")
    return from_parameters(name, attributes, axis_metres);
  CfCrs found =
      first_text("grid mapping " + name, attributes,
                 {"crs_wkt", "spatial_ref", "esri_pe_string", "epsg_code", "proj4", "proj4_params",
                  "proj4text", "proj4string", "proj4_string", "proj_params"});
  if (!found.definition.empty()) return found;
  if (!mapping.empty()) return from_parameters(name, attributes, axis_metres);
  return {};
}

CfCrs crs_of_loose_attributes(const std::string& where, const Attributes& attributes) {
  CfCrs found = first_text(where, attributes,
                           {"crs_wkt", "spatial_ref", "esri_pe_string", "proj4", "proj4_params",
                            "proj4text", "proj4string", "proj4_string", "epsg_code", "crs"});
  // `crs` may also name a variable or hold prose: only what looks like a definition counts.
  const std::string& d = found.definition;
  const bool looks = d.find("+proj=") != std::string::npos || d.find('[') != std::string::npos ||
                     d.rfind("EPSG:", 0) == 0 || d.rfind("epsg:", 0) == 0 ||
                     d.rfind("ESRI:", 0) == 0;
  return looks ? found : CfCrs{};
}

}  // namespace fluxtile
