// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stages/tile.h"

namespace fluxtile {

/// The file format of tile-years and states (sealed_tensors.h). Reading checks the trailer, the
/// format number and every size; anything foreign, truncated or flipped is nullopt (to be computed
/// again); a newer format number throws Error(data).
std::string format_tile_year(const TileYear& year);
std::optional<TileYear> parse_tile_year(const std::string& bytes, const std::string& path);

/// Hidden states of all members at the end of a year or within one.
std::string format_tile_state(const TileState& state, const std::vector<CellIndex>& cells,
                              const std::string& result_key);
std::optional<TileState> parse_tile_state(const std::string& bytes, const std::string& path,
                                          const std::vector<CellIndex>& cells,
                                          const std::string& result_key);

/// A digest of values that does not depend on how a region was cut into tiles: one hash a cell,
/// added up. Sums of the tile-years of a region and year are the same for any tiling.
struct CellDigest {
  uint64_t first = 0, second = 0;
  CellDigest& operator+=(const CellDigest& other) noexcept {
    first += other.first;
    second += other.second;
    return *this;
  }
};
CellDigest cell_digest(const TileYear& year);

/// Writes tile-years and states of one run under `folder` (`.fluxtile/tiles/<region>/<tile>`):
/// atomic, last rename wins.
class WriteTile {
 public:
  /// How many states of a tile are kept: the newest of years' ends, and those within years that
  /// kept_states.h chooses; 0: none is written.
  struct Keep {
    int years = 2, within_year = 7;
  };
  WriteTile(std::string folder, Keep keep);

  /// What a year leaves beside its results.
  struct Leaves {
    const TileState* state = nullptr;              ///< at its end; null: no year goes on from there
    const std::vector<TileState>* open = nullptr;  ///< states within the year
    std::string inputs;                            ///< aligned_inputs.h; empty: not kept
    size_t from = 0;  ///< day that the year went on from; stored states after it are out of date
  };
  /// A spin-up year has no results, only a state. Throws Error(io | cannot_create).
  void operator()(const TileYear& year, const Leaves& leaves, const std::string& region_folder,
                  size_t step) const;

  [[nodiscard]] std::string tile_year_path(const std::string& region_folder, const TileUnit& unit,
                                           size_t step, int year) const;
  [[nodiscard]] std::string state_path(const std::string& region_folder, const TileUnit& unit,
                                       size_t step, int year) const;
  /// Of a state within a year.
  [[nodiscard]] std::string open_path(const std::string& region_folder, const TileUnit& unit,
                                      size_t step, int year, size_t day) const;
  /// Of what was read for the year.
  [[nodiscard]] std::string inputs_path(const std::string& region_folder, const TileUnit& unit,
                                        size_t step, int year) const;
  /// Days of a step's stored states within the year, newest first.
  [[nodiscard]] std::vector<size_t> open_days(const std::string& region_folder,
                                              const TileUnit& unit, size_t step, int year) const;

 private:
  [[nodiscard]] std::string tile_folder(const std::string& region_folder,
                                        const TileUnit& unit) const;
  [[nodiscard]] std::string year_path(const std::string& region_folder, const TileUnit& unit,
                                      size_t step, int year, const char* ending) const;
  /// Removes what is more than is kept, and states of days that ran again but for those written.
  void forget_old_states(const TileYear& year, const Leaves& leaves,
                         const std::string& region_folder, size_t step) const;

  std::string folder_;
  Keep keep_;
};

}  // namespace fluxtile
