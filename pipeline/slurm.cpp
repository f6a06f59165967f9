// SPDX-License-Identifier: Apache-2.0
#include "pipeline/slurm.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "pipeline/child_process.h"
#include "pipeline/config_values.h"
#include "pipeline/shell_quote.h"

namespace fluxtile {
namespace {

bool begins(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

/// A submission from inside a job must not hand that job's allocation on, nor take options for one
/// of the two jobs from the environment.
const std::vector<std::string>& not_handed_on() {
  static const std::vector<std::string> names = {
      "SBATCH_ARRAY_INX",       "SBATCH_WAIT",          "SLURM_ARRAY_JOB_ID",
      "SLURM_ARRAY_TASK_ID",    "SLURM_CPUS_ON_NODE",   "SLURM_CPUS_PER_TASK",
      "SLURM_MEM_PER_CPU",      "SLURM_MEM_PER_NODE",   "SLURM_MEM_PER_GPU",
      "SLURM_RESTART_COUNT",    "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_MIN",
      "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_STEP"};
  return names;
}

bool says(const SlurmRequest& request, const std::vector<std::string>& beginnings,
          const std::vector<const char*>& variables) {
  for (const auto& option : request.options) {
    for (const auto& beginning : beginnings)
      if (begins(option, beginning)) return true;
  }
  return std::any_of(variables.begin(), variables.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

/// A folder in one of Slurm's file name patterns. A backslash anywhere would turn the patterns off
/// and be lost itself.
std::string log_pattern(const std::string& folder) {
  if (folder.find('\\') != std::string::npos) {
    throw Error(Code::data, "Slurm cannot write logs into a folder with a backslash in its path")
        .file(folder)
        .hint("choose another outputs.directory");
  }
  std::string pattern;
  for (const char c : folder) pattern += c == '%' ? "%%" : std::string(1, c);
  return pattern;
}

std::vector<std::string> common_words(const SlurmRequest& request, const std::string& name,
                                      const std::string& log) {
  std::vector<std::string> words = {"sbatch", "--parsable", "--job-name=" + name,
                                    "--output=" + log_pattern(request.logs) + "/" + log};
  if (request.threads > 0 && !says(request, {"-c", "--cpus-per-t"}, {"SBATCH_CPUS_PER_TASK"}))
    words.push_back("--cpus-per-task=" + std::to_string(request.threads));
  const bool memory =
      says(request, {"--mem"}, {"SBATCH_MEM_PER_NODE", "SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU"});
  if (request.memory > 0 && !memory) {
    // The scripts keep to nine tenths of what they are given.
    const uint64_t mib = ((request.memory + (1ULL << 20) - 1) >> 20) * 10;
    words.push_back("--mem=" + std::to_string((mib + 8) / 9) + "M");
  }
  words.insert(words.end(), request.options.begin(), request.options.end());
  return words;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string how_it_ended(const ChildOutcome& outcome) {
  std::string said = trimmed(outcome.err);
  if (!said.empty()) return said;
  if (outcome.signal != 0) return "ended by signal " + std::to_string(outcome.signal);
  return "exit code " + std::to_string(outcome.code) +
         (outcome.out.empty() ? "" : ", output " + trimmed(outcome.out));
}

Error refused(const std::string& what, const std::vector<std::string>& words,
              const ChildOutcome& outcome) {
  if (!outcome.started) {
    return Error(Code::usage, "cannot start `" + words.front() + "`: " + outcome.err)
        .expected("Slurm's commands in PATH")
        .hint(
            "run this on a machine that may submit to the cluster (often a login node); "
            "`--dry-run` shows what would be submitted");
  }
  const std::string said = how_it_ended(outcome);
  for (const char* passing : {"Unable to contact", "Socket timed out", "temporarily unable",
                              "Connection refused", "controller not responding"}) {
    if (said.find(passing) != std::string::npos) {
      return Error(Code::interrupted, "Slurm does not answer; " + what)
          .found(said)
          .hint("run the same command again when `scontrol ping` says that the controller is up");
    }
  }
  return Error(Code::usage, "Slurm refused; " + what)
      .found(said)
      .hint("the call was: " + shell_line(words));
}

/// "123" or "123;cluster" of --parsable; empty when it is neither.
std::string job_number(const ChildOutcome& outcome, std::string& cluster) {
  const std::string said = trimmed(outcome.out);
  const size_t semicolon = said.find(';');
  const std::string number = said.substr(0, semicolon);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return "";
  cluster = semicolon == std::string::npos ? "" : said.substr(semicolon + 1);
  return number;
}

bool cancelled(const SlurmJobs& jobs) {
  std::vector<std::string> words = {"scancel"};
  if (!jobs.cluster.empty()) words.push_back("--clusters=" + jobs.cluster);
  words.push_back(jobs.array);
  return run_child(words).code == 0;
}

}  // namespace

void check_sbatch_options(const std::vector<std::string>& options) {
  const auto refuse = [](const std::string& option, const std::string& hint) {
    throw Error(Code::usage, "`submit` sets this option of sbatch itself").found(option).hint(hint);
  };
  for (const auto& option : options) {
    const bool is_short = option.size() > 1 && option[0] == '-' && option[1] != '-';
    if (begins(option, "--ar") || (is_short && option[1] == 'a'))
      refuse(option, "--shards N says how many tasks there are, --throttle K how many run at once");
    if (begins(option, "--wait") && !begins(option, "--wait-all"))
      refuse(option, "`squeue --job=ID` shows how far the jobs are, `fluxtile status` the tiles");
    if (is_short && option[1] == 'W')
      refuse(option, "`squeue --job=ID` shows how far the jobs are");
    if (begins(option, "--wr")) refuse(option, "the scripts are fluxtile's own");
    if (begins(option, "--test")) refuse(option, "--dry-run shows what would be submitted");
  }
}

std::vector<std::string> shard_command(const SlurmRequest& request) {
  auto words = common_words(request, "fluxtile-" + request.name, "%A_%a.log");
  words.push_back("--array=" + request.indices +
                  (request.throttle > 0 ? "%" + std::to_string(request.throttle) : ""));
  words.push_back(request.shard_script);
  return words;
}

std::vector<std::string> merge_command(const SlurmRequest& request, const std::string& after) {
  auto words = common_words(request, "fluxtile-" + request.name + "-merge", "%j_merge.log");
  // afterany, not afterok: one that failed would leave the merge waiting for ever; the merge looks
  // for itself whether all is there.
  if (!after.empty()) words.push_back("--dependency=afterany:" + after);
  words.push_back("--kill-on-invalid-dep=yes");
  words.push_back(request.merge_script);
  return words;
}

std::optional<int64_t> max_array_size() {
  const ChildOutcome outcome = run_child({"scontrol", "show", "config"});
  if (!outcome.started || outcome.code != 0) return std::nullopt;
  const std::string name = "MaxArraySize";
  const size_t begin = outcome.out.find(name);
  if (begin == std::string::npos) return std::nullopt;
  const size_t value = outcome.out.find_first_not_of(" =", begin + name.size());
  if (value == std::string::npos) return std::nullopt;
  return whole_number_in(
      outcome.out.substr(value, outcome.out.find_first_not_of("0123456789", value) - value));
}

SlurmJobs submit_to_slurm(const SlurmRequest& request) {
  SlurmJobs jobs;
  if (!request.indices.empty()) {
    const auto words = shard_command(request);
    const ChildOutcome outcome = run_child(words, not_handed_on());
    jobs.array = outcome.code == 0 ? job_number(outcome, jobs.cluster) : "";
    if (jobs.array.empty()) throw refused("nothing was submitted", words, outcome);
  }
  const auto words = merge_command(request, jobs.array);
  std::string cluster;
  ChildOutcome outcome;
  try {
    outcome = run_child(words, not_handed_on());
  } catch (const Error& error) {
    outcome.started = true;
    outcome.err = error.message();
  }
  jobs.merge = outcome.code == 0 ? job_number(outcome, cluster) : "";
  if (!jobs.merge.empty()) return jobs;
  if (jobs.array.empty()) throw refused("nothing was submitted", words, outcome);
  if (cancelled(jobs)) {
    throw refused(
        "the merge was not submitted, and the array (job " + jobs.array + ") was cancelled", words,
        outcome);
  }
  throw refused("the merge was not submitted, and the array is left: cancel it with `scancel " +
                    jobs.array + "`, or let it end and run `fluxtile merge`",
                words, outcome);
}

}  // namespace fluxtile
