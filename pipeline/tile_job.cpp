// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tile_job.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/stop.h"

namespace fluxtile {
namespace {

/// How many leading years of the tile are as stored, and where their states are.
struct StoredYears {
  size_t unchanged = 0;             ///< steps [0, unchanged) need no network
  std::vector<std::string> chains;  ///< today's chain at the end of each of them
};

TileYear tile_year_of(const TileJob& job, const RunStages& stages) {
  const Plan& plan = *stages.plan;
  const PlanRegion& region = plan.regions[job.unit.region];
  TileYear year;
  year.unit = job.unit;
  year.step = plan.steps[job.step];
  year.variables = region.variables;
  year.annual_variables = region.annual_variables;
  year.cells = job.statics.cells;
  year.month_days.assign(12, 0);
  const YearInputs& inputs = *job.assembled.inputs;
  for (size_t day = inputs.first_result_day; day < inputs.days; ++day)
    ++year.month_days[inputs.month[day]];
  year.result_key = region.result_key;
  year.chain = job.assembled.chain;
  year.stamp = plan.step_stamps[job.step];
  year.month_chains = job.assembled.month_chains;
  year.daily = plan.daily;
  return year;
}

/// Reads the inputs of year after year, as far as stored tile-years or states agree with them.
StoredYears compare_chains(TileJob& job, const RunStages& stages, const Ledger& ledger) {
  const Plan& plan = *stages.plan;
  const PlanRegion& region = plan.regions[job.unit.region];
  StoredYears stored;
  std::string chain;
  for (size_t step = 0; step < plan.steps.size(); ++step) {
    Stop::throw_if_requested();
    std::string stored_chain;
    if (plan.steps[step].spinup) {
      const auto state = ledger.stored_state(job.unit, step, job.statics.cells);
      if (state) stored_chain = state->chain;
    } else {
      const auto year = ledger.stored_tile_year(job.unit, step);
      if (year) stored_chain = year->chain;
    }
    // A spin-up state that was cleaned away is no change: later years may still vouch for it.
    const bool gone = stored_chain.empty();
    if (gone && !plan.steps[step].spinup) break;
    const auto gpp = (*stages.ingest_gpp)(job.statics, plan.steps[step]);
    const auto climate = (*stages.ingest_climate)(job.statics, plan.steps[step]);
    const auto assembled =
        (*stages.assemble)(job.statics, gpp, climate, plan.steps[step], region.members,
                           stages.package_of(job.unit.region), chain);
    if (!gone && assembled.chain != stored_chain) break;
    chain = assembled.chain;
    stored.chains.push_back(chain);
    stored.unchanged = step + 1;
  }
  return stored;
}

/// Writes the unchanged tile-years again with today's stamp, so that the next run need not read
/// their inputs.
void renew_stamps(const TileJob& job, const RunStages& stages, const Ledger& ledger, size_t steps) {
  const PlanRegion& region = stages.plan->regions[job.unit.region];
  for (size_t step = 0; step < steps; ++step) {
    auto year = ledger.stored_tile_year(job.unit, step);
    if (!year || year->stamp == stages.plan->step_stamps[step]) continue;
    year->unit = job.unit;
    year->stamp = stages.plan->step_stamps[step];
    write_atomically(
        stages.write->tile_year_path(region.file_name, job.unit, step, year->step.year),
        format_tile_year(*year));
  }
}

}  // namespace

void open_tile(TileJob& job, const RunStages& stages, const Ledger& ledger) {
  const Plan& plan = *stages.plan;
  const auto results = static_cast<uint64_t>(std::count_if(
      plan.steps.begin(), plan.steps.end(), [](const YearStep& step) { return !step.spinup; }));
  if (ledger.complete(job.unit)) {
    job.kept = results;
    return;
  }
  job.statics = (*stages.ingest_soil)(job.unit);
  job.running = true;
  job.state = stages.zero_state(job.unit.region, job.statics.cells.size());
  if (job.statics.cells.empty()) {
    job.step = 0;
    return;
  }
  bool any_stored = false;
  for (size_t step = 0; step < plan.steps.size() && !any_stored; ++step) {
    any_stored = plan.steps[step].spinup
                     ? ledger.stored_state(job.unit, step, job.statics.cells).has_value()
                     : ledger.stored_tile_year(job.unit, step).has_value();
  }
  if (!any_stored) return;

  const StoredYears stored = compare_chains(job, stages, ledger);
  renew_stamps(job, stages, ledger, stored.unchanged);
  if (stored.unchanged == plan.steps.size() && ledger.complete(job.unit)) {
    job.running = false;
    job.kept = results;
    return;
  }
  // Continue behind the newest state that belongs to the unchanged years; without one, from the
  // start.
  for (size_t step = stored.unchanged; step-- > 0;) {
    auto state = ledger.stored_state(job.unit, step, job.statics.cells);
    if (!state || state->chain != stored.chains[step] ||
        state->members.size() != job.state.members.size())
      continue;
    job.state = std::move(*state);
    job.step = step + 1;
    for (size_t k = 0; k <= step; ++k) job.kept += plan.steps[k].spinup ? 0 : 1;
    return;
  }
}

void assemble_year(YearJob& year, const RunStages& stages) {
  const Plan& plan = *stages.plan;
  TileJob& tile = *year.tile;
  year.assembled = (*stages.assemble)(tile.statics, std::move(year.gpp), year.climate,
                                      plan.steps[year.step], plan.regions[tile.unit.region].members,
                                      stages.package_of(tile.unit.region), tile.chain);
  year.gpp = {};
  year.climate = {};
  tile.chain = year.assembled.chain;
}

void take_year(TileJob& tile, YearJob& year) {
  ++tile.taken;
  if (tile.error) return;  // an earlier year failed
  tile.error = year.error;
  tile.assembled = std::move(year.assembled);
  tile.pixel_years = 0;
  for (const auto& member : tile.assembled.members) tile.pixel_years += member.cell.size();
}

void infer_year(TileJob& job, const RunStages& stages) {
  job.results =
      (*stages.infer)(job.assembled, stages.plan->regions[job.unit.region].members, job.state);
}

void write_year(TileJob& job, const RunStages& stages) {
  job.state.stamp = stages.plan->step_stamps[job.step];
  TileYear year = tile_year_of(job, stages);
  year.members = std::move(job.results);
  (*stages.write)(year, job.state, stages.plan->regions[job.unit.region].file_name, job.step);
}

}  // namespace fluxtile
