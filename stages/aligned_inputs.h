// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/year_inputs.h"
#include "stages/tile.h"

namespace fluxtile {

/// What a run read for a tile, on the tile's cells. It stays beside the tile's results while its
/// last year grows, so that the next night reads only files that are new: a key stands for a file
/// as it was (name, size, time) and for how it is read, and whoever looks for the same key gets the
/// same values. Climate is not here: each night changes the year's file.
struct AlignedInputs {
  std::string statics_key;
  TileStatics statics;
  std::vector<std::string> composite_keys;
  std::vector<int64_t> below_zero;  ///< cells of each composite
  std::vector<float> composites;    ///< [composite][cell], as GppBlock::values

  /// Index of the composite; nullopt for one that is not here.
  [[nodiscard]] std::optional<size_t> find(const std::string& key) const;
};

/// The same before it is written down, where it lies.
struct AlignedInputsView {
  std::string statics_key;
  const TileStatics& statics;
  std::vector<std::string> composite_keys;
  const std::vector<int64_t>& below_zero;
  const std::vector<float>& composites;
};

/// The file: as tile-years and states (write_tile.h).
std::string format_aligned_inputs(const AlignedInputsView& inputs, const std::string& result_key);
/// nullopt for bytes that are no such file of the window and key.
std::optional<AlignedInputs> parse_aligned_inputs(const std::string& bytes, const std::string& path,
                                                  const TileUnit& unit,
                                                  const std::string& result_key);

}  // namespace fluxtile
