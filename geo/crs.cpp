// SPDX-License-Identifier: Apache-2.0
#include "geo/crs.h"

#include <geodesic.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "geo/proj_context.h"

namespace fluxtile {
namespace {

constexpr double degrees_per_radian = 57.295779513082320876798154814105;

bool is_geographic(PJ_TYPE type) {
  return type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS;
}

/// The CRS that carries the coordinate system: a bound CRS wraps it, a compound one starts with it.
PjPtr unwrapped(PjPtr crs) {
  for (;;) {
    const PJ_TYPE type = proj_get_type(crs.get());
    if (type == PJ_TYPE_BOUND_CRS)
      crs = PjPtr(proj_get_source_crs(proj_context(), crs.get()));
    else if (type == PJ_TYPE_COMPOUND_CRS)
      crs = PjPtr(proj_crs_get_sub_crs(proj_context(), crs.get(), 0));
    else
      return crs;
    if (!crs) throw Error(Code::data, "a CRS without a horizontal part");
  }
}

PjPtr crs_from_text(const std::string& definition) {
  std::string text = definition;
  const bool proj_string =
      text.find("+proj=") != std::string::npos || text.find("+init=") != std::string::npos;
  if (proj_string && text.find("+type=crs") == std::string::npos) text += " +type=crs";
  take_proj_messages();
  PjPtr crs(proj_create(proj_context(), text.c_str()));
  if (!crs || proj_is_crs(crs.get()) == 0) {
    const std::string said = take_proj_messages();
    throw Error(Code::data, "this is no coordinate reference system" +
                                (said.empty() ? std::string() : " (" + said + ")"))
        .found(definition.empty() ? "nothing" : definition.substr(0, 300))
        .expected("an authority code such as EPSG:5070, WKT, or a PROJ string");
  }
  return crs;
}

}  // namespace

Crs Crs::from_user_input(const std::string& definition) {
  PjPtr whole = crs_from_text(definition);
  if (proj_get_type(whole.get()) == PJ_TYPE_COMPOUND_CRS)
    whole = PjPtr(proj_crs_get_sub_crs(proj_context(), whole.get(), 0));
  if (!whole) throw Error(Code::data, "a CRS without a horizontal part").found(definition);
  const PjPtr core = unwrapped(PjPtr(proj_clone(proj_context(), whole.get())));
  Crs crs;
  crs.geographic_ = is_geographic(proj_get_type(core.get()));
  if (!crs.geographic_ && proj_get_type(core.get()) != PJ_TYPE_PROJECTED_CRS)
    throw Error(Code::data, "a CRS that is neither geographic nor projected")
        .found(definition.substr(0, 300))
        .expected("longitude/latitude or a map projection");
  const char* const options[] = {"MULTILINE=NO", nullptr};
  const char* wkt = proj_as_wkt(proj_context(), whole.get(), PJ_WKT2_2019, options);
  if (wkt == nullptr)
    throw Error(Code::data, "PROJ cannot write this CRS as WKT").found(definition.substr(0, 300));
  crs.wkt_ = wkt;

  const char* authority = proj_get_id_auth_name(core.get(), 0);
  const char* code = proj_get_id_code(core.get(), 0);
  const char* name = proj_get_name(core.get());
  if (authority != nullptr && code != nullptr) crs.name_ = std::string(authority) + ":" + code;
  if (name != nullptr && *name != '\0')
    crs.name_ += (crs.name_.empty() ? "" : " ") + std::string(name);

  const PjPtr system(proj_crs_get_coordinate_system(proj_context(), core.get()));
  double factor = 1;
  if (!system || proj_cs_get_axis_info(proj_context(), system.get(), 0, nullptr, nullptr, nullptr,
                                       &factor, nullptr, nullptr, nullptr) == 0)
    throw Error(Code::data, "PROJ does not tell the axes of this CRS").found(crs.name_);
  crs.unit_factor_ = crs.geographic_ ? factor * degrees_per_radian : factor;
  // A degree is 0.0174532925199433 rad in databases: 15 digits, not exactly pi/180.
  if (crs.geographic_ && std::abs(crs.unit_factor_ - 1) < 1e-12) crs.unit_factor_ = 1;
  return crs;
}

bool Crs::same_as(const Crs& other) const {
  if (wkt_ == other.wkt_) return true;
  if (empty() || other.empty()) return false;
  const PjPtr a = crs_from_text(wkt_), b = crs_from_text(other.wkt_);
  return proj_is_equivalent_to_with_ctx(proj_context(), a.get(), b.get(),
                                        PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS) != 0;
}

Transform::Transform(const Operation& operation) : pipeline_(operation.pipeline) {}
Transform::Transform(const std::string& pipeline) : pipeline_(pipeline) {}

namespace {

void transform_points(const std::string& pipeline, PJ_DIRECTION direction, double* x, double* y,
                      size_t n) {
  if (n == 0 || pipeline.empty()) return;
  PJ* instance = pipeline_instance(pipeline);
  proj_errno_reset(instance);
  proj_trans_generic(instance, direction, x, sizeof(double), n, y, sizeof(double), n, nullptr, 0, 0,
                     nullptr, 0, 0);
  for (size_t i = 0; i < n; ++i)
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) x[i] = y[i] = HUGE_VAL;
}

}  // namespace

void Transform::forward(double* x, double* y, size_t n) const {
  transform_points(pipeline_, PJ_FWD, x, y, n);
}

void Transform::inverse(double* x, double* y, size_t n) const {
  transform_points(pipeline_, PJ_INV, x, y, n);
}

double geodesic_area(const double* longitude, const double* latitude, size_t n, double a,
                     double inverse_flattening) {
  geod_geodesic ellipsoid;
  geod_init(&ellipsoid, a, inverse_flattening == 0 ? 0 : 1 / inverse_flattening);
  geod_polygon polygon;
  geod_polygon_init(&polygon, 0);
  for (size_t i = 0; i < n; ++i)
    geod_polygon_addpoint(&ellipsoid, &polygon, latitude[i], longitude[i]);
  double area = 0, perimeter = 0;
  geod_polygon_compute(&ellipsoid, &polygon, 0, 1, &area, &perimeter);
  return std::abs(area);
}

void ellipsoid_of(const Crs& crs, double& a, double& inverse_flattening) {
  const PjPtr core = unwrapped(crs_from_text(crs.wkt()));
  const PjPtr ellipsoid(proj_get_ellipsoid(proj_context(), core.get()));
  double b = 0;
  int computed = 0;
  if (!ellipsoid || proj_ellipsoid_get_parameters(proj_context(), ellipsoid.get(), &a, &b,
                                                  &computed, &inverse_flattening) == 0)
    throw Error(Code::data, "PROJ does not tell the ellipsoid of this CRS").found(crs.name());
}

Crs geodetic_base(const Crs& crs) {
  if (crs.geographic()) return crs;
  const PjPtr core = unwrapped(crs_from_text(crs.wkt()));
  const PjPtr base(proj_crs_get_geodetic_crs(proj_context(), core.get()));
  const char* wkt = base ? proj_as_wkt(proj_context(), base.get(), PJ_WKT2_2019, nullptr) : nullptr;
  if (wkt == nullptr)
    throw Error(Code::data, "PROJ does not tell the geodetic CRS under this one").found(crs.name());
  return Crs::from_user_input(wkt);
}

}  // namespace fluxtile
