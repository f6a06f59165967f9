// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxtile {

/// What both jobs of a run ask of Slurm.
struct SlurmRequest {
  std::string name;                        ///< of the run, for the names of the jobs
  std::string logs;                        ///< folder
  std::string shard_script, merge_script;  ///< paths
  std::string indices;                     ///< of the array, "0-7"; empty: merge alone
  int throttle = 0;                        ///< tasks that may run at once; 0: all
  int threads = 0;                         ///< 0: not asked for
  uint64_t memory = 0;                     ///< bytes that fluxtile keeps to
  std::vector<std::string> options;        ///< the user's, after ours: the last one counts
};

/// Job numbers as sbatch gave them; `cluster` where it named one.
struct SlurmJobs {
  std::string array, merge, cluster;
};

/// Refuses options that would break the pair of jobs: Error(usage).
void check_sbatch_options(const std::vector<std::string>& options);

/// The words of both calls of sbatch. Memory and threads are asked for unless the user's options or
/// environment (SBATCH_MEM_PER_NODE ...) say something about them.
std::vector<std::string> shard_command(const SlurmRequest& request);
/// `after`: number of the array; empty: none to wait for.
std::vector<std::string> merge_command(const SlurmRequest& request, const std::string& after);

/// MaxArraySize of the cluster; nullopt when it cannot be asked.
std::optional<int64_t> max_array_size();

/// Submits the array, then the merge. Throws Error(usage) when sbatch is not there or refuses,
/// Error(interrupted) when Slurm does not answer; an array without its merge is cancelled.
SlurmJobs submit_to_slurm(const SlurmRequest& request);

}  // namespace fluxtile
