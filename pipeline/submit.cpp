// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/stop.h"
#include "pipeline/batch_script.h"
#include "pipeline/ledger.h"
#include "pipeline/merge.h"
#include "pipeline/product_replacement.h"
#include "pipeline/run_record.h"
#include "pipeline/shell_quote.h"
#include "pipeline/slurm.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

std::string own_program() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) throw Error(Code::internal, "cannot tell where fluxtile is: " + error.message());
  return path.string();
}

void check_array_size(int shards) {
  const auto most = max_array_size();
  if (!most || shards <= *most) return;
  throw Error(Code::usage, "this cluster takes no array of that size")
      .found("--shards " + std::to_string(shards))
      .expected("at most " + std::to_string(*most) + " (MaxArraySize)")
      .hint("--shards " + std::to_string(*most) +
            ": a shard takes several tiles, and the maps do not depend on their number");
}

/// What is left to do of a plan.
struct Work {
  std::vector<int> shards;  ///< that miss tiles
  size_t tiles = 0;         ///< that are not done
  bool products = false;    ///< all tiles are done and the products are those of today
};

Work work_left(const RunStages& stages, const Config& config, int shards) {
  const Plan& plan = *stages.plan;
  const Ledger ledger(stages, private_folder(config));
  Work work;
  std::vector<bool> misses(static_cast<size_t>(shards), false);
  for (size_t k = 0; k < plan.units.size(); ++k) {
    Stop::throw_if_requested();
    if (ledger.complete(plan.units[k])) continue;
    ++work.tiles;
    misses[k % misses.size()] = true;
  }
  for (size_t shard = 0; shard < misses.size(); ++shard) {
    if (misses[shard]) work.shards.push_back(static_cast<int>(shard));
  }
  if (work.tiles > 0) return work;
  const auto record = read_run_record(config.output_directory);
  work.products = record && interrupted_replacement(config.output_directory).empty() &&
                  products_present(*record, config.output_directory) &&
                  record->product_key == product_key(plan, config, check_tiles(stages, ledger));
  return work;
}

/// Options of this command that every shard has to be given as well.
std::vector<std::string> words_for_shards(const VerbOptions& options, const SubmitOptions& submit) {
  std::vector<std::string> words;
  for (const auto& assignment : submit.sets) {
    words.emplace_back("--set");
    words.push_back(assignment);
  }
  if (options.allow_synthetic_model) words.emplace_back("--allow-synthetic-model");
  words.insert(words.end(), submit.log_words.begin(), submit.log_words.end());
  return words;
}

nlohmann::ordered_json as_json(const Plan& plan, const Work& work, const SubmitOptions& submit) {
  return {{"plan", plan.id},
          {"tiles", plan.units.size()},
          {"tiles_to_do", work.tiles},
          {"shards", submit.shards},
          {"shards_to_do", work.shards.size()}};
}

/// All bytes of a path or an option, also those that are not UTF-8, shall not stop the output.
std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void show(const SlurmRequest& request, const std::string& shard, const std::string& merge,
          nlohmann::ordered_json json, bool as_text, std::ostream& out) {
  const auto array = shard_command(request);
  const auto after = merge_command(request, request.indices.empty() ? "" : "ARRAY_JOB");
  if (!as_text) {
    json["array_command"] =
        request.indices.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(array);
    json["merge_command"] = after;
    json["shard_script"] = shard;
    json["merge_script"] = merge;
    out << dumped(json);
    return;
  }
  if (!request.indices.empty()) {
    out << "# " << request.shard_script << "\n" << shard << "\n";
    out << "# submitted by\n" << shell_line(array) << "\n\n";
  }
  out << "# " << request.merge_script << "\n" << merge << "\n";
  out << "# submitted by\n" << shell_line(after) << "\n";
}

}  // namespace

int submit_verb(const Config& config, const VerbOptions& options, const SubmitOptions& submit,
                std::ostream& out) {
  check_sbatch_options(submit.sbatch);
  check_array_size(submit.shards);
  require_own_folder(config);
  PlannedRun planned =
      open_plan(config, options, submit.dry_run ? PlanUse::preview : PlanUse::submit);
  for (const auto& warning : planned.plan.warnings) spdlog::warn("{}", warning);
  const RunStages stages = make_stages(std::move(planned), config, no_engines(), false);
  const Plan& plan = *stages.plan;
  const Work work = work_left(stages, config, submit.shards);

  BatchWork batch;
  batch.directory = fs::current_path().string();
  batch.program = own_program();
  batch.config = config.path;
  batch.plan = plan.id;
  batch.words = words_for_shards(options, submit);
  batch.shards = submit.shards;
  batch.restarts = submit.restarts;
  const std::string shard = shard_script(batch), merge = merge_script(batch);

  const std::string folder = private_folder(config) + "/batch/" + plan.id;
  SlurmRequest request;
  request.name = config.name;
  request.logs = folder + "/logs";
  request.shard_script = folder + "/shards.sh";
  request.merge_script = folder + "/merge.sh";
  request.indices = array_indices(work.shards);
  request.throttle = submit.throttle;
  request.threads = config.run.threads;
  request.memory = config.run.memory;
  request.options = submit.sbatch;

  nlohmann::ordered_json json = as_json(plan, work, submit);
  if (work.products) {
    spdlog::info("nothing to submit: all {} tiles are done and the products are up to date in {}",
                 plan.units.size(), config.output_directory);
    if (options.json) {
      json["array_job"] = nullptr;
      json["merge_job"] = nullptr;
      out << dumped(json);
    }
    return 0;
  }
  if (submit.dry_run) {
    show(request, shard, merge, json, !options.json, out);
    return 0;
  }
  write_atomically(request.shard_script, shard);
  write_atomically(request.merge_script, merge);
  std::error_code error;
  fs::create_directories(request.logs, error);
  if (error) {
    throw Error(Code::cannot_create, "cannot create the folder: " + error.message())
        .file(request.logs);
  }
  const SlurmJobs jobs = submit_to_slurm(request);
  if (options.json) {
    json["array_job"] =
        jobs.array.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(jobs.array);
    json["merge_job"] = jobs.merge;
    json["cluster"] =
        jobs.cluster.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(jobs.cluster);
    json["logs"] = request.logs;
    out << dumped(json);
  } else {
    if (!jobs.array.empty()) out << "array " << jobs.array << "\n";
    out << "merge " << jobs.merge << "\n";
  }
  if (jobs.array.empty()) {
    spdlog::info("all {} tiles are done; job {} writes the products", plan.units.size(),
                 jobs.merge);
  } else {
    spdlog::info("{} of {} tiles to do in {} shards (job {}), then merge (job {}); logs in {}",
                 work.tiles, plan.units.size(), work.shards.size(), jobs.array, jobs.merge,
                 request.logs);
  }
  return 0;
}

}  // namespace fluxtile
