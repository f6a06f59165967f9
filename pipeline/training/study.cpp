// SPDX-License-Identifier: Apache-2.0
#include <tbb/task_arena.h>

#include <atomic>
#include <ostream>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/stop.h"
#include "model/training/training.h"
#include "pipeline/progress.h"
#include "pipeline/training/study_config.h"
#include "pipeline/training/study_record.h"
#include "pipeline/training/study_report.h"
#include "pipeline/training/study_world.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

struct Job {
  world::Heterogeneity kind = world::Heterogeneity::none;
  uint64_t seed = 0;
  std::string path;  ///< of its record
};

std::vector<Job> jobs_of(const StudyConfig& config) {
  std::vector<Job> jobs;
  // World by world of every kind, so that an early stop leaves all kinds with about as many.
  for (int k = 0; k < config.worlds; ++k) {
    for (const world::Heterogeneity kind : config.kinds) {
      const uint64_t seed = config.first_seed + static_cast<uint64_t>(k);
      jobs.push_back({kind, seed,
                      config.output + "/worlds/" + world::to_text(kind) + "-" +
                          std::to_string(seed) + ".json"});
    }
  }
  return jobs;
}

}  // namespace

int study_verb(const std::string& path, const std::vector<std::string>& overrides,
               const VerbOptions& options, std::ostream& out) {
  const StudyConfig config = read_study_config(path, overrides);
  const auto global = load_package(config.package);
  const std::string key = study_key(config, *global);
  std::vector<Job> jobs = jobs_of(config);
  std::vector<WorldScores> done(jobs.size());
  std::vector<size_t> open;
  for (size_t k = 0; k < jobs.size(); ++k) {
    if (auto earlier = read_world_scores(jobs[k].path, key)) {
      done[k] = std::move(*earlier);
    } else {
      open.push_back(k);
    }
  }
  Progress progress(options.progress);
  progress.begin("worlds", jobs.size(), jobs.size() - open.size());
  const int threads =
      config.threads > 0 ? config.threads : static_cast<int>(std::thread::hardware_concurrency());
  prepare_for_threads(*global);
  std::atomic<size_t> next = 0;
  std::vector<std::thread> workers;
  std::vector<Result<bool>> outcomes(static_cast<size_t>(threads), Result<bool>(true));
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      outcomes[static_cast<size_t>(worker)] = attempt([&] {
        // A world is one thread's work: arms and predictions stay in an arena of one.
        tbb::task_arena arena(1);
        for (size_t k = next++; k < open.size(); k = next++) {
          Stop::throw_if_requested();
          const Job& job = jobs[open[k]];
          WorldScores scores;
          arena.execute([&] { scores = run_study_world(config, *global, job.kind, job.seed); });
          write_atomically(job.path, world_scores_text(scores, key));
          done[open[k]] = std::move(scores);
          progress.advance(done[open[k]].training_site_years);
        }
        return true;
      });
      if (!outcomes[static_cast<size_t>(worker)].ok()) next = open.size();
    });
  }
  for (std::thread& worker : workers) worker.join();
  progress.end();
  for (const auto& outcome : outcomes)
    if (!outcome.ok()) throw outcome.error();

  const StudyReport report = study_report(config, *global, done);
  write_atomically(config.output + "/study.csv", study_csv(report));
  write_atomically(config.output + "/study_differences.csv", study_differences_csv(report));
  write_atomically(config.output + "/study.json", study_json(report));
  write_atomically(config.output + "/study.md", study_markdown(report));
  write_atomically(config.output + "/study.html", study_page(report));
  if (options.json) {
    out << study_json(report) << '\n';
  } else {
    out << study_markdown(report) << '\n' << config.output << "/study.html\n";
  }
  return 0;
}

}  // namespace fluxtile
