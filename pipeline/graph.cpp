// SPDX-License-Identifier: Apache-2.0
#include "pipeline/graph.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "base/stop.h"
#include "geo/calendar.h"
#include "pipeline/heap_limits.h"
#include "pipeline/run_watch.h"
#include "pipeline/tile_job.h"
#include "pipeline/timeline.h"
#include "pipeline/writer_thread.h"

namespace fluxtile {
namespace {

namespace flow = oneapi::tbb::flow;
using JobPtr = std::shared_ptr<TileJob>;
using YearPtr = std::shared_ptr<YearJob>;
using Clock = std::chrono::steady_clock;

template <typename Ptr>
size_t id_of(const Ptr& job) {
  return reinterpret_cast<size_t>(job.get());
}

/// The graph and everything its nodes share.
class TileGraph {
 public:
  TileGraph(const RunStages& stages, Ledger& ledger, const TileMemory& memory,
            const std::vector<TileUnit>& units, Progress& progress)
      : stages_(stages),
        ledger_(ledger),
        memory_(memory),
        units_(units),
        progress_(progress),
        most_bytes_(memory.wanted()) {}

  RunTally run();

 private:
  /// Runs one stage of a tile: timed, and what it throws becomes `failure`.
  template <typename Work>
  void stage(const char* name, const TileJob& tile, size_t step, std::optional<Error>& failure,
             Work&& work) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (failure || fatal_) return;
    }
    const auto begin = Clock::now();
    try {
      Stop::throw_if_requested();
      work();
    } catch (...) {
      Error error = current_error();
      error.stage(name).tile(ledger_.unit_name(tile.unit));
      const std::lock_guard<std::mutex> lock(mutex_);  // two ingest stages may fail at once
      if (!failure) failure = error;
    }
    const auto end = Clock::now();
    if (stages_.timeline) {
      stages_.timeline->add(name, tile.position,
                            step < plan().steps.size() ? plan().steps[step].year : -1, begin, end);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    tally_.stage_seconds[name] += std::chrono::duration<double>(end - begin).count();
  }

  [[nodiscard]] const Plan& plan() const { return *stages_.plan; }
  /// Starts tiles for as long as their tokens fit.
  std::vector<JobPtr> feed();
  /// The tile's next year, to be read; null after the last one.
  YearPtr next_year(const JobPtr& job) const;
  /// The end of a tile-year: whether another one is read for the tile.
  bool settle(const JobPtr& job);
  void finish_tile(const TileJob& job);
  /// Both with the mutex held.
  RegionTally& region_tally(const TileJob& job) {
    return tally_.regions[plan().regions[job.unit.region].name];
  }
  void tell() {
    if (stages_.watch != nullptr) stages_.watch->tally(tally_);
  }
  void end_with(const Error& error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!fatal_) fatal_ = error;
  }
  [[nodiscard]] bool fatal() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return fatal_.has_value();
  }

  const RunStages& stages_;
  Ledger& ledger_;
  const TileMemory& memory_;
  const std::vector<TileUnit>& units_;
  Progress& progress_;
  std::mutex mutex_;
  RunTally tally_;
  std::optional<Error> fatal_;
  size_t next_unit_ = 0, in_flight_ = 0;
  uint64_t most_bytes_, bytes_in_flight_ = 0;
};

std::vector<JobPtr> TileGraph::feed() {
  std::vector<JobPtr> started;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto most = static_cast<size_t>(plan().threads) * 4 + 16;  // also of the smallest tiles
  while (!fatal_ && Stop::requested() == 0 && next_unit_ < units_.size() && in_flight_ < most) {
    const TileUnit& unit = units_[next_unit_];
    const uint64_t bytes = memory_.tile_bytes(unit.cells, plan().regions[unit.region]);
    if (in_flight_ > 0 && bytes_in_flight_ + bytes > most_bytes_) break;
    bytes_in_flight_ += bytes;
    ++in_flight_;
    started.push_back(std::make_shared<TileJob>(unit, bytes, static_cast<int32_t>(next_unit_++)));
  }
  return started;
}

YearPtr TileGraph::next_year(const JobPtr& job) const {
  if (job->read >= plan().steps.size()) return nullptr;
  auto year = std::make_shared<YearJob>();
  year->tile = job;
  year->step = job->read++;
  return year;
}

bool TileGraph::settle(const JobPtr& job) {
  const bool dead = fatal();
  if (!job->error && !dead && job->running) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      RegionTally& region = region_tally(*job);
      if (const YearStep& step = plan().steps[job->step]; !step.spinup) {
        ++tally_.tile_years_done;
        ++region.tile_years_done;
        const int64_t year = to_days({step.year, 1, 1});
        tally_.first_day = std::min(tally_.first_day, year + job->first_day);
        tally_.end_day = std::max(tally_.end_day, year + step.days);
      }
      tally_.pixel_years += job->pixel_years;
      region.pixel_years += job->pixel_years;
      tally_.pixel_days += job->pixel_days;
      tally_.too_long_gaps += job->assembled.too_long_gaps;
      tally_.without_climate += job->assembled.without_climate;
      tally_.negative_gpp += job->assembled.negative_gpp;
      tell();
    }
    progress_.advance(job->pixel_years);
    ++job->step;
  }
  job->assembled = {};
  job->results.clear();
  // A year that was read ahead of a failure has to be taken out of the graph as well.
  const size_t next = job->taken;
  if (job->running && next < job->read) return true;

  if (job->error && !dead) {
    const bool passing = job->error->code() == Code::interrupted || job->error->stage() == "write";
    if (passing) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!fatal_) fatal_ = job->error;
    } else {
      spdlog::error("{}", job->error->what());
      ledger_.record_failure(job->unit, *job->error, job->year(plan()));
      for (size_t step = job->step; step < plan().steps.size(); ++step) progress_.advance(0, true);
      const std::lock_guard<std::mutex> lock(mutex_);
      ++tally_.tiles_failed;
      RegionTally& region = region_tally(*job);
      ++region.tiles_failed;
      for (size_t step = job->step; step < plan().steps.size(); ++step)
        region.tile_years_failed += plan().steps[step].spinup ? 0 : 1;
    }
  } else if (!dead) {
    for (size_t step = job->step; step < plan().steps.size(); ++step) progress_.advance(0);
    ledger_.forget_failure(job->unit);
  }
  return false;
}

void TileGraph::finish_tile(const TileJob& job) {
  stages_.coming->ended(job.unit);
  return_free_memory();
  const std::lock_guard<std::mutex> lock(mutex_);
  tally_.cells_inside += job.statics.inside;
  tally_.cells_modelled += static_cast<int64_t>(job.statics.cells.size());
  tally_.without_crop += job.statics.without_crop;
  tally_.without_static += job.statics.without_static;
  tally_.tile_years_kept += job.kept;
  RegionTally& region = region_tally(job);
  region.tile_years_kept += job.kept;
  region.cells_modelled += static_cast<int64_t>(job.statics.cells.size());
  if (job.statics.cells.empty()) ++tally_.empty_tiles;
  bytes_in_flight_ -= job.bytes;
  --in_flight_;
  tell();
}

RunTally TileGraph::run() {
  const auto begin = Clock::now();
  stages_.coming->expect(units_);
  oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                    static_cast<size_t>(plan().threads));
  oneapi::tbb::task_arena arena(plan().threads);
  arena.execute([&] {
    using Pair = std::tuple<YearPtr, YearPtr>;
    using Turn = std::tuple<YearPtr, JobPtr>;
    flow::graph graph;
    WriterThread writer(stages_.timeline.get());

    // A tile's first year starts here, unless it was read to find out that it has changed; tiles
    // that need nothing go straight to the ledger.
    flow::multifunction_node<JobPtr, std::tuple<YearPtr, JobPtr, JobPtr, YearPtr>> open(
        graph, flow::unlimited, [&](const JobPtr& job, auto& ports) {
          stage("open", *job, plan().steps.size(), job->error,
                [&] { open_tile(*job, stages_, ledger_); });
          if (job->error || !job->running) {
            std::get<2>(ports).try_put(job);
            return;
          }
          for (size_t kept = 0; kept < job->step; ++kept) progress_.advance(0);
          job->chain = job->state.chain;
          job->read = job->taken = job->step;
          YearPtr first = next_year(job);
          if (job->ready.inputs) {
            first->assembled = std::move(job->ready);
            job->ready = {};
            job->chain = first->assembled.chain;
            std::get<3>(ports).try_put(first);
          } else {
            std::get<0>(ports).try_put(first);
          }
          std::get<1>(ports).try_put(job);
        });
    flow::function_node<YearPtr, YearPtr> ingest_gpp(
        graph, flow::unlimited, [&](const YearPtr& year) {
          stage("ingest_gpp", *year->tile, year->step, year->error, [&] {
            year->gpp = (*stages_.ingest_gpp)(year->tile->statics, plan().steps[year->step]);
          });
          return year;
        });
    flow::function_node<YearPtr, YearPtr> ingest_climate(
        graph, flow::unlimited, [&](const YearPtr& year) {
          stage("ingest_climate", *year->tile, year->step, year->error, [&] {
            year->climate =
                (*stages_.ingest_climate)(year->tile->statics, plan().steps[year->step]);
          });
          return year;
        });
    flow::join_node<Pair, flow::key_matching<size_t>> both(graph, id_of<YearPtr>, id_of<YearPtr>);
    flow::function_node<Pair, YearPtr> assemble(graph, flow::unlimited, [&](const Pair& pair) {
      const YearPtr& year = std::get<0>(pair);
      stage("assemble", *year->tile, year->step, year->error,
            [&] { assemble_year(*year, stages_); });
      return year;
    });
    // A year that is read, and its tile, whose state has come as far as that year.
    flow::join_node<Turn, flow::key_matching<size_t>> turn(
        graph, [](const YearPtr& year) { return id_of(year->tile); }, id_of<JobPtr>);
    flow::multifunction_node<Turn, std::tuple<YearPtr, JobPtr>> infer(
        graph, flow::unlimited, [&](const Turn& ready, auto& ports) {
          const auto& [year, job] = ready;
          take_year(*job, *year);
          // The next year is read while this one keeps the networks busy.
          if (!job->error && !fatal()) {
            if (YearPtr next = next_year(job)) std::get<0>(ports).try_put(std::move(next));
          }
          stage("infer", *job, job->step, job->error, [&] { infer_year(*job, stages_); });
          std::get<1>(ports).try_put(job);
        });
    // The disk is waited for in a thread of its own, while the networks go on.
    using Write = flow::async_node<JobPtr, JobPtr>;
    Write write(graph, flow::unlimited, [&](const JobPtr& job, Write::gateway_type& gateway) {
      gateway.reserve_wait();
      try {
        writer.post([this, job, &gateway] {
          try {
            stage("write", *job, job->step, job->error, [&] { write_year(*job, stages_); });
            gateway.try_put(job);
          } catch (...) {  // no memory: the tile is lost, and the run with it
            end_with(current_error());
          }
          gateway.release_wait();
        });
      } catch (...) {
        gateway.release_wait();
        throw;
      }
    });
    flow::multifunction_node<JobPtr, std::tuple<JobPtr, JobPtr>> ledger(
        graph, flow::unlimited, [&](const JobPtr& job, auto& ports) {
          bool another = false;
          try {
            another = settle(job);
          } catch (...) {
            end_with(current_error());
          }
          if (another) {
            std::get<0>(ports).try_put(job);
            return;
          }
          finish_tile(*job);
          for (const auto& next : feed()) std::get<1>(ports).try_put(next);
        });
    flow::make_edge(flow::output_port<0>(open), ingest_gpp);
    flow::make_edge(flow::output_port<0>(open), ingest_climate);
    flow::make_edge(flow::output_port<1>(open), flow::input_port<1>(turn));
    flow::make_edge(flow::output_port<2>(open), ledger);
    flow::make_edge(flow::output_port<3>(open), flow::input_port<0>(turn));
    flow::make_edge(ingest_gpp, flow::input_port<0>(both));
    flow::make_edge(ingest_climate, flow::input_port<1>(both));
    flow::make_edge(both, assemble);
    flow::make_edge(assemble, flow::input_port<0>(turn));
    flow::make_edge(turn, infer);
    flow::make_edge(flow::output_port<0>(infer), ingest_gpp);
    flow::make_edge(flow::output_port<0>(infer), ingest_climate);
    flow::make_edge(flow::output_port<1>(infer), write);
    flow::make_edge(write, ledger);
    flow::make_edge(flow::output_port<0>(ledger), flow::input_port<1>(turn));
    flow::make_edge(flow::output_port<1>(ledger), open);
    for (const auto& job : feed()) open.try_put(job);
    graph.wait_for_all();
  });
  tally_.wall_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  tell();
  if (fatal_) throw *fatal_;
  Stop::throw_if_requested();
  return tally_;
}

}  // namespace

RunTally run_tiles(const RunStages& stages, Ledger& ledger, const TileMemory& memory,
                   const std::vector<TileUnit>& units, Progress& progress) {
  return TileGraph(stages, ledger, memory, units, progress).run();
}

}  // namespace fluxtile
