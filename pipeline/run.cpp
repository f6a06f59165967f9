// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/work_span.h"
#include "pipeline/finish.h"
#include "pipeline/graph.h"
#include "pipeline/heap_limits.h"
#include "pipeline/input_watch.h"
#include "pipeline/new_inputs.h"
#include "pipeline/run_presence.h"
#include "pipeline/run_record.h"
#include "pipeline/run_watch.h"
#include "pipeline/timeline.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

/// Adds what a second pass over the tiles did; what it kept was counted by the first.
void add(RunTally& tally, const RunTally& more) {
  if (tally.tile_years_done + tally.tile_years_kept == 0) {
    tally = more;
    return;
  }
  tally.tile_years_done += more.tile_years_done;
  tally.tiles_failed += more.tiles_failed;
  tally.pixel_years += more.pixel_years;
  tally.pixel_days += more.pixel_days;
  tally.wall_seconds += more.wall_seconds;
}

void warn(const Plan& plan) {
  for (const auto& warning : plan.warnings) spdlog::warn("{}", warning);
  if (plan.synthetic_model) spdlog::warn("model trained on synthetic data: every product says so");
}

std::vector<TileUnit> units_of_shard(const Plan& plan, const VerbOptions& options) {
  if (!options.shard) return plan.units;
  std::vector<TileUnit> units;
  for (size_t k = static_cast<size_t>(*options.shard); k < plan.units.size();
       k += static_cast<size_t>(*options.shards)) {
    units.push_back(plan.units[k]);
  }
  return units;
}

void tell_plan(const Plan& plan, const std::vector<TileUnit>& units, const Config& config,
               const VerbOptions& options) {
  if (options.watch == nullptr) return;
  options.watch->planned(planned_facts(
      plan, units, new_inputs(plan, private_folder(config), options.watch->products_plan())));
}

/// Removes what killed runs of this host left half-written.
void sweep(const RunStages& stages, const Config& config, const std::vector<TileUnit>& units) {
  remove_stale_parts(config.output_directory);
  remove_stale_parts(private_folder(config));
  std::error_code none;
  for (std::filesystem::directory_iterator folder(private_folder(config), none), end;
       !none && folder != end; folder.increment(none))
    if (std::error_code gone; folder->is_directory(gone))
      remove_stale_parts(folder->path().string());
  const Plan& plan = *stages.plan;
  for (const auto& region : plan.regions)
    remove_stale_parts(private_folder(config) + "/failures/" + region.file_name);
  for (const auto& unit : units) {
    const std::filesystem::path file = stages.write->tile_year_path(
        plan.regions[unit.region].file_name, unit, 0, plan.steps.front().year);
    remove_stale_parts(file.parent_path().string());
  }
}

}  // namespace

int run_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  const auto begin = std::chrono::steady_clock::now();
  std::shared_ptr<Timeline> timeline;
  if (!options.timeline.empty()) {
    timeline = std::make_shared<Timeline>();
    timeline->listen();
  }
  require_own_folder(config);
  PlannedRun planned = [&] {
    const WorkSpan span("plan");
    return open_plan(config, options, options.shard ? PlanUse::shard : PlanUse::run);
  }();
  warn(planned.plan);
  const RunPresence presence(private_folder(config), planned.plan.id, "run");
  Ending ending{"run", begin, product_key_of_record(config), std::nullopt, {}};
  if (!options.shard && !options.fresh) ending.known = nothing_new(planned.plan, config);
  if (planned.plan.engine.engine == "fused") return_large_arrays();
  RunStages stages = [&] {
    const WorkSpan span("engine");
    return make_stages(std::move(planned), config, ending.known ? no_engines() : network_engines(),
                       false);
  }();
  stages.timeline = timeline;
  const Plan& plan = *stages.plan;
  Ledger ledger(stages, private_folder(config));
  const TileMemory memory(plan, config);
  limit_source_blocks(memory.source_block_bytes());
  const auto units = units_of_shard(plan, options);
  tell_plan(plan, units, config, options);
  stages.watch = options.watch;
  sweep(stages, config, units);
  if (options.fresh) ledger.forget_all(units);
  spdlog::info("{}: {} regions, {} tiles, {} years{}, {} on {} threads", plan.name,
               plan.regions.size(), units.size(), plan.steps.size(),
               options.shard ? " (shard " + std::to_string(*options.shard) + ")" : std::string(),
               plan.engine_identity, plan.threads);

  Progress progress(options.progress);
  RunTally tally;
  const auto do_tiles = [&] {
    progress.begin("tile-years", units.size() * plan.steps.size());
    add(tally, run_tiles(stages, ledger, memory, units, progress));
    progress.end();
    require_unchanged_inputs(plan);
    if (options.watch != nullptr) options.watch->tally(tally);
  };
  if (ending.known) {
    tally.tile_years_kept = result_years(plan) * units.size();
    for (const auto& unit : units)
      tally.regions[plan.regions[unit.region].name].tile_years_kept += result_years(plan);
    if (options.watch != nullptr) options.watch->tally(tally);
  } else {
    do_tiles();
  }
  ending.tiles_again = do_tiles;
  spdlog::info(
      "{} tile-years computed, {} kept, {} tiles failed; {} pixel-years, {:.0f} a second",
      tally.tile_years_done, tally.tile_years_kept, tally.tiles_failed, tally.pixel_years,
      tally.wall_seconds > 0 ? static_cast<double>(tally.pixel_years) / tally.wall_seconds : 0.0);
  const int code = options.shard
                       ? (tally.tiles_failed > 0 ? static_cast<int>(Code::tiles_failed) : 0)
                       : finish(stages, ledger, config, options, tally, progress, ending, out);
  if (timeline) {
    write_timeline(
        options.timeline, *timeline, plan.name + ", " + plan.engine_identity,
        [&](int32_t tile) { return ledger.unit_name(units[static_cast<size_t>(tile)]); });
  }
  return code;
}

int merge_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  const auto begin = std::chrono::steady_clock::now();
  require_own_folder(config);
  PlannedRun planned = open_plan(config, options, PlanUse::look);
  warn(planned.plan);
  const RunStages stages = make_stages(std::move(planned), config, no_engines(), false);
  tell_plan(*stages.plan, stages.plan->units, config, options);
  const Ledger ledger(stages, private_folder(config));
  remove_stale_parts(config.output_directory);
  Progress progress(options.progress);
  const Ending ending{"merge", begin, product_key_of_record(config), std::nullopt, {}};
  return finish(stages, ledger, config, options, RunTally(), progress, ending, out);
}

}  // namespace fluxtile
