// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "model/year_inputs.h"
#include "stages/tile.h"

namespace fluxtile {

struct GapRules {
  bool linear = false;        ///< fill: step | linear
  int max_gap = 32;           ///< days without a value that may be bridged
  bool dormant_zero = false;  ///< a gap day that is_dormant() says is frozen is GPP 0
};

/// Daily GPP of one calendar year from composites with gaps (contract, 2, "Composites").
struct FilledGpp {
  GppSeries series;
  std::vector<uint16_t> flags;  ///< [12][cell]: gap-filled, provisional, dormant zero; not_modelled
                                ///< in every month of a cell with a gap too long
  int64_t too_long = 0;         ///< cells that are not modelled in this year
};

/// `days`: to run from 1 January; `month`: per day 0..11. `run_first`: first day of the run (its
/// first spin-up year), days from this 1 January: where a record that begins later is held
/// backwards from. `frozen(cell, day)`: TMAX_AIR < 0 degC; only called when dormant_zero. A gap:
/// the days between two composites with a value (step: after the last day of one and before the
/// first of the other; linear: between the middles of composites that are not neighbours). Up to
/// max_gap days are bridged linearly; at the ends of the record the nearest value is held; days
/// after the last composite of the record count as waiting, not as a gap, and are provisional.
FilledGpp fill_gaps(GppBlock block, size_t cells, int days, const std::vector<uint8_t>& month,
                    int run_first, const GapRules& rules,
                    const std::function<bool(int32_t cell, int day)>& frozen);

}  // namespace fluxtile
