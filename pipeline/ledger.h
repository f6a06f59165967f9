// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "pipeline/run_stages.h"
#include "stages/aligned_inputs.h"

namespace fluxtile {

/// A tile that failed: what its record under `.fluxtile/failures` says.
struct TileFailure {
  std::string region, tile, stage, cause, input;
  int year = 0, attempts = 0;
};

/// What is known about the tiles of a plan from files alone: which tile-years are there and valid,
/// which tiles failed.
class Ledger {
 public:
  Ledger(const RunStages& stages, std::string private_folder);

  /// The stored tile-year of a step when it is whole, has the plan's result key and the stamp of
  /// today's files.
  [[nodiscard]] std::optional<TileYear> valid_tile_year(const TileUnit& unit, size_t step) const;
  /// The stored tile-year with the plan's result key, whatever its stamp.
  [[nodiscard]] std::optional<TileYear> stored_tile_year(const TileUnit& unit, size_t step) const;
  /// The same for any number of days of the year: what a run left whose period ended earlier.
  [[nodiscard]] std::optional<TileYear> stored_days_of_year(const TileUnit& unit,
                                                            size_t step) const;
  /// True when every result year of the tile is valid.
  [[nodiscard]] bool complete(const TileUnit& unit) const;
  [[nodiscard]] std::optional<TileState> stored_state(const TileUnit& unit, size_t step,
                                                      const std::vector<CellIndex>& cells) const;

  /// A stored state within the year of a step, at the beginning of a day.
  [[nodiscard]] std::optional<TileState> stored_open_state(
      const TileUnit& unit, size_t step, size_t day, const std::vector<CellIndex>& cells) const;

  /// What the tile's last year was read as (aligned_inputs.h).
  [[nodiscard]] std::optional<AlignedInputs> stored_inputs(const TileUnit& unit) const;
  /// Whether there are files of the tile, whatever they hold.
  [[nodiscard]] bool anything_stored(const TileUnit& unit) const;

  void record_failure(const TileUnit& unit, const Error& error, int year);
  void forget_failure(const TileUnit& unit);
  [[nodiscard]] std::optional<TileFailure> failure(const TileUnit& unit) const;
  /// Forgets every tile-year, state and failure of the plan's tiles (--fresh).
  void forget_all(const std::vector<TileUnit>& units);

  [[nodiscard]] std::string unit_name(const TileUnit& unit) const;  ///< "IA/c112_r-840_256x256"

 private:
  [[nodiscard]] std::string failure_path(const TileUnit& unit) const;
  [[nodiscard]] std::optional<TileState> read_state(const TileUnit& unit, const std::string& path,
                                                    const std::vector<CellIndex>& cells) const;

  const RunStages& stages_;
  std::string folder_;
};

}  // namespace fluxtile
