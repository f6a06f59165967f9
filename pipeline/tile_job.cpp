// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tile_job.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "pipeline/input_watch.h"
#include "stages/kept_states.h"

namespace fluxtile {
namespace {

/// How many leading years of the tile are as stored, and where their states are.
struct StoredYears {
  size_t unchanged = 0;             ///< steps [0, unchanged) need no network
  std::vector<std::string> chains;  ///< today's chain at the end of each of them
  AssembledYear changed;            ///< the year behind them, where something of it is stored
  std::optional<TileYear> earlier;  ///< what of that year is stored
};

TileYear tile_year_of(const TileJob& job, const RunStages& stages) {
  const Plan& plan = *stages.plan;
  const PlanRegion& region = plan.regions[job.unit.region];
  TileYear year;
  year.unit = job.unit;
  year.region_name = region.name;
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

/// Composites that were read for the tile on an earlier night.
KnownComposite known_composites(const TileJob& job, const InputKeys& keys) {
  if (!job.known) return nullptr;
  const AlignedInputs& known = *job.known;
  return [&](const CompositeRef& composite, float* values, int64_t& below_zero) {
    const auto found = known.find(keys.of_composite(composite));
    if (!found) return false;
    const size_t n = job.statics.cells.size();
    std::copy_n(known.composites.begin() + static_cast<std::ptrdiff_t>(*found * n), n, values);
    below_zero = known.below_zero[*found];
    return true;
  };
}

/// The year that the next nights go on with: the last one of a plan that keeps states within it.
bool is_kept_open(const Plan& plan, size_t step) {
  return plan.keep_within_year > 0 && step + 1 == plan.steps.size() && !plan.steps[step].spinup;
}

/// Soil and crops, and what else is known of the tile's inputs from an earlier night.
void open_statics(TileJob& job, const RunStages& stages, const Ledger& ledger) {
  const Plan& plan = *stages.plan;
  if (is_kept_open(plan, plan.steps.size() - 1)) job.known = ledger.stored_inputs(job.unit);
  if (job.known && job.known->statics_key == stages.keys->of_statics(job.unit)) {
    job.statics = std::move(job.known->statics);
    return;
  }
  job.statics = (*stages.ingest_soil)(job.unit);
  // Composites are those of the cells that were modelled then.
  if (job.known && !(job.known->statics.cells == job.statics.cells)) job.known.reset();
}

/// Reads the inputs of year after year, as far as stored tile-years or states agree with them.
StoredYears compare_chains(TileJob& job, const RunStages& stages, const Ledger& ledger) {
  const Plan& plan = *stages.plan;
  const PlanRegion& region = plan.regions[job.unit.region];
  StoredYears stored;
  std::string chain;
  for (size_t step = 0; step < plan.steps.size(); ++step) {
    Stop::throw_if_requested();
    std::string stored_chain, stamp;
    std::optional<TileYear> year;
    bool earlier = false;  // the year is there with other days
    if (plan.steps[step].spinup) {
      const auto state = ledger.stored_state(job.unit, step, job.statics.cells);
      if (state) {
        stored_chain = state->chain;
        stamp = state->stamp;
      }
    } else if ((year = ledger.stored_days_of_year(job.unit, step))) {
      earlier = year->step.days != plan.steps[step].days;
      if (!earlier) {
        stored_chain = year->chain;
        stamp = year->stamp;
      }
    }
    // Unchanged files need not be read. What stands behind them is in the stamp too.
    if (!stored_chain.empty() && stamp == plan.step_stamps[step]) {
      chain = stored_chain;
      stored.chains.push_back(chain);
      stored.unchanged = step + 1;
      continue;
    }
    // A spin-up state that was cleaned away is no change: later years may still vouch for it.
    const bool gone = stored_chain.empty();
    if (gone && !earlier && !plan.steps[step].spinup) break;
    auto gpp =
        (*stages.ingest_gpp)(job.statics, plan.steps[step], known_composites(job, *stages.keys));
    const auto climate = (*stages.ingest_climate)(job.statics, plan.steps[step]);
    auto assembled = (*stages.assemble)(job.statics, std::move(gpp), climate, plan.steps[step],
                                        region.members, stages.package_of(job.unit.region), chain);
    if (earlier || (!gone && assembled.chain != stored_chain)) {
      stored.changed = std::move(assembled);
      stored.earlier = std::move(year);
      break;
    }
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
    require_unchanged_inputs(*stages.plan);
    write_atomically(
        stages.write->tile_year_path(region.file_name, job.unit, step, year->step.year),
        format_tile_year(*year));
  }
}

/// Days at whose beginning the state within a year is kept: of the run's last year alone, which is
/// the one that grows.
std::vector<size_t> days_to_keep(const Plan& plan, size_t step, const YearInputs& inputs) {
  if (!is_kept_open(plan, step)) return {};
  return state_days(inputs.days, static_cast<size_t>(plan.keep_within_year));
}

/// What was read for the year, for the next night.
std::string inputs_of_year(const TileJob& job, const RunStages& stages) {
  const Plan& plan = *stages.plan;
  const auto [first, last] = stages.ingest_gpp->composites_of(plan.steps[job.step]);
  std::vector<std::string> keys;
  for (size_t k = first; k < last; ++k)
    keys.push_back(stages.keys->of_composite(plan.sources.gpp.composites[k]));
  return format_aligned_inputs({stages.keys->of_statics(job.unit), job.statics, std::move(keys),
                                job.assembled.below_zero, job.assembled.inputs->gpp.values},
                               plan.regions[job.unit.region].result_key);
}

/// Finds the newest state within the first changed year that lies before the change, with the
/// stored months before it. Returns whether there is one.
bool take_up_year(TileJob& job, const RunStages& stages, const Ledger& ledger,
                  StoredYears& stored) {
  const Plan& plan = *stages.plan;
  const AssembledYear& today = stored.changed;
  if (!today.inputs) return false;
  const size_t step = stored.unchanged;
  auto& earlier = stored.earlier;
  if (!earlier || !(earlier->cells == job.statics.cells)) return false;
  for (const size_t day : stages.write->open_days(plan.regions[job.unit.region].file_name, job.unit,
                                                  step, plan.steps[step].year)) {
    if (day >= today.inputs->days) continue;
    const size_t month = today.inputs->month[day];
    const bool months_agree =
        month == 0 || (earlier->month_chains.size() >= month &&
                       earlier->month_chains[month - 1] == today.month_chains[month - 1]);
    if (!months_agree) continue;
    auto open = ledger.stored_open_state(job.unit, step, day, job.statics.cells);
    if (!open || open->chain != today.day_chains[day] ||
        open->members.size() != job.state.members.size())
      continue;
    if (stages.plan->daily && earlier->step.days < static_cast<int>(day)) continue;
    job.open = std::move(open);
    job.earlier = std::move(earlier);
    job.step = step;
    job.state.chain = step == 0 ? "" : stored.chains[step - 1];
    return true;
  }
  return false;
}

/// Fills what lies before a state that the year went on from: months, and days of daily values.
void fill_earlier(TileYearMember& member, const TileYearMember& earlier, const YearInputs& inputs,
                  size_t earlier_days, size_t day) {
  const size_t cells = inputs.cells, month = inputs.month[day];
  MemberYear& to = member.result;
  const MemberYear& from = earlier.result;
  const auto copy = [](const auto& source, size_t first, size_t count, auto& target, size_t at) {
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(first), count,
                target.begin() + static_cast<std::ptrdiff_t>(at));
  };
  copy(from.flags, 0, month * cells, to.flags, 0);
  for (size_t first = 0; first < to.monthly.size(); first += 12 * cells)
    copy(from.monthly, first, month * cells, to.monthly, first);
  const size_t variables = to.monthly.size() / (12 * cells);
  for (size_t v = 0; v < variables && !to.daily.empty(); ++v)
    copy(from.daily, v * earlier_days * cells, day * cells, to.daily, v * inputs.days * cells);
}

}  // namespace

void open_tile(TileJob& job, const RunStages& stages, const Ledger& ledger) {
  const Plan& plan = *stages.plan;
  const uint64_t results = result_years(plan);
  if (ledger.complete(job.unit)) {
    job.kept = results;
    return;
  }
  open_statics(job, stages, ledger);
  job.running = true;
  job.state = stages.zero_state(job.unit.region, job.statics.cells.size());
  if (job.statics.cells.empty()) {
    job.step = 0;
    return;
  }
  const bool anything = ledger.anything_stored(job.unit);
  StoredYears stored = anything ? compare_chains(job, stages, ledger) : StoredYears();
  job.known.reset();
  if (!anything) return;

  renew_stamps(job, stages, ledger, stored.unchanged);
  if (stored.unchanged == plan.steps.size() && ledger.complete(job.unit)) {
    job.running = false;
    job.kept = results;
    return;
  }
  if (take_up_year(job, stages, ledger, stored)) {
    job.ready = std::move(stored.changed);
    for (size_t k = 0; k < job.step; ++k) job.kept += plan.steps[k].spinup ? 0 : 1;
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
    break;
  }
  if (job.step == stored.unchanged) job.ready = std::move(stored.changed);
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
  const YearInputs& inputs = *job.assembled.inputs;
  job.results = (*stages.infer)(job.assembled, stages.plan->regions[job.unit.region].members,
                                job.state, job.open ? &*job.open : nullptr,
                                days_to_keep(*stages.plan, job.step, inputs), job.kept_open);
  job.from_day = job.open ? job.open->day : 0;
  job.pixel_days = job.pixel_years * (inputs.days - job.from_day);
  job.first_day = static_cast<int64_t>(std::max(inputs.first_result_day, job.from_day));
  for (TileState& state : job.kept_open) state.stamp = stages.plan->step_stamps[job.step];
  if (!job.open) return;
  for (size_t m = 0; m < job.results.size(); ++m)
    fill_earlier(job.results[m], job.earlier->members.at(m), inputs,
                 static_cast<size_t>(job.earlier->step.days), job.open->day);
  job.open.reset();
  job.earlier.reset();
}

void write_year(TileJob& job, const RunStages& stages) {
  const Plan& plan = *stages.plan;
  require_unchanged_inputs(plan);
  job.state.stamp = plan.step_stamps[job.step];
  TileYear year = tile_year_of(job, stages);
  year.members = std::move(job.results);
  WriteTile::Leaves leaves;
  leaves.open = &job.kept_open;
  leaves.from = job.from_day;
  // A year that still grows goes on from a state within it.
  if (year.step.complete || job.step + 1 < plan.steps.size()) leaves.state = &job.state;
  if (is_kept_open(plan, job.step)) leaves.inputs = inputs_of_year(job, stages);
  (*stages.write)(year, leaves, plan.regions[job.unit.region].file_name, job.step);
  job.kept_open.clear();
}

}  // namespace fluxtile
