// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "base/work_span.h"
#include "pipeline/gpp_product.h"
#include "pipeline/graph.h"
#include "pipeline/heap_limits.h"
#include "pipeline/merge.h"
#include "pipeline/report.h"
#include "pipeline/run_record.h"
#include "pipeline/timeline.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Products that this run wrote earlier and does not ask for any more belong to nothing now.
void remove_former_products(const RunRecord& before, const RunRecord& now,
                            const std::string& directory) {
  for (const auto& old : before.products) {
    const bool kept =
        std::any_of(now.products.begin(), now.products.end(),
                    [&](const ProductRecord& product) { return product.name == old.name; });
    if (kept || old.name.find('/') != std::string::npos) continue;
    std::error_code ignored;
    if (std::filesystem::remove(directory + "/" + old.name, ignored))
      spdlog::info("removed {}, no longer asked for", old.name);
  }
}

/// The first of the missing tiles by name.
std::string missing_text(const std::vector<TileUnit>& missing, const Ledger& ledger) {
  constexpr size_t shown = 10;
  std::string text = "missing";
  for (size_t k = 0; k < std::min(shown, missing.size()); ++k)
    text += (k == 0 ? " " : ", ") + ledger.unit_name(missing[k]);
  if (missing.size() > shown) text += " and " + std::to_string(missing.size() - shown) + " more";
  return text;
}

/// Writes the products of a plan whose tiles are done, or finds that they are there already.
/// Returns the exit code.
int finish(const RunStages& stages, const Ledger& ledger, const Config& config,
           const VerbOptions& options, const RunTally& tally, Progress& progress,
           Clock::time_point begin, std::ostream& out) {
  const Plan& plan = *stages.plan;
  const MergeCheck check = [&] {
    const WorkSpan span("check");
    return check_tiles(stages, ledger);
  }();
  if (!check.missing.empty()) {
    throw Error(Code::data, std::to_string(check.missing.size()) + " of " +
                                std::to_string(plan.units.size()) +
                                " tiles are not done, so nothing is merged")
        .found(missing_text(check.missing, ledger))
        .hint("run or submit again: only what is missing is computed; `fluxtile status` lists it");
  }
  for (const auto& failure : check.failed) {
    if (tally.tiles_failed > 0) break;  // this run has just told
    spdlog::error("tile {}/{} failed in {} ({} attempts): {} {}", failure.region, failure.tile,
                  failure.stage, failure.attempts, failure.cause, failure.input);
  }
  if (static_cast<int64_t>(check.failed.size()) > config.run.max_failed_tiles) {
    throw Error(Code::tiles_failed, std::to_string(check.failed.size()) +
                                        " tiles failed; the products are left as they were")
        .key("run.max_failed_tiles")
        .found(check.failed.front().cause + " " + check.failed.front().input)
        .expected("at most " + std::to_string(config.run.max_failed_tiles) + " failed tiles")
        .hint("mend the inputs and run again, or raise run.max_failed_tiles to map the rest");
  }
  const std::string key = product_key(plan, config, check);
  const auto before = read_run_record(config.output_directory);
  if (!options.fresh && before && before->product_key == key &&
      products_present(*before, config.output_directory)) {
    spdlog::info("nothing to do: {} products are up to date in {}", before->products.size(),
                 config.output_directory);
    out << config.output_directory << "\n";
    return check.failed.empty() ? 0 : static_cast<int>(Code::tiles_failed);
  }
  progress.begin("merge",
                 plan.regions.size() * static_cast<size_t>(std::count_if(
                                           plan.steps.begin(), plan.steps.end(),
                                           [](const YearStep& step) { return !step.spinup; })));
  const Merged merged = [&] {
    const WorkSpan span("merge");
    return merge_products(stages, ledger, config, check, progress);
  }();
  for (const auto& [region, cell_months] : merged.cell_months) {
    if (cell_months == 0) {
      spdlog::warn(
          "region {}: no cell is modelled, its maps are empty; `fluxtile pixel` tells why for a "
          "point, run.json counts the reasons",
          region);
    }
  }
  for (const auto& comparison : compare_gpp(config, plan, stages.packages, merged.gpp_months)) {
    for (const auto& line : gpp_comparison_lines(comparison)) spdlog::warn("{}", line);
  }
  const WorkSpan span("report");
  Merged all = merged;
  write_report(stages, config, check, merged, tally, seconds_since(begin));
  all.files.push_back("report.html");
  const RunRecord record =
      write_run_record(stages, config, check, all, tally, key, seconds_since(begin));
  if (before) remove_former_products(*before, record, config.output_directory);
  progress.end();
  spdlog::info("{} products in {}, {:.1f} s, peak memory {} MiB of {} MiB promised",
               record.products.size(), config.output_directory, seconds_since(begin),
               peak_memory() >> 20, plan.memory >> 20);
  out << config.output_directory << "\n";
  return check.failed.empty() ? 0 : static_cast<int>(Code::tiles_failed);
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

/// Removes what killed runs of this host left half-written among the tile-years.
void sweep(const RunStages& stages, const Config& config, const std::vector<TileUnit>& units) {
  remove_stale_parts(private_folder(config) + "/plans");
  const Plan& plan = *stages.plan;
  for (const auto& unit : units) {
    const std::filesystem::path file = stages.write->tile_year_path(
        plan.regions[unit.region].file_name, unit, 0, plan.steps.front().year);
    remove_stale_parts(file.parent_path().string());
  }
}

}  // namespace

int run_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  const auto begin = Clock::now();
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
  if (planned.plan.engine.engine == "fused") return_large_arrays();
  RunStages stages = [&] {
    const WorkSpan span("engine");
    return make_stages(std::move(planned), config, network_engines(), false);
  }();
  stages.timeline = timeline;
  const Plan& plan = *stages.plan;
  Ledger ledger(stages, private_folder(config));
  const TileMemory memory(plan, config);
  limit_source_blocks(memory.source_block_bytes());
  const auto units = units_of_shard(plan, options);
  sweep(stages, config, units);
  if (options.fresh) ledger.forget_all(units);
  spdlog::info("{}: {} regions, {} tiles, {} years{}, {} on {} threads", plan.name,
               plan.regions.size(), units.size(), plan.steps.size(),
               options.shard ? " (shard " + std::to_string(*options.shard) + ")" : std::string(),
               plan.engine_identity, plan.threads);

  Progress progress(options.progress);
  progress.begin("tile-years", units.size() * plan.steps.size());
  RunTally tally = run_tiles(stages, ledger, memory, units, progress);
  progress.end();
  spdlog::info(
      "{} tile-years computed, {} kept, {} tiles failed; {} pixel-years, {:.0f} a second",
      tally.tile_years_done, tally.tile_years_kept, tally.tiles_failed, tally.pixel_years,
      tally.wall_seconds > 0 ? static_cast<double>(tally.pixel_years) / tally.wall_seconds : 0.0);
  const int code = options.shard
                       ? (tally.tiles_failed > 0 ? static_cast<int>(Code::tiles_failed) : 0)
                       : finish(stages, ledger, config, options, tally, progress, begin, out);
  if (timeline) {
    write_timeline(
        options.timeline, *timeline, plan.name + ", " + plan.engine_identity,
        [&](int32_t tile) { return ledger.unit_name(units[static_cast<size_t>(tile)]); });
  }
  return code;
}

int merge_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  const auto begin = Clock::now();
  require_own_folder(config);
  PlannedRun planned = open_plan(config, options, PlanUse::look);
  warn(planned.plan);
  const RunStages stages = make_stages(std::move(planned), config, no_engines(), false);
  const Ledger ledger(stages, private_folder(config));
  Progress progress(options.progress);
  return finish(stages, ledger, config, options, RunTally(), progress, begin, out);
}

}  // namespace fluxtile
