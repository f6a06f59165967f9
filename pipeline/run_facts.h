// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/run_tally.h"

namespace fluxtile {

/// What of the inputs differs from those that the products in the output folder were made of.
struct NewInputs {
  bool known = false;  ///< false: there is nothing to compare with
  uint64_t added = 0, changed = 0, removed = 0;
  std::vector<std::string> names;  ///< file names of some, new ones first
};

/// What a plan says about a run before it begins.
struct PlannedFacts {
  std::string plan, engine, first_day, last_day;
  std::map<std::string, uint64_t> tile_years;  ///< of results, by region
  uint64_t tiles = 0, memory = 0;
  int threads = 0;
  NewInputs inputs;
};

/// What is known of a run while it goes on, and when it has ended. Times are seconds since 1970; 0:
/// never.
struct RunFacts {
  std::string verb, name, configuration, shard, host;
  int pid = 0;
  PlannedFacts planned;
  RunTally tally;
  uint64_t failed_tiles = 0;  ///< recorded, of this and earlier runs
  uint64_t products = 0;
  bool products_written = false;
  bool running = true;
  int exit_code = 0;  ///< of the last run that ended: this one's when it is over
  std::string cause;  ///< what ended it, where that is no success
  double started = 0, updated = 0, ended = 0;  ///< `ended`: of the last run that ended
  double seconds = 0;                          ///< of this run so far
  double last_success = 0;                     ///< end of the last run with exit code 0
  double products_time = 0;                    ///< when the products in the folder were finished
  std::string products_plan;                   ///< the plan that they belong to
  uint64_t peak_memory = 0;
};

/// The largest resident size of this process so far, in bytes.
uint64_t peak_memory();

}  // namespace fluxtile
