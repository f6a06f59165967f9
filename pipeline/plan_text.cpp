// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <optional>

#include "base/digest.h"
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
    return json.get<Plan>();
  } catch (const nlohmann::json::exception& error) {
    throw unreadable(error.what(), path);
  }
}

}  // namespace fluxtile
