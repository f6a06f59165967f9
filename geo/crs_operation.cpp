// SPDX-License-Identifier: Apache-2.0
// Which coordinate operation leads from one CRS to another, as one PROJ pipeline text.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/error.h"
#include "geo/crs.h"
#include "geo/proj_context.h"

namespace fluxtile {
namespace {

struct DestroyList {
  void operator()(PJ_OBJ_LIST* list) const noexcept { proj_list_destroy(list); }
};
struct DestroyFactory {
  void operator()(PJ_OPERATION_FACTORY_CONTEXT* factory) const noexcept {
    proj_operation_factory_context_destroy(factory);
  }
};
using ListPtr = std::unique_ptr<PJ_OBJ_LIST, DestroyList>;
using FactoryPtr = std::unique_ptr<PJ_OPERATION_FACTORY_CONTEXT, DestroyFactory>;

std::string lower(const char* text) {
  std::string out;
  for (const char* c = text == nullptr ? "" : text; *c != '\0'; ++c)
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  return out;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

PjPtr object(const Crs& crs) {
  PjPtr made(proj_create(proj_context(), crs.wkt().c_str()));
  if (!made) throw Error(Code::data, "no CRS to transform from or to");
  return made;
}

/// The CRS without the TOWGS84 parameters it may be bound to.
PjPtr unbound(const Crs& crs) {
  PjPtr made = object(crs);
  while (made && proj_get_type(made.get()) == PJ_TYPE_BOUND_CRS)
    made = PjPtr(proj_get_source_crs(proj_context(), made.get()));
  return made;
}

/// Whether the CRS is bound to TOWGS84 parameters that move coordinates.
bool shifted_to_wgs84(const Crs& crs) {
  PJ_CONTEXT* context = proj_context();
  const PjPtr whole = object(crs);
  if (proj_get_type(whole.get()) != PJ_TYPE_BOUND_CRS) return false;
  const PjPtr shift(proj_crs_get_coordoperation(context, whole.get()));
  double values[7] = {};
  if (!shift || proj_coordoperation_get_towgs84_values(context, shift.get(), values, 7, 0) == 0)
    return true;  // bound by a grid
  return std::any_of(values, values + 7, [](double v) { return v != 0; });
}

/// Whether the datum takes part in the null rule: NAD83 and WGS84 in any realisation (they differ
/// by 2 m at most), a sphere, or an ellipsoid without a datum and without TOWGS84 parameters.
bool null_rule_applies(const Crs& crs, PJ* geodetic) {
  PJ_CONTEXT* context = proj_context();
  const PjPtr datum(proj_crs_get_datum_forced(context, geodetic));
  const std::string name = lower(datum ? proj_get_name(datum.get()) : "unknown");
  for (const char* known : {"north american datum 1983", "north_american_datum_1983", "nad83",
                            "world geodetic system 1984", "wgs_1984", "wgs 84", "wgs84"})
    if (name.compare(0, std::string(known).size(), known) == 0 || name == "d_" + std::string(known))
      return true;
  if (shifted_to_wgs84(crs)) return false;
  if (name.empty() || has(name, "unknown") || has(name, "unnamed") || has(name, "not specified") ||
      has(name, "not_specified"))
    return true;
  const PjPtr ellipsoid(proj_get_ellipsoid(context, geodetic));
  double a = 0, b = 0, inverse_flattening = 1;
  int computed = 0;
  return ellipsoid &&
         proj_ellipsoid_get_parameters(context, ellipsoid.get(), &a, &b, &computed,
                                       &inverse_flattening) != 0 &&
         inverse_flattening == 0;
}

using Steps = std::vector<std::string>;  ///< "+proj=..." or "+inv +proj=...", in order

Steps steps_of(const std::string& pipeline) {
  Steps steps;
  const std::string head = "+proj=pipeline";
  if (pipeline.compare(0, head.size(), head) != 0) {
    if (!has(pipeline, "+proj=noop") && !pipeline.empty()) steps.push_back(pipeline);
    return steps;
  }
  const std::string mark = "+step ";
  size_t at = pipeline.find(mark);
  while (at != std::string::npos) {
    at += mark.size();
    const size_t next = pipeline.find(mark, at);
    std::string step = pipeline.substr(at, next == std::string::npos ? next : next - at);
    while (!step.empty() && step.back() == ' ') step.pop_back();
    steps.push_back(step);
    at = next;
  }
  return steps;
}

std::string pipeline_of(const Steps& steps) {
  if (steps.empty()) return {};
  std::string text = "+proj=pipeline";
  for (const auto& step : steps) text += " +step " + step;
  return text;
}

/// A step that undoes `step` exactly, where its text alone tells it.
Steps reversed(const Steps& steps) {
  Steps out;
  const std::string mark = "+inv ";
  for (auto step = steps.rbegin(); step != steps.rend(); ++step)
    out.push_back(step->compare(0, mark.size(), mark) == 0 ? step->substr(mark.size())
                                                           : mark + *step);
  return out;
}

/// Normalises `+inv +proj=unitconvert +xy_in=A +xy_out=B`, then drops neighbours that cancel
/// (radians to degrees and back), so that the shortest exact chain is left.
Steps simplified(const Steps& steps) {
  Steps out;
  for (std::string step : steps) {
    char in[64], to[64];
    if (std::sscanf(step.c_str(), "+inv +proj=unitconvert +xy_in=%63s +xy_out=%63s", in, to) == 2)
      step = std::string("+proj=unitconvert +xy_in=") + to + " +xy_out=" + in;
    const bool cancels =
        !out.empty() && (step == "+inv " + out.back() || out.back() == "+inv " + step ||
                         (step == "+proj=unitconvert +xy_in=deg +xy_out=rad" &&
                          out.back() == "+proj=unitconvert +xy_in=rad +xy_out=deg") ||
                         (step == "+proj=unitconvert +xy_in=rad +xy_out=deg" &&
                          out.back() == "+proj=unitconvert +xy_in=deg +xy_out=rad"));
    if (cancels)
      out.pop_back();
    else
      out.push_back(step);
  }
  return out;
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// The map projection of a CRS undone: its own x/y to longitude/latitude in degrees east of
/// Greenwich on its own datum. An exact conversion without a datum step.
Steps to_geodetic_steps(const Crs& crs) {
  PJ_CONTEXT* context = proj_context();
  const PjPtr core = unbound(crs);
  const PjPtr base(proj_crs_get_geodetic_crs(context, core.get()));
  if (!base) throw Error(Code::data, "PROJ does not tell the geodetic CRS").found(crs.name());
  Steps steps;
  if (!crs.geographic()) {
    const FactoryPtr factory(proj_create_operation_factory_context(context, nullptr));
    const ListPtr list(proj_create_operations(context, core.get(), base.get(), factory.get()));
    PjPtr conversion(list && proj_list_get_count(list.get()) > 0
                         ? proj_list_get(context, list.get(), 0)
                         : nullptr);
    if (conversion) conversion = PjPtr(proj_normalize_for_visualization(context, conversion.get()));
    const char* text =
        conversion ? proj_as_proj_string(context, conversion.get(), PJ_PROJ_5, nullptr) : nullptr;
    if (text == nullptr)
      throw Error(Code::data, "PROJ knows no formula for the map projection of " + crs.name() +
                                  ": " + take_proj_messages());
    steps = steps_of(text);
  }
  const Crs geodetic = geodetic_base(crs);
  if (geodetic.unit_factor() != 1)
    steps.push_back("+proj=affine +s11=" + number(geodetic.unit_factor()) +
                    " +s22=" + number(geodetic.unit_factor()));
  const PjPtr meridian(proj_get_prime_meridian(context, base.get()));
  double longitude = 0, to_radians = 0;
  if (meridian &&
      proj_prime_meridian_get_parameters(context, meridian.get(), &longitude, &to_radians,
                                         nullptr) != 0 &&
      longitude != 0)
    steps.push_back("+proj=affine +xoff=" + number(longitude * to_radians * 180 / M_PI));
  return steps;
}

/// The best operation PROJ offers between two CRSs of different datum.
Operation datum_operation(const Crs& from, const Crs& to) {
  PJ_CONTEXT* context = proj_context();
  const PjPtr source = object(from), target = object(to);
  const FactoryPtr factory(proj_create_operation_factory_context(context, nullptr));
  proj_operation_factory_context_set_grid_availability_use(context, factory.get(),
                                                           PROJ_GRID_AVAILABILITY_IGNORED);
  proj_operation_factory_context_set_spatial_criterion(context, factory.get(),
                                                       PROJ_SPATIAL_CRITERION_STRICT_CONTAINMENT);
  const ListPtr list(proj_create_operations(context, source.get(), target.get(), factory.get()));
  const int count = list ? proj_list_get_count(list.get()) : 0;

  std::optional<Operation> best;
  double best_missing = HUGE_VAL;
  std::string missing;
  for (int i = 0; i < count; ++i) {
    PjPtr candidate(proj_list_get(context, list.get(), i));
    if (candidate) candidate = PjPtr(proj_normalize_for_visualization(context, candidate.get()));
    if (!candidate) continue;
    Operation operation;
    operation.name = proj_get_name(candidate.get());
    operation.accuracy_m = proj_coordoperation_get_accuracy(context, candidate.get());
    operation.ballpark =
        proj_coordoperation_has_ballpark_transformation(context, candidate.get()) != 0;
    if (operation.ballpark) operation.accuracy_m = -1;
    const double accuracy = operation.accuracy_m < 0 ? HUGE_VAL : operation.accuracy_m;
    bool present = true;
    const int grids = proj_coordoperation_get_grid_used_count(context, candidate.get());
    for (int g = 0; g < grids; ++g) {
      const char *short_name = nullptr, *full_name = nullptr, *package = nullptr, *url = nullptr;
      int direct = 0, open = 0, available = 0;
      if (proj_coordoperation_get_grid_used(context, candidate.get(), g, &short_name, &full_name,
                                            &package, &url, &direct, &open, &available) == 0 ||
          available == 0) {
        present = false;
        if (accuracy < best_missing && short_name != nullptr) {
          best_missing = accuracy;
          missing = short_name;
        }
      }
    }
    if (!present) continue;
    const char* text = proj_as_proj_string(context, candidate.get(), PJ_PROJ_5, nullptr);
    if (text == nullptr) continue;
    operation.pipeline = pipeline_of(steps_of(text));
    const double best_so_far = !best || best->accuracy_m < 0 ? HUGE_VAL : best->accuracy_m;
    if (!best || accuracy < best_so_far) best = operation;
  }
  if (!best)
    throw Error(Code::data, "PROJ knows no operation from " + from.name() + " to " + to.name())
        .found(missing.empty() ? take_proj_messages() : "its grid " + missing + " is not installed")
        .hint("install the PROJ grids, or give the input in another CRS");
  const double accuracy = best->accuracy_m < 0 ? HUGE_VAL : best->accuracy_m;
  if (best_missing < accuracy) best->missing_grid = missing;
  return *best;
}

}  // namespace

Operation choose_operation(const Crs& from, const Crs& to) {
  if (from.empty() || to.empty()) throw Error(Code::data, "no CRS to transform from or to");
  Operation operation;
  operation.name = "same CRS";
  if (from.same_as(to)) return operation;

  PJ_CONTEXT* context = proj_context();
  const PjPtr from_core = unbound(from), to_core = unbound(to);
  const PjPtr from_base(proj_crs_get_geodetic_crs(context, from_core.get()));
  const PjPtr to_base(proj_crs_get_geodetic_crs(context, to_core.get()));
  if (!from_base || !to_base)
    throw Error(Code::data, "no geodetic CRS under " + (from_base ? to : from).name());
  const PjPtr from_datum(proj_crs_get_datum_forced(context, from_base.get()));
  const PjPtr to_datum(proj_crs_get_datum_forced(context, to_base.get()));
  const bool same_datum = from_datum && to_datum && !shifted_to_wgs84(from) &&
                          !shifted_to_wgs84(to) &&
                          proj_is_equivalent_to_with_ctx(context, from_datum.get(), to_datum.get(),
                                                         PJ_COMP_EQUIVALENT) != 0;
  if (!same_datum &&
      !(null_rule_applies(from, from_base.get()) && null_rule_applies(to, to_base.get())))
    return datum_operation(from, to);

  Steps steps = to_geodetic_steps(from);
  for (auto& step : reversed(to_geodetic_steps(to))) steps.push_back(step);
  operation.pipeline = pipeline_of(simplified(steps));
  operation.name = from.name() + " to " + to.name() +
                   (same_datum ? ": map projection only" : ": map projection, null datum step");
  return operation;
}

void require_accuracy(const Operation& operation, double cell_m) {
  const bool unknown = operation.ballpark || operation.accuracy_m < 0;
  if (!unknown && operation.accuracy_m <= cell_m / 4) return;
  char found[80], expected[80];
  std::snprintf(found, sizeof found, "accuracy %.3g m", operation.accuracy_m);
  std::snprintf(expected, sizeof expected, "%.4g m or better (a quarter of a cell)", cell_m / 4);
  throw Error(Code::data, "the coordinate operation is not accurate enough: " + operation.name)
      .found(operation.ballpark ? "PROJ knows no real datum transformation between the two"
             : unknown          ? "PROJ does not tell its accuracy"
                                : found)
      .expected(expected)
      .hint(operation.missing_grid.empty()
                ? "give the input in another CRS, or use a coarser grid"
                : "install the PROJ grid " + operation.missing_grid +
                      " (package proj-data or cdn.proj.org); grids are never fetched from the "
                      "network");
}

}  // namespace fluxtile
