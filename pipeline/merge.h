// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/gpp_product.h"
#include "pipeline/ledger.h"
#include "pipeline/progress.h"
#include "pipeline/summary.h"

namespace fluxtile {

/// What the tile-years of a plan amount to, before anything is written.
struct MergeCheck {
  std::vector<TileUnit> missing;  ///< tiles without all valid tile-years that did not fail either
  std::vector<TileFailure> failed;
  std::vector<std::string> region_results;  ///< FLUXTILE_RESULT of each region
};
MergeCheck check_tiles(const RunStages& stages, const Ledger& ledger);

/// What a merge wrote.
struct Merged {
  std::vector<std::string> files;  ///< names of all products, sorted
  std::vector<SummaryRow> summary;
  std::map<std::string, std::vector<uint64_t>>
      flag_counts;                              ///< region -> cell-months with each of the 16 bits
  std::map<std::string, uint64_t> cell_months;  ///< region -> modelled cells x months
  std::map<std::string, uint64_t> sizes;        ///< file name -> bytes
  std::map<std::string, std::string> quicklooks;  ///< file name -> caption
  /// Region -> mean GPP of each month over the modelled area and all years, for the regions that
  /// wants_gpp_comparison() names.
  std::map<std::string, MonthlyGpp> gpp_months;
};

/// Puts the tile-years of every region together and writes products, styles, quicklooks, summary
/// and STAC items, each atomically. Single and ordered: statistics and totals are formed in global
/// row order in float64. Throws Error(io | cannot_create | interrupted).
Merged merge_products(const RunStages& stages, const Ledger& ledger, const Config& config,
                      const MergeCheck& check, Progress& progress);

}  // namespace fluxtile
