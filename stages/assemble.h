// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geo/calendar.h"
#include "model/package.h"
#include "stages/ingest_climate.h"
#include "stages/tile.h"

namespace fluxtile {

/// A tile-year ready for the networks, and the digest chain of the values it is made of.
struct AssembledYear {
  std::shared_ptr<const YearInputs> inputs;
  std::vector<MemberInputs> members;
  std::vector<std::vector<float>> weights;  ///< [member][cell]
  std::string chain;  ///< chain of the year before, extended by this year's days and flags
  /// What has gone into the networks before each day, and before the day after the last: [days +
  /// 1].
  std::vector<std::string> day_chains;
  /// That up to the end of each month, and the flags of all months up to it.
  std::vector<std::string> month_chains;
  int64_t too_long_gaps = 0, without_climate = 0, negative_gpp = 0;
  std::vector<int64_t> below_zero;  ///< [composite], of GppBlock
};

/// Joins what the ingest stages read: fills gaps, decides which cells each member runs, and digests
/// the values day by day.
class Assemble {
 public:
  struct Options {
    std::vector<int> crop_types;      ///< fraction mode: Crop_Type of each share layer, ascending
    int run_first_year = 0;           ///< the first year of the record that the run uses
    std::string year_rule = "clamp";  ///< models.year: clamp | as-is | a number
    Date start;                       ///< first day of the results
  };
  Assemble(std::shared_ptr<const Sources> sources, Options options);

  /// `members`: of the tile's region; `packages`: one a member. `chain`: of the tile's last year,
  /// empty at the start.
  AssembledYear operator()(const TileStatics& tile, GppBlock gpp, const ClimateTile& climate,
                           const YearStep& step, const std::vector<Member>& members,
                           const Package& package, const std::string& chain) const;

 private:
  std::shared_ptr<const Sources> sources_;
  Options options_;
};

}  // namespace fluxtile
