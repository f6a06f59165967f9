// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>

#include "base/atomic_file.h"
#include "base/file_name.h"
#include "base/stop.h"
#include "base/work_span.h"
#include "pipeline/checked_tiles.h"
#include "pipeline/gpp_product.h"
#include "pipeline/graph.h"
#include "pipeline/heap_limits.h"
#include "pipeline/input_watch.h"
#include "pipeline/merge.h"
#include "pipeline/new_inputs.h"
#include "pipeline/product_replacement.h"
#include "pipeline/report.h"
#include "pipeline/run_lock.h"
#include "pipeline/run_presence.h"
#include "pipeline/run_record.h"
#include "pipeline/run_watch.h"
#include "pipeline/timeline.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

size_t result_years(const Plan& plan) {
  return static_cast<size_t>(std::count_if(plan.steps.begin(), plan.steps.end(),
                                           [](const YearStep& step) { return !step.spinup; }));
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

/// Whether a run of this name writes such a file: only those are ever removed, whatever a record
/// lists.
bool is_product_of(const std::string& name, const std::string& run) {
  const auto ends_with = [&](const std::string& end) {
    return name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  const std::string begin = run + "_";
  return is_file_name(name) && name.compare(0, begin.size(), begin) == 0 &&
         (ends_with(".tif") || ends_with(".qml") || ends_with(".nc") || ends_with(".csv") ||
          ends_with(".png") || ends_with(".stac.json"));
}

std::string product_key_of_record(const Config& config) {
  const auto record = read_run_record(config.output_directory);
  return record ? record->product_key : "";
}

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

/// Whether the products are those of `key`, all there, and not in the middle of being replaced.
bool up_to_date(const Config& config, const std::optional<RunRecord>& record,
                const std::string& key) {
  return record && record->product_key == key &&
         interrupted_replacement(config.output_directory).empty() &&
         products_present(*record, config.output_directory);
}

/// What a run needs that has nothing to do: tile-years and products as they were when they were
/// checked.
std::optional<MergeCheck> nothing_new(const Plan& plan, const Config& config) {
  auto check = checked_tiles(plan, config);
  if (check && !up_to_date(config, read_run_record(config.output_directory),
                           product_key(plan, config, *check)))
    check.reset();
  return check;
}

/// For a run that others have overtaken: its plan may be of yesterday's inputs, and must not
/// replace products of today's.
void require_todays_plan(const Plan& plan, const Config& config, const VerbOptions& options) {
  if (make_plan(config, options).plan.id == plan.id) return;
  throw Error(
      Code::interrupted,
      "the inputs have changed since this run planned, and another run was at work meanwhile")
      .file(config.output_directory)
      .hint("run the same command again");
}

/// The end of a run or merge: what finish() needs to know of it.
struct Ending {
  const char* verb;
  Clock::time_point begin;
  std::string record_before;          ///< product key of run.json when the verb began
  std::optional<MergeCheck> known;    ///< nothing has to be done, as nothing_new() found
  std::function<void()> tiles_again;  ///< does the tiles that are not valid; empty: merge
};

/// Tile-years as they are, with those done again that another run has replaced meanwhile. Throws
/// when tiles are missing, or too many have failed.
MergeCheck whole_tiles(const RunStages& stages, const Ledger& ledger, const Config& config,
                       const VerbOptions& options, const RunTally& tally, const Ending& ending) {
  const Plan& plan = *stages.plan;
  const auto check_now = [&] {
    const WorkSpan span("check");
    return check_tiles(stages, ledger);
  };
  MergeCheck check = check_now();
  constexpr int most_times = 2;
  for (int again = 0; !check.missing.empty() && ending.tiles_again && again < most_times; ++again) {
    require_todays_plan(plan, config, options);
    spdlog::warn("{} tiles were changed by another run while this one was at work; once more",
                 check.missing.size());
    ending.tiles_again();
    check = check_now();
  }
  if (options.watch != nullptr) options.watch->checked(check.failed.size());
  if (!check.missing.empty()) {
    throw Error(ending.tiles_again ? Code::interrupted : Code::data,
                std::to_string(check.missing.size()) + " of " + std::to_string(plan.units.size()) +
                    (ending.tiles_again ? " tiles were changed by another run, so nothing is merged"
                                        : " tiles are not done, so nothing is merged"))
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
  return check;
}

/// Tile-years were replaced while they were merged. That does no harm where another run of the same
/// plan wrote the same bytes; throws where it may have.
void require_same_tiles(const RunStages& stages, const Ledger& ledger, const MergeCheck& check,
                        const Merged& merged) {
  const MergeCheck now = check_tiles(stages, ledger);
  bool same = now.missing.empty() && now.failed.empty() && check.failed.empty() &&
              now.region_results == check.region_results;
  // A tile-year that was not valid for a moment was merged as that of a failed tile.
  constexpr size_t failed_bit = 6;
  for (const auto& [region, counts] : merged.flag_counts) same = same && counts[failed_bit] == 0;
  if (same) return;
  throw Error(Code::interrupted, "another run replaced tile-years while they were merged")
      .hint("run the same command again; the products are left as they were");
}

/// Merges into a folder of its own and puts the products in place, run.json last. Returns how many.
size_t replace_products(const RunStages& stages, const Ledger& ledger, const Config& config,
                        const MergeCheck& check, const std::string& files, const std::string& key,
                        const RunTally& tally, Progress& progress, Clock::time_point begin,
                        const std::optional<RunRecord>& before, const RunLock& lock) {
  const Plan& plan = *stages.plan;
  ProductReplacement replacement(config.output_directory, config.name, lock);
  Config aside = config;  // as if they were made for another folder
  aside.output_directory = replacement.directory();
  progress.begin("merge", plan.regions.size() * result_years(plan));
  const Merged merged = [&] {
    const WorkSpan span("merge");
    return replacement.make([&] { return merge_products(stages, ledger, aside, check, progress); });
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
  const RunRecord record = replacement.make([&] {
    write_report(stages, aside, check, merged, tally, seconds_since(begin));
    all.files.push_back("report.html");
    return write_run_record(stages, aside, check, all, tally, key, seconds_since(begin));
  });
  if (tile_files(plan, config) != files) require_same_tiles(stages, ledger, check, merged);
  std::vector<std::string> former;
  if (before) {
    for (const auto& product : before->products)
      if (is_product_of(product.name, config.name)) former.push_back(product.name);
  }
  replacement.commit(all.files, former);
  progress.end();
  spdlog::info("{} products in {}, {:.1f} s, peak memory {} MiB of {} MiB promised",
               record.products.size(), config.output_directory, seconds_since(begin),
               peak_memory() >> 20, plan.memory >> 20);
  return record.products.size();
}

/// Writes the products of a plan whose tiles are done, or finds that they are there already.
/// Returns the exit code.
int finish(const RunStages& stages, const Ledger& ledger, const Config& config,
           const VerbOptions& options, const RunTally& tally, Progress& progress,
           const Ending& ending, std::ostream& out) {
  const Plan& plan = *stages.plan;
  std::string files, key;
  MergeCheck check;
  std::optional<RunRecord> before;
  const auto look = [&](bool known) {
    if (known) {
      check = *ending.known;
    } else {
      files = tile_files(plan, config);
      check = whole_tiles(stages, ledger, config, options, tally, ending);
    }
    key = product_key(plan, config, check);
    before = read_run_record(config.output_directory);
    return !options.fresh && up_to_date(config, before, key);
  };
  const auto nothing_to_do = [&] {
    spdlog::info("nothing to do: {} products are up to date in {}", before->products.size(),
                 config.output_directory);
    if (options.watch != nullptr) options.watch->products(before->products.size(), false);
    if (!files.empty()) note_checked_tiles(plan, config, check, files);
  };
  const auto done = [&] {
    out << config.output_directory << "\n";
    return check.failed.empty() ? 0 : static_cast<int>(Code::tiles_failed);
  };
  if (look(ending.known.has_value())) {
    nothing_to_do();
    return done();
  }
  const RunLock lock(lock_folder(config.output_directory), ending.verb, options.lock_wait,
                     RunLock::Times::usual());
  try {
    const bool overtaken = (before ? before->product_key : "") != ending.record_before;
    if (lock.waited() || overtaken) require_todays_plan(plan, config, options);
    if ((lock.waited() || ending.known) && look(false)) {
      nothing_to_do();
      return done();
    }
    const size_t products = replace_products(stages, ledger, config, check, files, key, tally,
                                             progress, ending.begin, before, lock);
    if (options.watch != nullptr) options.watch->products(products, true);
  } catch (...) {
    lock.require();  // where the lock was lost, that is the cause of everything else
    throw;
  }
  note_checked_tiles(plan, config, check, files);
  return done();
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
  remove_stale_parts(private_folder(config) + "/plans");
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
  const auto begin = Clock::now();
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
