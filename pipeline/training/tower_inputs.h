// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/training/site_years.h"
#include "pipeline/training/tower_config.h"

namespace fluxtile {

/// Daily inputs of towers, before labels have a say.
struct TowerInputs {
  struct Site {
    std::string region;  ///< of the run configuration; empty with tables
    /// By calendar year, only years that all inputs cover: [day][feature], 365 days. GPP is NaN on
    /// all days where no table gives it.
    std::map<int, std::vector<float>> years;
    std::string lacking;  ///< why years are missing; empty if none is
  };
  std::vector<SiteYears::Feature> features;  ///< the 19 inputs of kgml-ag-c
  std::vector<Site> sites;                   ///< as in the description
  bool gpp_given = true;                     ///< false: the towers' own GPP has to stand in
  std::vector<std::string> warnings;
};

/// From the rasters of a run configuration, cell by cell as `pixel` shows them; all calendar years
/// that its inputs cover, whatever its period. The crop of the description goes before that of the
/// map, with a warning where they differ. Needs no model package. Throws Error(data): a tower
/// outside the regions or on a cell that is not modelled, beside what planning throws.
TowerInputs raster_inputs(const TowersConfig& config);

/// From tables with daily weather. A year counts where every day has every input. Throws
/// Error(data): missing columns, units, dates, no whole year.
TowerInputs table_inputs(const TowersConfig& config);

/// `{site}` in a path replaced by a site's name.
std::string path_of_site(std::string path, const std::string& site);

}  // namespace fluxtile
