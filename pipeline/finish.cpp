// SPDX-License-Identifier: Apache-2.0
#include "pipeline/finish.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/network_folder.h"
#include "base/work_span.h"
#include "pipeline/checked_tiles.h"
#include "pipeline/gpp_product.h"
#include "pipeline/late_tiles.h"
#include "pipeline/product_replacement.h"
#include "pipeline/report.h"
#include "pipeline/run_lock.h"
#include "pipeline/run_record.h"
#include "pipeline/run_watch.h"

namespace fluxtile {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
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

/// Whether the products are those of `key`, all there, and not in the middle of being replaced.
bool up_to_date(const Config& config, const std::optional<RunRecord>& record,
                const std::string& key) {
  return record && record->product_key == key &&
         interrupted_replacement(config.output_directory).empty() &&
         products_present(*record, config.output_directory);
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

/// Whether tiles that seem to be missing were finished by other machines, whose files this one sees
/// late. Waits for them where that can be.
bool are_late(const std::vector<TileUnit>& missing, const Ledger& ledger, const Plan& plan,
              const Config& config) {
  if (!is_network_folder(config.output_directory)) return false;
  constexpr std::chrono::seconds between{2};
  spdlog::info(
      "{} of {} tiles are not seen; {} is on a network file system, where what other "
      "machines wrote may be seen late: looking again for {} s at most",
      missing.size(), plan.units.size(), config.output_directory, most_late.count());
  const auto is_there = [&](const TileUnit& unit) {
    return ledger.complete(unit) || ledger.failure(unit);
  };
  return wait_for_late_tiles(missing, is_there, most_late, between).empty();
}

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
  if (!check.missing.empty() && !ending.tiles_again &&
      are_late(check.missing, ledger, plan, config))
    check = check_now();
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
                        const RunTally& tally, Progress& progress,
                        std::chrono::steady_clock::time_point begin,
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
    for (const auto& product : before->products) former.push_back(product.name);
  }
  replacement.commit(all.files, former);
  progress.end();
  spdlog::info("{} products in {}, {:.1f} s, peak memory {} MiB of {} MiB promised",
               record.products.size(), config.output_directory, seconds_since(begin),
               peak_memory() >> 20, plan.memory >> 20);
  return record.products.size();
}

}  // namespace

std::string product_key_of_record(const Config& config) {
  const auto record = read_run_record(config.output_directory);
  return record ? record->product_key : "";
}

std::optional<MergeCheck> nothing_new(const Plan& plan, const Config& config) {
  auto check = checked_tiles(plan, config);
  if (check && !up_to_date(config, read_run_record(config.output_directory),
                           product_key(plan, config, *check)))
    check.reset();
  return check;
}

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
    forget_killed_merges(config.output_directory, ending.verb);
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

}  // namespace fluxtile
