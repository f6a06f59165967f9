// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/run_stages.h"

namespace fluxtile {

/// The daily inputs of one grid cell as the main job forms them: the same stages on a tile of one
/// cell. `pixel` shows them; training takes them for towers.
class CellInputs {
 public:
  /// The cell that holds a point in the CRS of the grid. Reads soil and crops. `stages` must
  /// outlive this. Throws Error (data | io) naming the file.
  CellInputs(const RunStages& stages, Point on_lattice);

  [[nodiscard]] CellIndex cell() const noexcept { return cell_; }
  /// Position in the plan's regions; their number where the cell lies in none.
  [[nodiscard]] size_t region() const noexcept { return region_; }
  /// Why the cell is not modelled in any year; empty if it is.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] const TileStatics& tile() const noexcept { return tile_; }

  struct Year {
    AssembledYear assembled;      ///< as the networks get it
    bool modelled = false;        ///< false: a gap or no crop in this year
    float crop = 0;               ///< Crop_Type of the first member, where modelled
    std::vector<float> features;  ///< [day][input] of the region's package, where modelled
  };
  /// The inputs of one step of the plan. `chain`: as TileState::chain. Only for a cell without a
  /// reason. Throws Error (data | io) naming the file.
  [[nodiscard]] Year year(size_t step, const std::string& chain) const;

 private:
  const RunStages& stages_;
  CellIndex cell_;
  size_t region_;
  TileStatics tile_;
  std::string reason_;
};

}  // namespace fluxtile
