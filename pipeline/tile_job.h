// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.h"
#include "pipeline/ledger.h"
#include "pipeline/run_stages.h"

namespace fluxtile {

/// A tile on its way through the years: what the flow graph passes from node to node.
struct TileJob {
  TileJob(TileUnit tile, uint64_t memory)
      : unit(std::move(tile)), bytes(memory), id_(next_id()++) {}

  [[nodiscard]] size_t id() const noexcept { return id_; }
  [[nodiscard]] int year(const Plan& plan) const {
    return plan.steps[std::min(step, plan.steps.size() - 1)].year;
  }

  TileUnit unit;
  uint64_t bytes = 0;        ///< memory token it holds
  bool running = false;      ///< has tile-years to compute
  size_t step = 0;           ///< the year it is in
  uint64_t kept = 0;         ///< tile-years found valid
  uint64_t pixel_years = 0;  ///< of the current year
  TileStatics statics;
  TileState state;
  GppBlock gpp;
  ClimateTile climate;
  AssembledYear assembled;
  std::vector<TileYearMember> results;
  std::optional<Error> error;

 private:
  static std::atomic<size_t>& next_id() {
    static std::atomic<size_t> counter{0};
    return counter;
  }
  size_t id_;
};

/// Reads soil and crops and finds where the tile has to start: after the newest state whose inputs
/// are unchanged. Unchanged size and mtime of every file short-cut the check; otherwise the inputs
/// of the stored years are read again and their digest chain is compared, without running a
/// network.
void open_tile(TileJob& job, const RunStages& stages, const Ledger& ledger);

void assemble_year(TileJob& job, const RunStages& stages);
void infer_year(TileJob& job, const RunStages& stages);
void write_year(TileJob& job, const RunStages& stages);

}  // namespace fluxtile
