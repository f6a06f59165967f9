// SPDX-License-Identifier: Apache-2.0
#include "geo/grid_mapping.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <ogr_spatialref.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"

namespace fluxtile {
namespace {
using nlohmann::json;

std::string exported(const OGRSpatialReference& srs, const char* format) {
  const std::string option = std::string("FORMAT=") + format;
  const char* const options[] = {option.c_str(), "MULTILINE=NO", nullptr};
  char* text = nullptr;
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const bool good = srs.exportToWkt(&text, options) == OGRERR_NONE && text != nullptr;
  CPLPopErrorHandler();
  std::string result = good ? text : "";
  CPLFree(text);
  return result;
}

std::string projjson_of(const OGRSpatialReference& srs) {
  char* text = nullptr;
  const char* const options[] = {"MULTILINE=NO", nullptr};
  const bool good = srs.exportToPROJJSON(&text, options) == OGRERR_NONE && text != nullptr;
  std::string result = good ? text : "{}";
  CPLFree(text);
  return result;
}

/// Horizontal CRS inside bound and compound ones.
const json& horizontal(const json& crs) {
  if (crs.contains("source_crs")) return horizontal(crs.at("source_crs"));
  if (crs.contains("components") && !crs.at("components").empty())
    return horizontal(crs.at("components").at(0));
  return crs;
}

const json& unbound(const json& crs) {
  return crs.contains("source_crs") ? unbound(crs.at("source_crs")) : crs;
}

std::string text_of(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// Factor to degrees or metres of a PROJJSON unit: a name, or an object with a conversion factor to
/// radians or metres.
double to_base_unit(const json& holder) {
  const auto unit = holder.find("unit");
  if (unit == holder.end() || unit->is_string()) return 1;
  const double factor = unit->value("conversion_factor", 1.0);
  return text_of(*unit, "type") == "AngularUnit" ? factor * (180.0 / M_PI) : factor;
}

/// A number that may come with its own unit: 6378137 or {"value": ..., "unit": ...}.
std::optional<double> quantity(const json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end()) return std::nullopt;
  if (at->is_number()) return at->get<double>();
  if (at->is_object() && at->contains("value"))
    return at->at("value").get<double>() * to_base_unit(*at);
  return std::nullopt;
}

/// Conversion parameters by EPSG code, in degrees, metres or as pure numbers.
class Parameters {
 public:
  explicit Parameters(const json& conversion) {
    for (const json& parameter : conversion.value("parameters", json::array())) {
      const auto id = parameter.find("id");
      if (id == parameter.end() || text_of(*id, "authority") != "EPSG") continue;
      values_[id->value("code", 0)] = parameter.value("value", 0.0) * to_base_unit(parameter);
    }
  }
  /// First of the codes that is present; 0 otherwise.
  [[nodiscard]] double at(int code, int other = 0) const {
    for (const int wanted : {code, other})
      if (const auto found = values_.find(wanted); found != values_.end()) return found->second;
    return 0;
  }

 private:
  std::map<int, double> values_;
};

using Attributes = std::vector<std::pair<std::string, GridMapping::Value>>;

// EPSG codes of projection parameters.
constexpr int kLatitudeNatural = 8801, kLongitudeNatural = 8802, kScaleNatural = 8805;
constexpr int kEastingNatural = 8806, kNorthingNatural = 8807;
constexpr int kLatitudeFalse = 8821, kLongitudeFalse = 8822;
constexpr int kParallel1 = 8823, kParallel2 = 8824;
constexpr int kEastingFalse = 8826, kNorthingFalse = 8827;
constexpr int kLatitudeStandard = 8832, kLongitudeOrigin = 8833;

/// grid_mapping_name and the projection's own parameters; an empty name when CF has none.
std::string projection(const json& conversion, double unit_factor, Attributes& out) {
  const json method = conversion.value("method", json::object());
  const int code = method.contains("id") ? method.at("id").value("code", 0) : 0;
  const std::string method_name = text_of(method, "name");
  const Parameters p(conversion);
  const auto false_origin = [&] {
    out.emplace_back("false_easting", p.at(kEastingFalse, kEastingNatural) / unit_factor);
    out.emplace_back("false_northing", p.at(kNorthingFalse, kNorthingNatural) / unit_factor);
  };
  const auto parallels = [&] {
    const double first = p.at(kParallel1), second = p.at(kParallel2);
    if (first == second)
      out.emplace_back("standard_parallel", first);
    else
      out.emplace_back("standard_parallel", std::vector<double>{first, second});
  };
  switch (code) {
    case 9822:  // Albers equal area
    case 9802:  // Lambert conic conformal (2SP)
      parallels();
      out.emplace_back("longitude_of_central_meridian", p.at(kLongitudeFalse));
      out.emplace_back("latitude_of_projection_origin", p.at(kLatitudeFalse));
      false_origin();
      return code == 9822 ? "albers_conical_equal_area" : "lambert_conformal_conic";
    case 9801:  // Lambert conic conformal (1SP): CF knows it without a scale only
      if (p.at(kScaleNatural) != 1) return "";
      out.emplace_back("standard_parallel", p.at(kLatitudeNatural));
      out.emplace_back("longitude_of_central_meridian", p.at(kLongitudeNatural));
      out.emplace_back("latitude_of_projection_origin", p.at(kLatitudeNatural));
      false_origin();
      return "lambert_conformal_conic";
    case 9807:  // transverse Mercator
      out.emplace_back("scale_factor_at_central_meridian", p.at(kScaleNatural));
      out.emplace_back("longitude_of_central_meridian", p.at(kLongitudeNatural));
      out.emplace_back("latitude_of_projection_origin", p.at(kLatitudeNatural));
      false_origin();
      return "transverse_mercator";
    case 9820:  // Lambert azimuthal equal area
    case 1027:  // ... on a sphere
      out.emplace_back("longitude_of_projection_origin", p.at(kLongitudeNatural));
      out.emplace_back("latitude_of_projection_origin", p.at(kLatitudeNatural));
      false_origin();
      return "lambert_azimuthal_equal_area";
    case 9804:  // Mercator (variant A)
      out.emplace_back("longitude_of_projection_origin", p.at(kLongitudeNatural));
      out.emplace_back("scale_factor_at_projection_origin", p.at(kScaleNatural));
      false_origin();
      return "mercator";
    case 9805:  // Mercator (variant B)
      out.emplace_back("longitude_of_projection_origin", p.at(kLongitudeNatural));
      out.emplace_back("standard_parallel", p.at(kParallel1));
      false_origin();
      return "mercator";
    case 9810:  // polar stereographic (variant A)
      out.emplace_back("straight_vertical_longitude_from_pole", p.at(kLongitudeNatural));
      out.emplace_back("latitude_of_projection_origin", p.at(kLatitudeNatural));
      out.emplace_back("scale_factor_at_projection_origin", p.at(kScaleNatural));
      false_origin();
      return "polar_stereographic";
    case 9829:  // polar stereographic (variant B)
      out.emplace_back("straight_vertical_longitude_from_pole", p.at(kLongitudeOrigin));
      out.emplace_back("latitude_of_projection_origin",
                       std::copysign(90.0, p.at(kLatitudeStandard)));
      out.emplace_back("standard_parallel", p.at(kLatitudeStandard));
      false_origin();
      return "polar_stereographic";
    case 9835:  // Lambert cylindrical equal area
    case 9834:  // ... on a sphere
      out.emplace_back("longitude_of_central_meridian", p.at(kLongitudeNatural));
      out.emplace_back("standard_parallel", p.at(kParallel1));
      false_origin();
      return "lambert_cylindrical_equal_area";
    default:
      break;
  }
  if (method_name == "Sinusoidal") {
    out.emplace_back("longitude_of_projection_origin", p.at(kLongitudeNatural));
    false_origin();
    return "sinusoidal";
  }
  return "";
}

/// Names and shape of the datum under `geodetic`.
void datum_attributes(const json& geodetic, Attributes& out) {
  const json datum = geodetic.contains("datum")            ? geodetic.at("datum")
                     : geodetic.contains("datum_ensemble") ? geodetic.at("datum_ensemble")
                                                           : json::object();
  const json ellipsoid = datum.value("ellipsoid", json::object());
  if (const auto radius = quantity(ellipsoid, "radius")) {
    out.emplace_back("earth_radius", *radius);
  } else if (const auto a = quantity(ellipsoid, "semi_major_axis")) {
    const auto inverse_flattening = quantity(ellipsoid, "inverse_flattening");
    const auto b = quantity(ellipsoid, "semi_minor_axis");
    if (inverse_flattening && *inverse_flattening != 0) {
      out.emplace_back("semi_major_axis", *a);
      out.emplace_back("inverse_flattening", *inverse_flattening);
    } else if (b && *b != *a) {
      out.emplace_back("semi_major_axis", *a);
      out.emplace_back("semi_minor_axis", *b);
    } else {
      out.emplace_back("earth_radius", *a);
    }
  }
  double prime_meridian = 0;
  std::string prime_meridian_name = "Greenwich";
  if (const auto meridian = datum.find("prime_meridian"); meridian != datum.end()) {
    prime_meridian = quantity(*meridian, "longitude").value_or(0);
    prime_meridian_name = text_of(*meridian, "name");
  }
  out.emplace_back("longitude_of_prime_meridian", prime_meridian);
  out.emplace_back("prime_meridian_name", prime_meridian_name);
  if (const std::string name = text_of(ellipsoid, "name"); !name.empty())
    out.emplace_back("reference_ellipsoid_name", name);
  if (const std::string name = text_of(datum, "name"); !name.empty())
    out.emplace_back("horizontal_datum_name", name);
  if (const std::string name = text_of(geodetic, "name"); !name.empty())
    out.emplace_back("geographic_crs_name", name);
}

std::string coordinate_unit(double metres, const std::string& crs) {
  const auto near = [metres](double value) { return std::fabs(metres / value - 1) < 1e-12; };
  if (near(1)) return "m";
  if (near(1000)) return "km";
  if (near(0.3048)) return "international_foot";
  if (near(1200.0 / 3937.0)) return "US_survey_foot";
  throw Error(Code::data, "the CRS counts in a unit that NetCDF files cannot name")
      .found(crs + ": " + std::to_string(metres) + " m a unit")
      .expected("metres, kilometres, feet or US survey feet")
      .hint("choose another grid.crs");
}

}  // namespace

GridMapping describe_grid_mapping(const std::string& crs) {
  OGRSpatialReference srs;
  const char* const restrictions[] = {"ALLOW_NETWORK_ACCESS=NO", "ALLOW_FILE_ACCESS=NO", nullptr};
  CPLPushErrorHandler(CPLQuietErrorHandler);
  const bool understood =
      srs.SetFromUserInput(crs.c_str(), const_cast<char**>(restrictions)) == OGRERR_NONE;
  CPLPopErrorHandler();
  if (!understood)
    throw Error(Code::data, "PROJ does not understand the CRS").found(crs).expected("EPSG:5070");

  GridMapping mapping;
  mapping.wkt2 = exported(srs, "WKT2_2019");
  mapping.wkt1 = exported(srs, "WKT1_GDAL");
  if (mapping.wkt1.empty()) mapping.wkt1 = mapping.wkt2;
  mapping.projjson = projjson_of(srs);
  if (const char* authority = srs.GetAuthorityName(nullptr);
      authority != nullptr && std::string(authority) == "EPSG" &&
      srs.GetAuthorityCode(nullptr) != nullptr)
    mapping.epsg = std::atoi(srs.GetAuthorityCode(nullptr));

  const json document = json::parse(mapping.projjson);
  const json& crs_json = horizontal(document);
  mapping.geographic = srs.IsGeographic() != 0;
  Attributes shape;
  if (mapping.geographic) {
    if (std::fabs(srs.GetAngularUnits() * 180.0 / M_PI - 1) > 1e-9)
      throw Error(Code::data, "a geographic grid must count in degrees").found(crs);
    mapping.unit = "degrees";
    mapping.name = "latitude_longitude";
    datum_attributes(crs_json, shape);
  } else if (crs_json.contains("conversion")) {
    const double unit_factor = srs.GetLinearUnits();
    mapping.unit = coordinate_unit(unit_factor, crs);
    mapping.metres = unit_factor;
    Attributes parameters;
    mapping.name = projection(crs_json.at("conversion"), unit_factor, parameters);
    if (!mapping.name.empty()) shape = std::move(parameters);
    if (crs_json.contains("base_crs")) datum_attributes(unbound(crs_json.at("base_crs")), shape);
    if (const std::string name = text_of(crs_json, "name"); !name.empty())
      shape.emplace_back("projected_crs_name", name);
  } else {
    throw Error(Code::data, "a grid needs a projected or geographic CRS").found(crs);
  }
  mapping.attributes = std::move(shape);
  return mapping;
}

}  // namespace fluxtile
