// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_record.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/process_identity.h"
#include "pipeline/products.h"
#include "pipeline/result_key.h"
#include "pipeline/run_facts.h"

namespace fluxtile {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

constexpr int kFormat = 1;

/// Raised when the same results would be written as other bytes (layout of files, styles,
/// pictures).
constexpr int kProductRules = 1;

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json operations_json(const Plan& plan) {
  Json list = Json::array();
  for (const auto& operation : plan.sources.operations) {
    list.push_back({{"name", operation.name},
                    {"pipeline", operation.pipeline},
                    {"accuracy_m", operation.accuracy_m}});
  }
  return list;
}

Json models_json(const RunStages& stages) {
  Json list = Json::array();
  for (const auto& package : stages.packages) {
    list.push_back({{"name", package->name},
                    {"directory", package->directory},
                    {"architecture", package->architecture},
                    {"weights_sha256", package->weights_sha256},
                    {"parent", package->parent_name},
                    {"synthetic", package->synthetic}});
  }
  return list;
}

}  // namespace

std::string product_key(const Plan& plan, const Config& config, const MergeCheck& check) {
  Digest digest;
  digest.add_value(kProductRules).add_text(FLUXTILE_VERSION).add_text(config.name);
  for (const auto& result : check.region_results) digest.add_text(result);
  for (const auto& region : plan.regions) digest.add_text(region.name).add_text(region.outline);
  for (const auto& failure : check.failed)
    digest.add_text(failure.region + failure.tile).add_value(failure.year);
  for (const auto& layer : product_layers(config)) {
    digest.add_text(layer.name).add_value(layer.period).add_value(layer.statistic);
    digest.add_value(layer.geotiff).add_value(layer.netcdf);
  }
  digest.add_text(to_text(plan.start)).add_text(to_text(plan.end));
  if (!config.gpp.source.empty()) digest.add_text(config.gpp.source);  // the report speaks of it
  if (!config.zones_file.empty())
    digest.add_text(sha256_file(config.zones_file)).add_text(config.zones_key);
  return digest.hex();
}

void require_own_folder(const Config& config) {
  const auto record = read_run_record(config.output_directory);
  if (!record || record->name == config.name) return;
  throw config.lines
      .locate(Error(Code::data, "the output folder holds the products of another run"),
              "outputs.directory")
      .found(config.output_directory + " belongs to `" + record->name + "`")
      .expected("an empty folder, or one of `" + config.name + "`")
      .hint("choose another outputs.directory");
}

bool products_present(const RunRecord& record, const std::string& directory) {
  return !record.products.empty() &&
         std::all_of(record.products.begin(), record.products.end(),
                     [&](const ProductRecord& product) {
                       const std::string path = directory + "/" + product.name;
                       const auto file = plan_file(path);
                       if (!file || file->size != static_cast<int64_t>(product.size)) return false;
                       if (file->mtime_ns == product.mtime_ns) return true;
                       const auto sum = attempt([&] { return sha256_file(path); });
                       return sum.ok() && sum.value() == product.sha256;
                     });
}

namespace {

/// FLUXTILE_RESULT of the region that a product's name begins with; empty for those of all regions.
std::string result_of_product(const std::string& name, const std::string& run, const Plan& plan,
                              const MergeCheck& check) {
  std::string result;
  size_t longest = 0;
  for (size_t r = 0; r < plan.regions.size(); ++r) {
    const std::string stem = run + "_" + plan.regions[r].file_name;
    if (stem.size() < longest || name.size() <= stem.size() || name.rfind(stem, 0) != 0) continue;
    if (name[stem.size()] != '_' && name[stem.size()] != '.') continue;
    longest = stem.size();
    result = check.region_results[r];
  }
  return result;
}

}  // namespace

RunRecord write_run_record(const RunStages& stages, const Config& config, const MergeCheck& check,
                           const Merged& merged, const RunTally& tally, const std::string& key,
                           double seconds) {
  const Plan& plan = *stages.plan;
  RunRecord record;
  record.name = config.name;
  record.product_key = key;
  record.plan = plan.id;
  for (const auto& name : merged.files) {
    const std::string path = config.output_directory + "/" + name;
    const auto file = plan_file(path);
    record.products.push_back({name, sha256_file(path), fs::file_size(path),
                               result_of_product(name, config.name, plan, check),
                               file ? file->mtime_ns : 0});
  }
  Json json;
  json["format"] = kFormat;
  json["software"] = std::string("fluxtile ") + FLUXTILE_VERSION;
  json["name"] = config.name;
  json["configuration"] = config.path;
  json["finished"] = now_utc();
  json["host"] = this_host();
  json["plan"] = plan.id;
  json["product_key"] = key;
  json["period"] = {{"start", to_text(plan.start)}, {"end", to_text(plan.end)}};
  json["engine"] = plan.engine_identity;
  json["precision"] = plan.engine.precision;
  json["models"] = models_json(stages);
  json["synthetic_model"] = plan.synthetic_model;
  if (plan.synthetic_model) json["warning"] = "model trained on synthetic data";
  Json regions = Json::array();
  for (size_t r = 0; r < plan.regions.size(); ++r) {
    const PlanRegion& region = plan.regions[r];
    std::vector<std::string> members;
    for (const auto& member : region.members) members.push_back(member.package);
    regions.push_back({{"name", region.name},
                       {"result", check.region_results[r]},
                       {"models", members},
                       {"cells", region.cells},
                       {"columns", region.window.width},
                       {"rows", region.window.height}});
  }
  json["regions"] = regions;
  json["tiles"] = {{"planned", plan.units.size()},
                   {"failed", check.failed.size()},
                   {"empty", tally.empty_tiles},
                   {"tile_years_computed", tally.tile_years_done},
                   {"tile_years_kept", tally.tile_years_kept}};
  Json failures = Json::array();
  for (const auto& failure : check.failed) {
    failures.push_back({{"region", failure.region},
                        {"tile", failure.tile},
                        {"year", failure.year},
                        {"stage", failure.stage},
                        {"cause", failure.cause},
                        {"input", failure.input}});
  }
  json["failures"] = failures;
  json["cells"] = {{"inside", tally.cells_inside},
                   {"modelled", tally.cells_modelled},
                   {"without_crop", tally.without_crop},
                   {"without_static_input", tally.without_static},
                   {"cell_years_with_too_long_gaps", tally.too_long_gaps},
                   {"cell_years_without_climate", tally.without_climate},
                   {"negative_gpp_values", tally.negative_gpp}};
  Json quality = Json::object();
  for (const auto& [region, counts] : merged.flag_counts) {
    Json flags = Json::object();
    for (size_t bit = 0; bit < counts.size(); ++bit)
      if (counts[bit] > 0) flags[std::to_string(1U << bit)] = counts[bit];
    quality[region] = {{"cell_months", merged.cell_months.at(region)}, {"flags", flags}};
  }
  json["quality"] = quality;
  Json stage_seconds;
  for (const auto& [stage, value] : tally.stage_seconds) stage_seconds[stage] = value;
  json["timings"] = {
      {"total_s", seconds},
      {"tiles_s", tally.wall_seconds},
      {"stage_thread_s", stage_seconds},
      {"pixel_years", tally.pixel_years},
      {"pixel_days", tally.pixel_days},
      {"pixel_years_per_s",
       tally.wall_seconds > 0 ? static_cast<double>(tally.pixel_years) / tally.wall_seconds : 0.0}};
  json["threads"] = plan.threads;
  json["memory"] = {{"promised_bytes", plan.memory}, {"peak_bytes", peak_memory()}};
  json["operations"] = operations_json(plan);
  Json inputs = Json::array();
  for (const auto& file : plan.files)
    inputs.push_back({{"file", file.path}, {"bytes", file.size}, {"mtime_ns", file.mtime_ns}});
  json["inputs"] = inputs;
  json["warnings"] = plan.warnings;
  Json products = Json::array();
  for (const auto& product : record.products) {
    Json entry = {{"file", product.name},
                  {"bytes", product.size},
                  {"sha256", product.sha256},
                  {"mtime_ns", product.mtime_ns}};
    if (!product.result.empty()) entry["result"] = product.result;
    products.push_back(entry);
  }
  json["products"] = products;
  write_atomically(config.output_directory + "/run.json",
                   json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  return record;
}

}  // namespace fluxtile
