// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <optional>

#include "base/digest.h"
#include "base/file_name.h"
#include "geo/sound_window.h"
#include "pipeline/plan.h"

// Plans as JSON and back: one line a struct, so that a new field cannot be written without being
// read.

namespace nlohmann {
template <typename T>
struct adl_serializer<std::optional<T>> {
  static void to_json(json& j, const std::optional<T>& value) {
    j = value ? json(*value) : json(nullptr);
  }
  static void from_json(const json& j, std::optional<T>& value) {
    value = j.is_null() ? std::nullopt : std::optional<T>(j.get<T>());
  }
};
}  // namespace nlohmann

namespace fluxtile {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CellWindow, column, row, width, height)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Lattice, crs, resolution, origin_x, origin_y)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Date, year, month, day)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Packing, scale, offset, nodata, fill_values)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(UnitConversion, factor, offset)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Operation, pipeline, name, accuracy_m, ballpark, missing_grid)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LayerRef, path, band, variable, step)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CompositeRef, layer, first, end, operation)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GppSource, composites, packing, linear, resample, max_gap,
                                   negative_zero, dormant_zero, conversion, interval_sum, unit)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClimateRun, path, variable, first, count, step)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClimateSourceVariable, name, runs)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClimateTermSource, input, kind, sources, conversions, result)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClimateSource, variables, terms, packing, resample, operation,
                                   max_gap, bridged_days)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(StaticSource, input, layer, packing, resample, conversion,
                                   operation)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CropYear, year, layer, substituted, operation)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CropSource, years, packing, codes, mode, min_share)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Sources, operations, gpp, climate, statics, crop)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(YearStep, year, spinup, days, complete)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Member, package, engine, crop_type, weight)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TileUnit, region, window, cells)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EngineOptions, engine, device, precision)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlanRegion, name, file_name, outline, window, cells, members,
                                   variables, annual_variables, state_size, open_size, result_key,
                                   warnings)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlanFile, path, size, mtime_ns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlanCoverage, input, first, last, note, files, missing)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PlanEstimate, tile_bytes, fixed_bytes, tiles_in_flight,
                                   result_bytes, state_bytes, product_bytes, seconds,
                                   pixel_years_per_second, precision_errors)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Plan, format, id, name, lattice, tile, boundaries_crs,
                                   to_boundaries, regions, units, steps, step_stamps, sources,
                                   packages, package_names, package_digests, crop_types, year_rule,
                                   engine, engine_identity, keep_within_year, scratch, daily,
                                   synthetic_model, synthetic_inputs, start, end, threads, memory,
                                   files, coverage, warnings, estimate)

namespace {

/// Of everything that a plan says, for its own file: a flipped character must not become a plan.
std::string checksum_of(const nlohmann::json& plan) {
  return Digest()
      .add_text(plan.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
      .hex();
}

Error unreadable(const std::string& cause, const std::string& path) {
  return std::move(Error(Code::data, "the plan cannot be read: " + cause)
                       .file(path)
                       .hint("remove it; the next run writes it anew"));
}

}  // namespace

std::string plan_to_json(const Plan& plan) {
  nlohmann::json json(plan);
  json["checksum"] = checksum_of(json);
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

namespace {

/// What others index with or make paths of. Throws Error(data).
void check_plan(const Plan& plan, const std::string& path) {
  const auto require = [&](bool holds, const char* what) {
    if (holds) return;
    throw Error(Code::data, std::string("the plan does not hang together: ") + what)
        .file(path)
        .hint("remove it; the next run writes it anew");
  };
  for (const PlanRegion& region : plan.regions) {
    require(region.file_name == file_name_of(region.name), "the name of a region's files");
    require(is_sound(region.window), "the window of a region");
    for (const Member& member : region.members)
      require(member.engine < plan.packages.size(), "the package of a member");
  }
  for (const TileUnit& unit : plan.units)
    require(unit.region < plan.regions.size() && is_sound(unit.window) && !unit.window.empty() &&
                unit.cells >= 0 && unit.cells <= unit.window.cells(),
            "a tile");
  require(plan.package_names.size() == plan.packages.size() &&
              plan.package_digests.size() == plan.packages.size(),
          "the packages");
  require(plan.step_stamps.size() == plan.steps.size(), "the years");
  const auto is_year = [](int year) { return year >= 1 && year <= 9999; };
  for (const YearStep& step : plan.steps)
    require(is_year(step.year) && step.days >= 0 && step.days <= 366, "a year");
  require(plan.lattice.resolution > 0 && plan.tile > 0 && plan.threads > 0, "the grid");
}

}  // namespace

Plan plan_from_json(const std::string& text, const std::string& path) {
  try {
    auto json = nlohmann::json::parse(text);
    const int format = json.at("format").get<int>();
    if (format > Plan().format) {
      throw Error(Code::data, "this plan was written by a newer fluxtile")
          .file(path)
          .found("format " + std::to_string(format));
    }
    const auto checksum = json.at("checksum").get<std::string>();
    json.erase("checksum");
    if (checksum_of(json) != checksum) throw unreadable("its checksum does not fit", path);
    Plan plan = json.get<Plan>();
    check_plan(plan, path);
    return plan;
  } catch (const nlohmann::json::exception& error) {
    throw unreadable(error.what(), path);
  }
}

}  // namespace fluxtile
