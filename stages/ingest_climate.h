// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "stages/layer_reader.h"
#include "stages/tile.h"

namespace fluxtile {

/// Climate of one calendar year over the window a tile needs, on the climate's own grid, with the
/// weights that take it to the cells.
struct ClimateTile {
  std::shared_ptr<const ClimateBlock> block;
  /// Rows of cells without any valid climate are empty.
  std::shared_ptr<const SparseWeights> weights;
};

/// Saturation vapour pressure, kPa, of a temperature in degC: 0.6108 exp(17.27 T / (T + 237.3))
/// (FAO-56, eq. 11).
double saturation_vapour_pressure(double celsius);

/// Reads the source variables, forms the model's inputs on the climate grid (derived variables
/// before interpolation), bridges the days that the plan allowed to be missing.
class IngestClimate {
 public:
  IngestClimate(Lattice lattice, std::shared_ptr<const Sources> sources,
                std::shared_ptr<LayerReader> reader);

  /// Throws Error (data | io) naming file and variable.
  ClimateTile operator()(const TileStatics& tile, const YearStep& step) const;

 private:
  /// [day][cell] of one variable from 1 January, NaN where no file has the day.
  [[nodiscard]] std::vector<double> read_variable(const ClimateSourceVariable& variable,
                                                  int64_t start, int64_t days,
                                                  const SourceWindow& window) const;

  Lattice lattice_;
  std::shared_ptr<const Sources> sources_;
  std::shared_ptr<LayerReader> reader_;
};

}  // namespace fluxtile
