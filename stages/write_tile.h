// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "stages/tile.h"

namespace fluxtile {

/// The file format of tile-years and states: safetensors with a metadata block and an 8-byte xxh3
/// trailer. Reading checks the trailer, the format number and every size; anything foreign,
/// truncated or flipped is nullopt (to be computed again); a newer format number throws
/// Error(data).
std::string format_tile_year(const TileYear& year);
std::optional<TileYear> parse_tile_year(const std::string& bytes, const std::string& path);

/// Hidden states of all members at the end of a year.
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
  /// `keep_states`: how many of the newest states of a tile are kept; 0: none is written.
  WriteTile(std::string folder, int keep_states);

  /// A spin-up year leaves a state only. Throws Error(io | cannot_create).
  void operator()(const TileYear& year, const TileState& state, const std::string& region_folder,
                  size_t step) const;

  [[nodiscard]] std::string tile_year_path(const std::string& region_folder, const TileUnit& unit,
                                           size_t step, int year) const;
  [[nodiscard]] std::string state_path(const std::string& region_folder, const TileUnit& unit,
                                       size_t step, int year) const;

 private:
  void forget_old_states(const std::string& region_folder, const TileUnit& unit) const;

  std::string folder_;
  int keep_states_;
};

}  // namespace fluxtile
