// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

/// What a batch script of Slurm shall do. Any bytes but NUL may stand in paths and words.
struct BatchWork {
  std::string directory;           ///< where it was submitted; --set may name files relative to it
  std::string program;             ///< absolute path of fluxtile
  std::string config;              ///< absolute path
  std::string plan;                ///< id
  std::vector<std::string> words;  ///< further options, the same for every shard
  int shards = 0;                  ///< N of --shard I/N
  int restarts = 0;                ///< how often a job may ask to be run again
};

/// bash for one task of the array: `fluxtile run CONFIG --shard I/N`.
///
/// Threads and memory are those of the allocation. USR1 (Slurm's early warning of a time limit or a
/// preemption) stops the run and requeues this task; TERM (scancel, preemption) only stops it, so
/// that what was cancelled stays cancelled. Exit code 75 without TERM requeues, `restarts` times.
std::string shard_script(const BatchWork& work);

/// bash for the job that follows the array: `fluxtile merge CONFIG`, with the same rules.
std::string merge_script(const BatchWork& work);

/// Numbers as Slurm writes the indices of an array: {0, 1, 2, 5} -> "0-2,5". Ascending, unique.
std::string array_indices(const std::vector<int>& numbers);

}  // namespace fluxtile
