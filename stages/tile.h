// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "geo/lattice.h"
#include "geo/resample.h"
#include "model/engine.h"
#include "model/year_inputs.h"
#include "stages/sources.h"

namespace fluxtile {

/// A tile clipped to its region: the unit that is owned by one worker for all its years.
struct TileUnit {
  size_t region = 0;  ///< index into the plan's regions
  CellWindow window;
  int64_t cells = 0;  ///< cells inside the region, an upper bound of the modelled ones
  [[nodiscard]] std::string name() const;  ///< "c112_r-840_256x256": stable for the same window
};

/// Crops of one calendar year over the tile's cells.
struct TileCrop {
  int year = 0;
  bool substituted = false;
  std::vector<float> type;  ///< [cell] Crop_Type of the cell's own member, NaN = not modelled;
                            ///< empty in fraction mode
  std::vector<float>
      share;  ///< [member's crop code][cell] share of the cell's area; only in fraction mode
};

/// What does not change with the years: cells that are modelled in some year, their static inputs,
/// crops and resampling weights.
struct TileStatics {
  TileUnit unit;
  std::vector<CellIndex> cells;  ///< row by row
  std::vector<std::string> static_names;
  std::vector<float> statics;                    ///< [cell][static], all finite
  std::vector<TileCrop> crops;                   ///< one a calendar year
  int64_t inside = 0;                            ///< cells inside the region
  int64_t without_static = 0, without_crop = 0;  ///< why the others are not modelled
  [[nodiscard]] const TileCrop& crop(int year) const;
};

/// Composites around one calendar year on the tile's cells, before gaps are looked at.
struct GppBlock {
  struct Span {
    int32_t first = 0, end = 0;  ///< days from 1 January of the year; may lie outside it
  };
  std::vector<Span> spans;          ///< ascending
  std::vector<float> values;        ///< [span][cell] gC m-2 d-1, NaN = nodata
  bool starts_record = false;       ///< no composite lies before the first span
  bool ends_record = false;         ///< no composite lies after the last span
  std::vector<int64_t> below_zero;  ///< [span] cells below zero
  int64_t negative = 0;             ///< their sum over composites of this year
};

/// Everything a tile carries from year to year, or to a day within a year.
struct TileState {
  std::vector<MemberState> members;  ///< within a year: [cell][state_size + open_size]
  size_t day = 0;     ///< 0: the end of a year; else the day of the year that comes next
  std::string chain;  ///< input digest chain up to there
  std::string stamp;  ///< size and mtime chain of the files behind it
};

/// One member's part of a tile-year and what it weighs in each cell.
struct TileYearMember {
  MemberYear result;
  std::vector<float> weight;  ///< [cell], 0 where the member did not run
};

/// The stored result of one tile and one calendar year.
struct TileYear {
  TileUnit unit;
  std::string region_name;  ///< whose cells it holds; a tile's window may lie in two regions
  YearStep step;
  std::vector<std::string> variables, annual_variables;
  std::vector<CellIndex> cells;
  std::vector<uint8_t> month_days;  ///< [12] days that were run in each month
  std::vector<TileYearMember> members;
  std::string result_key, chain, stamp;
  std::vector<std::string> month_chains;  ///< the chain at the end of each month that was run
  bool daily = false;
};

}  // namespace fluxtile
