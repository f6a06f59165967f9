// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "pipeline/config.h"
#include "pipeline/progress.h"

namespace fluxtile {

class RunWatch;

/// What the command line says beside the configuration file.
struct VerbOptions {
  std::optional<int> shard, shards;    ///< --shard I/N
  bool fresh = false;                  ///< --fresh: forget earlier tile-years
  bool allow_synthetic_model = false;  ///< --allow-synthetic-model
  bool json = false;                   ///< --json, where a verb has it
  ProgressMode progress = ProgressMode::automatic;
  std::chrono::milliseconds lock_wait{0};  ///< --lock-wait: how long to wait for the folder's lock
  std::string plan;  ///< --plan: id of a written plan to go by; empty: the one of today's inputs
  std::string timeline;  ///< --timeline: file (.json or .svg) for what each thread did; empty: none
  RunWatch* watch = nullptr;  ///< of run and merge: is told how far they are
};

/// One verb a function: reads the configuration's world, writes to `out` only what a script would
/// parse, returns the exit code. All throw Error; main() prints it to stderr and exits with its
/// code.

/// Plans, processes every tile-year that is not valid yet, merges, writes products, summary and
/// run.json.
int run_verb(const Config& config, const VerbOptions& options, std::ostream& out);
/// Reads headers only and writes nothing under the outputs.
int plan_verb(const Config& config, const VerbOptions& options, std::ostream& out);
int merge_verb(const Config& config, const VerbOptions& options, std::ostream& out);
int status_verb(const Config& config, const VerbOptions& options, std::ostream& out);
/// Checks the products of a finished run in `directory` against its run.json.
int verify_verb(const std::string& directory, bool json, std::ostream& out);

/// What `clean` may remove, beside what it must keep.
struct CleanOptions {
  std::chrono::seconds older_than{0};  ///< --older-than: nothing younger goes
  size_t keep_plans = 0;               ///< --keep-plans: the newest ones stay, with their tiles
  bool dry_run = false;                ///< --dry-run: lists, removes nothing
  bool all = false;                    ///< --all: everything but the products
};
/// Removes plans, tile-years, states, failure records and leftovers that neither the current plan
/// nor the products nor a running run need.
int clean_verb(const Config& config, const VerbOptions& options, const CleanOptions& clean,
               std::ostream& out);

/// What `submit` is told beside the configuration.
struct SubmitOptions {
  std::string engine;                  ///< --engine: who runs the shards; slurm
  int shards = 0;                      ///< --shards
  int throttle = 0;                    ///< --throttle: shards that may run at once; 0: all
  int restarts = 10;                   ///< --restarts: how often a shard may ask to be run again
  bool dry_run = false;                ///< --dry-run: show, write and submit nothing
  std::vector<std::string> sets;       ///< --set, handed on to the shards
  std::vector<std::string> log_words;  ///< --log-level, --log-format, --progress where given
  std::vector<std::string> sbatch;     ///< words after `--`
};
/// Writes plan and batch scripts and hands the run to Slurm: an array of shards, and a merge that
/// follows it. `out`: the ids of the two jobs.
int submit_verb(const Config& config, const VerbOptions& options, const SubmitOptions& submit,
                std::ostream& out);

struct PixelOptions {
  std::vector<Point> points;  ///< grid CRS coordinates, or longitude/latitude when `lonlat`
  bool lonlat = false;
  std::string output;  ///< CSV file; empty: table on `out`
};
int pixel_verb(const Config& config, const VerbOptions& options, const PixelOptions& pixel,
               std::ostream& out);

/// What fluxtile sees in rasters, NetCDF files, vectors and model packages.
int inspect_verb(const std::vector<std::string>& paths, bool json, std::ostream& out);

/// `config`: path of a training configuration (docs/train-configuration.md); `overrides`: --set.
/// Trains the global model and one model a region, and writes their packages and the training
/// report. Goes on where an interrupted training stopped. `out`: paths of what was written.
int train_verb(const std::string& config, const std::vector<std::string>& overrides,
               const VerbOptions& options, std::ostream& out);
/// Scores the ways to make a model on held-out site-years; trains what it lacks. `out`: a table, or
/// JSON.
int evaluate_verb(const std::string& config, const std::vector<std::string>& overrides,
                  const VerbOptions& options, std::ostream& out);
/// Fine-tunes and scores in many synthetic worlds: where does a model a region help? Worlds that
/// are done are kept.
int study_verb(const std::string& config, const std::vector<std::string>& overrides,
               const VerbOptions& options, std::ostream& out);

/// Writes a synthetic world (inputs in the real formats, truth, training data, run.yaml) from a
/// world description into `directory`; where that is empty into the description's `output`, else
/// into a folder named like the description's file.
int simulate_verb(const std::string& world, const std::vector<std::string>& overrides,
                  const std::string& directory, std::ostream& out);

}  // namespace fluxtile
