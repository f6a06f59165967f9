// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fluxtile {

/// Quality bits of a month, a year or a day (contract, 4).
enum Quality : uint16_t {
  gap_filled_gpp = 1,
  input_out_of_range = 2,
  provisional = 4,
  incomplete_period = 8,
  border_blend = 16,
  forecast_gpp = 32,
  failed_tile = 64,
  soil_substitute = 128,
  negative_respiration = 256,
  dormant_zero = 512,
  crop_year_substituted = 1024,
  not_modelled = 65535,
};

/// Climate of one calendar year on its own grid, over the window a tile needs.
struct ClimateBlock {
  size_t days = 0, cells = 0;
  std::vector<std::string>
      variables;  ///< names of model inputs formed from climate, e.g. RADN ... PRECN
  std::vector<float>
      values;  ///< [day][cell][variable], physical units of the model's inputs; NaN = no value
};

/// Interpolation weights in compressed rows: target cell i takes index/weight [offset[i],
/// offset[i+1]). Weights sum to 1.
struct SparseWeights {
  std::vector<int64_t> offset;
  std::vector<int32_t> index;
  std::vector<float> weight;
};

/// A stretch of days on which one cell's GPP does not follow the composites: bridged gaps, held
/// ends, dormant zeros. value(day) = from_value + (to_value - from_value) * (day - from_day) /
/// (to_day - from_day), constant if from_day == to_day.
struct GppSegment {
  int32_t cell = 0;
  int16_t first = 0, last = 0;  ///< day indices of the year, inclusive
  /// Positions of the two ends in days from 1 January, half days for mid-interval values; may lie
  /// outside the year.
  float from_day = 0, to_day = 0;
  float from_value = 0, to_value = 0;
};

/// GPP of one calendar year as composites: a day is made of one composite (step) or two (linear).
struct GppSeries {
  size_t composites = 0;
  std::vector<float> values;  ///< [composite][cell], gC m-2 d-1; NaN = nodata
  /// Per day: value = (1 - weight) * values[before] + weight * values[after]; before < 0: no
  /// composite on that day.
  std::vector<int32_t> before, after;
  std::vector<float> weight;
  std::vector<GppSegment>
      segments;  ///< ordered by cell, then day; they replace the composite value on their days
};

/// Everything one tile-year needs, compact: nothing here is [day x feature x cell]. Cells are the
/// tile's cells that are modelled in some year; per-cell arrays have `cells` entries in the tile's
/// cell order.
struct YearInputs {
  int year = 0;  ///< calendar year
  size_t days =
      0;  ///< days to run from 1 January; fewer than the year's when the period ends earlier
  bool complete = true;  ///< days covers the whole calendar year
  size_t first_result_day =
      0;  ///< earlier days are run but count in no sum (a period that starts later in the year)
  std::vector<uint8_t> month;  ///< per day: 0..11
  size_t cells = 0;
  /// Lattice position of each cell, a function of its global column and row alone: its lane in a
  /// batch is this number modulo the number of lanes (docs/decisions/0002).
  std::vector<int32_t> position;
  std::shared_ptr<const ClimateBlock> climate;
  std::shared_ptr<const SparseWeights> climate_weights;
  GppSeries gpp;
  std::vector<std::string> static_names;
  std::vector<float> statics;   ///< [cell][static], physical units; finite
  float year_feature = 0;       ///< the input `Year` after models.year
  std::vector<uint16_t> flags;  ///< [12][cell] from ingestion: gap-filled, provisional, ...;
                                ///< not_modelled = leave the state alone
};

/// Which cells one member (model package x crop code x ensemble index) runs in this year, and their
/// crop code.
struct MemberInputs {
  size_t member = 0;          ///< position in the region's member list
  std::vector<int32_t> cell;  ///< indices into the tile's cells, ascending
  std::vector<float> crop;    ///< input Crop_Type of each of them
};

/// Physical features of one cell, [day][feature] in the order of `features` (names of the package's
/// inputs): climate interpolated, GPP from composites and segments, statics, Year, Crop_Type. The
/// engines and `pixel` share it. Sums run in a fixed order.
void expand_features(const YearInputs& inputs, int32_t cell, float crop,
                     const std::vector<std::string>& features, std::vector<float>& out);

}  // namespace fluxtile
