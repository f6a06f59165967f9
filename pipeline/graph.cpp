// SPDX-License-Identifier: Apache-2.0
#include "pipeline/graph.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <mutex>
#include <optional>

#include "base/stop.h"
#include "pipeline/tile_job.h"

namespace fluxtile {
namespace {

namespace flow = oneapi::tbb::flow;
using JobPtr = std::shared_ptr<TileJob>;
using Clock = std::chrono::steady_clock;

/// The graph and everything its nodes share.
class TileGraph {
 public:
  TileGraph(const RunStages& stages, Ledger& ledger, const TileMemory& memory,
            const std::vector<TileUnit>& units, Progress& progress)
      : stages_(stages), ledger_(ledger), memory_(memory), units_(units), progress_(progress) {}

  RunTally run();

 private:
  /// Runs one stage of a job: timed, and what it throws becomes the job's error.
  template <typename Work>
  void stage(const char* name, TileJob& job, Work&& work) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (job.error || fatal_) return;
    }
    const auto begin = Clock::now();
    try {
      Stop::throw_if_requested();
      work();
    } catch (...) {
      Error error = current_error();
      error.stage(name).tile(ledger_.unit_name(job.unit));
      const std::lock_guard<std::mutex> lock(mutex_);  // two ingest stages may fail at once
      if (!job.error) job.error = error;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const std::lock_guard<std::mutex> lock(mutex_);
    tally_.stage_seconds[name] += seconds;
  }

  /// Starts tiles for as long as their tokens fit.
  void feed(flow::function_node<JobPtr, JobPtr>& open);
  /// The end of a tile-year: whether the tile has another one.
  bool settle(const JobPtr& job);
  void count_tile(const TileJob& job);
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
  uint64_t bytes_in_flight_ = 0;
};

void TileGraph::feed(flow::function_node<JobPtr, JobPtr>& open) {
  std::vector<JobPtr> started;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto most = static_cast<size_t>(stages_.plan->threads) * 2 + 2;
    while (!fatal_ && Stop::requested() == 0 && next_unit_ < units_.size() && in_flight_ < most) {
      const TileUnit& unit = units_[next_unit_];
      const uint64_t bytes =
          memory_.tile_bytes(unit.cells, stages_.plan->regions[unit.region].members.size());
      if (in_flight_ > 0 && bytes_in_flight_ + bytes > memory_.budget()) break;
      bytes_in_flight_ += bytes;
      ++in_flight_;
      ++next_unit_;
      started.push_back(std::make_shared<TileJob>(unit, bytes));
    }
  }
  for (const auto& job : started) open.try_put(job);
}

void TileGraph::count_tile(const TileJob& job) {
  tally_.cells_inside += job.statics.inside;
  tally_.cells_modelled += static_cast<int64_t>(job.statics.cells.size());
  tally_.without_crop += job.statics.without_crop;
  tally_.without_static += job.statics.without_static;
  tally_.tile_years_kept += job.kept;
  if (job.statics.cells.empty()) ++tally_.empty_tiles;
}

bool TileGraph::settle(const JobPtr& job) {
  const bool dead = fatal();
  if (job->error && !dead) {
    const bool passing = job->error->code() == Code::interrupted || job->error->stage() == "write";
    if (passing) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!fatal_) fatal_ = job->error;
    } else {
      spdlog::error("{}", job->error->what());
      ledger_.record_failure(job->unit, *job->error, job->year(*stages_.plan));
      const std::lock_guard<std::mutex> lock(mutex_);
      ++tally_.tiles_failed;
    }
  }
  if (!job->error && !dead && job->running) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!stages_.plan->steps[job->step].spinup) ++tally_.tile_years_done;
    tally_.pixel_years += job->pixel_years;
    tally_.too_long_gaps += job->assembled.too_long_gaps;
    tally_.without_climate += job->assembled.without_climate;
    tally_.negative_gpp += job->assembled.negative_gpp;
  }
  if (!job->error && !dead && job->running) {
    progress_.advance(job->pixel_years);
    job->assembled = {};
    job->results.clear();
    if (++job->step < stages_.plan->steps.size()) return true;
    ledger_.forget_failure(job->unit);
  }
  if (job->error && !dead) {
    for (size_t step = job->step; step < stages_.plan->steps.size(); ++step)
      progress_.advance(0, true);
  } else if (!job->running && !dead) {
    for (size_t step = 0; step < stages_.plan->steps.size(); ++step) progress_.advance(0);
    ledger_.forget_failure(job->unit);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  count_tile(*job);
  bytes_in_flight_ -= job->bytes;
  --in_flight_;
  return false;
}

RunTally TileGraph::run() {
  const auto begin = Clock::now();
  const Plan& plan = *stages_.plan;
  oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                    static_cast<size_t>(plan.threads));
  oneapi::tbb::task_arena arena(plan.threads);
  arena.execute([&] {
    flow::graph graph;
    const auto id_of = [](const JobPtr& job) -> size_t { return job->id(); };

    flow::function_node<JobPtr, JobPtr> open(graph, flow::unlimited, [&](const JobPtr& job) {
      stage("open", *job, [&] { open_tile(*job, stages_, ledger_); });
      for (size_t kept = 0; job->running && kept < job->step; ++kept) progress_.advance(0);
      return job;
    });
    // A tile-year starts here; tiles that need nothing go straight to the ledger.
    flow::multifunction_node<JobPtr, std::tuple<JobPtr, JobPtr>> year(
        graph, flow::unlimited, [](const JobPtr& job, auto& ports) {
          if (job->error || !job->running) {
            std::get<1>(ports).try_put(job);
          } else {
            std::get<0>(ports).try_put(job);
          }
        });
    flow::function_node<JobPtr, JobPtr> ingest_gpp(graph, flow::unlimited, [&](const JobPtr& job) {
      stage("ingest_gpp", *job,
            [&] { job->gpp = (*stages_.ingest_gpp)(job->statics, plan.steps[job->step]); });
      return job;
    });
    flow::function_node<JobPtr, JobPtr> ingest_climate(
        graph, flow::unlimited, [&](const JobPtr& job) {
          stage("ingest_climate", *job, [&] {
            job->climate = (*stages_.ingest_climate)(job->statics, plan.steps[job->step]);
          });
          return job;
        });
    flow::join_node<std::tuple<JobPtr, JobPtr>, flow::key_matching<size_t>> both(graph, id_of,
                                                                                 id_of);
    flow::function_node<std::tuple<JobPtr, JobPtr>, JobPtr> assemble(
        graph, flow::unlimited, [&](const std::tuple<JobPtr, JobPtr>& joined) {
          const JobPtr& job = std::get<0>(joined);
          stage("assemble", *job, [&] { assemble_year(*job, stages_); });
          return job;
        });
    flow::function_node<JobPtr, JobPtr> infer(graph, flow::unlimited, [&](const JobPtr& job) {
      stage("infer", *job, [&] { infer_year(*job, stages_); });
      return job;
    });
    flow::function_node<JobPtr, JobPtr> write(graph, flow::unlimited, [&](const JobPtr& job) {
      stage("write", *job, [&] { write_year(*job, stages_); });
      return job;
    });
    flow::function_node<JobPtr> ledger(graph, flow::unlimited, [&](const JobPtr& job) {
      bool another = false;
      try {
        another = settle(job);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!fatal_) fatal_ = current_error();
        bytes_in_flight_ -= job->bytes;
        --in_flight_;
      }
      if (another) {
        year.try_put(job);
      } else {
        feed(open);
      }
    });
    flow::make_edge(open, year);
    flow::make_edge(flow::output_port<0>(year), ingest_gpp);
    flow::make_edge(flow::output_port<0>(year), ingest_climate);
    flow::make_edge(ingest_gpp, flow::input_port<0>(both));
    flow::make_edge(ingest_climate, flow::input_port<1>(both));
    flow::make_edge(both, assemble);
    flow::make_edge(assemble, infer);
    flow::make_edge(infer, write);
    flow::make_edge(write, ledger);
    flow::make_edge(flow::output_port<1>(year), ledger);
    feed(open);
    graph.wait_for_all();
  });
  tally_.wall_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
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
