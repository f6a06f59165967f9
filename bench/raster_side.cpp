// SPDX-License-Identifier: Apache-2.0
// The raster side of a run alone: everything that `fluxtile run` does with tiles, but the networks
// give zeros at once. Prints one line of JSON.
//   raster_side [--blocks MB] CONFIG [KEY=VALUE...]
// Tile-years of earlier runs are forgotten first. --blocks: keep so much of decoded blocks, not what
// a run keeps.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "geo/raster_source.h"
#include "model/engine_checks.h"
#include "pipeline/config.h"
#include "pipeline/graph.h"
#include "pipeline/heap_limits.h"
#include "pipeline/log.h"

namespace fluxtile {
namespace {

/// Gives zeros for every cell, without reading its inputs.
class ZeroEngine final : public Engine {
 public:
  explicit ZeroEngine(const Package& package) : info_(architecture_info(package.architecture)) {}

  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override {
    check_engine_inputs(inputs, member, state, info_.state_size);
    MemberYear year =
        empty_year(inputs, info_.variables.size(), info_.annual_variables.size(), daily);
    std::fill(year.monthly.begin(), year.monthly.end(), 0.0F);
    std::fill(year.annual.begin(), year.annual.end(), 0.0F);
    std::fill(year.daily.begin(), year.daily.end(), 0.0F);
    year.flags = inputs.flags;
    return year;
  }
  [[nodiscard]] size_t scratch_bytes(size_t /*days*/) const override { return 0; }

 private:
  ArchitectureInfo info_;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Cells that a layer was brought to, over all layers: composites of every year and static inputs
/// on modelled cells, crop maps on cells of the region.
double aligned_cells(const RunStages& stages, const RunTally& tally) {
  const Plan& plan = *stages.plan;
  double layers = static_cast<double>(plan.sources.statics.size());
  for (const auto& step : plan.steps) {
    const auto [first, last] = stages.ingest_gpp->composites_of(step);
    layers += static_cast<double>(last - first);
  }
  return layers * static_cast<double>(tally.cells_modelled) +
         static_cast<double>(plan.sources.crop.years.size()) *
             static_cast<double>(tally.cells_inside);
}

/// What gdalwarp is to do for the same: grid, extent, rasters and their resampling.
nlohmann::ordered_json same_rasters(const Plan& plan) {
  nlohmann::ordered_json json;
  CellWindow all = plan.regions.front().window;
  for (const auto& region : plan.regions) {
    const CellWindow& w = region.window;
    const int64_t right = std::max(all.column + all.width, w.column + w.width);
    const int64_t bottom = std::max(all.row + all.height, w.row + w.height);
    all.column = std::min(all.column, w.column);
    all.row = std::min(all.row, w.row);
    all.width = right - all.column;
    all.height = bottom - all.row;
  }
  const Point first = plan.lattice.corner({all.column, all.row});
  const Point last = plan.lattice.corner({all.column + all.width, all.row + all.height});
  json["crs"] = plan.lattice.crs;
  json["extent"] = {first.x, last.y, last.x, first.y};
  json["size"] = {all.width, all.height};
  const auto add = [&](const LayerRef& layer, Resampling method) {
    if (!layer.variable.empty()) return;  // gdalwarp's NetCDF placement is another
    json["rasters"].push_back({{"file", layer.path}, {"method", to_string(method)}});
  };
  for (const auto& composite : plan.sources.gpp.composites)
    add(composite.layer, plan.sources.gpp.resample);
  for (const auto& source : plan.sources.statics) add(source.layer, source.resample);
  return json;
}

/// `block_bytes` 0: as a run.
int run(const std::string& path, const std::vector<std::string>& overrides, size_t block_bytes) {
  const auto begin = std::chrono::steady_clock::now();
  return_large_arrays();
  initialise_log("error", "text");
  const Config config = read_config(path, overrides, {FLUXTILE_RECIPES});
  initialise_gdal(gdal_cache_bytes(config.run.memory), false);
  VerbOptions options;
  options.allow_synthetic_model = true;
  options.progress = ProgressMode::off;
  const auto zeros = [](const EngineOptions&, const std::shared_ptr<const Package>& package) {
    return std::make_shared<const ZeroEngine>(*package);
  };
  RunStages stages = make_stages(open_plan(config, options, PlanUse::run), config, zeros, false);
  Ledger ledger(stages, private_folder(config));
  ledger.forget_all(stages.plan->units);
  const TileMemory memory(*stages.plan, config);
  limit_source_blocks(block_bytes > 0 ? block_bytes : memory.source_block_bytes());
  Progress progress(options.progress);
  const double planned = seconds_since(begin);
  const RunTally tally = run_tiles(stages, ledger, memory, stages.plan->units, progress);
  const double cells = aligned_cells(stages, tally);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  nlohmann::ordered_json json;
  json["aligned_cells"] = cells;
  json["cells_modelled"] = tally.cells_modelled;
  json["tile_years"] = tally.tile_years_done;
  json["tiles_s"] = tally.wall_seconds;
  json["plan_s"] = planned;
  json["aligned_cells_per_s"] = cells / tally.wall_seconds;
  json["stage_thread_s"] = tally.stage_seconds;
  json["blocks_decoded"] = decoded_source_blocks();
  json["same"] = same_rasters(*stages.plan);
  json["peak_bytes"] = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  std::cout << json.dump() << "\n";
  return tally.tiles_failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fluxtile

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  size_t block_bytes = 0;
  if (words.size() >= 2 && words[0] == "--blocks") {
    block_bytes = std::strtoull(words[1].c_str(), nullptr, 10) * 1000 * 1000;
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty()) {
    std::cerr << "raster_side [--blocks MB] CONFIG [KEY=VALUE...]\n";
    return 64;
  }
  try {
    return fluxtile::run(words[0], {words.begin() + 1, words.end()}, block_bytes);
  } catch (...) {
    std::cerr << fluxtile::current_error().what() << "\n";
    return 65;
  }
}
