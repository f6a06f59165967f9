// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "pipeline/graph.h"
#include "pipeline/merge.h"
#include "pipeline/verbs.h"

namespace fluxtile {

/// What the end of a run or merge needs to know of its beginning.
struct Ending {
  const char* verb;
  std::chrono::steady_clock::time_point begin;
  std::string record_before;          ///< product key of run.json when the verb began
  std::optional<MergeCheck> known;    ///< nothing has to be done, as nothing_new() found
  std::function<void()> tiles_again;  ///< does the tiles that are not valid; empty: merge
};

/// Product key of the run.json of the outputs, "" without one.
std::string product_key_of_record(const Config& config);

/// What a run needs that has nothing to do: tile-years and products as they were when they were
/// checked. None when there may be something.
std::optional<MergeCheck> nothing_new(const Plan& plan, const Config& config);

/// Writes the products of a plan whose tiles are done, or finds that they are there already; waits
/// for the lock of the outputs. Returns the exit code. Throws Error(data | interrupted |
/// tiles_failed | io), with the products as they were unless it says otherwise.
int finish(const RunStages& stages, const Ledger& ledger, const Config& config,
           const VerbOptions& options, const RunTally& tally, Progress& progress,
           const Ending& ending, std::ostream& out);

}  // namespace fluxtile
