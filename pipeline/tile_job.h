// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "pipeline/ledger.h"
#include "pipeline/run_stages.h"

namespace fluxtile {

/// A tile on its way through the years: what the flow graph passes from node to node. One node at a
/// time works on it; years that are read ahead of it are YearJobs of their own.
struct TileJob {
  TileJob(TileUnit tile, uint64_t memory, int32_t place)
      : unit(std::move(tile)), bytes(memory), position(place) {}

  [[nodiscard]] int year(const Plan& plan) const {
    return plan.steps[std::min(step, plan.steps.size() - 1)].year;
  }

  TileUnit unit;
  uint64_t bytes = 0;    ///< memory token it holds
  int32_t position = 0;  ///< among the tiles of the run
  bool running = false;  ///< has tile-years to compute
  size_t step = 0;       ///< the year that the networks are in
  uint64_t kept = 0;     ///< tile-years found valid
  size_t read = 0;       ///< steps before this one are read or being read
  size_t taken = 0;      ///< steps before this one were handed over by their YearJob
  TileStatics statics;
  std::optional<AlignedInputs> known;  ///< of what is read to compare it with stored years
  TileState state;
  std::optional<TileState> open;     ///< a state within the year `step` to go on from
  std::optional<TileYear> earlier;   ///< the stored tile-year that has the months before it
  std::vector<TileState> kept_open;  ///< states within the year, to be stored
  std::string chain;                 ///< digest chain of the years that are assembled
  AssembledYear ready;               ///< the year `step`, where finding it meant reading it
  AssembledYear assembled;
  uint64_t pixel_years = 0;  ///< of the current year
  uint64_t pixel_days = 0;   ///< of the current year
  size_t from_day = 0;       ///< of the current year: 0, or that of the state it went on from
  int64_t first_day = 0;     ///< of the current year that ran and is part of the results
  std::vector<TileYearMember> results;
  std::optional<Error> error;
};

/// One year of a tile from its reading to its assembly. Shares with the tile what no year changes.
struct YearJob {
  std::shared_ptr<TileJob> tile;
  size_t step = 0;
  GppBlock gpp;
  ClimateTile climate;
  AssembledYear assembled;
  std::optional<Error> error;
};

/// Reads soil and crops and finds where the tile has to start: after the newest state whose inputs
/// are unchanged. Unchanged size and mtime of every file short-cut the check; otherwise the inputs
/// of the stored years are read again and their digest chain is compared, without running a
/// network.
void open_tile(TileJob& job, const RunStages& stages, const Ledger& ledger);

/// Years are assembled in order: each one's digest chain goes on from the one before.
void assemble_year(YearJob& year, const RunStages& stages);
/// Hands a year that was read over to its tile, with what went wrong on the way.
void take_year(TileJob& tile, YearJob& year);
/// Advances the tile's state through the year in `assembled`.
void infer_year(TileJob& job, const RunStages& stages);
void write_year(TileJob& job, const RunStages& stages);

}  // namespace fluxtile
