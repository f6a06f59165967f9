// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/training/site_years.h"

namespace fluxtile {

/// Towers as sites of a training table, and what people should know about them.
struct Towers {
  SiteYears table;
  std::vector<std::string> warnings;
};

/// Reads a YAML description of towers (docs/towers.md) and everything it names:
///
///   fluxtile-towers: 1
///   folder: .                        # paths are relative to it; default: the description's own
///   inputs: {run: run.yaml}          # daily inputs from a run configuration's own rasters, the
///   code
///                                    # path of `pixel`; or tables: `inputs: {weather: [...],
///                                    soil}`
///   sites:
///     - {name: US-Ne1, region: Nebraska, latitude: .., longitude: .., crop: {2001: corn, ...}}
///   fluxes: {format: fluxnet2015, files: FLX_*_DD_*.csv, partitioning: nt, min_qc: 0.5}
///                                    # or format: csv with columns {site, date | month, reco, ...}
///
/// Years are those that the inputs of some site cover; daily labels go to table.daily, monthly ones
/// to table.monthly, variables Reco and NEE. A site's year without inputs is NaN. GPP is replaced
/// by Reco - NEE where both are known and `gpp_from_labels` (default: only for daily labels with
/// inputs from tables); else the input product's value stays. A site with labels on fewer than a
/// tenth of the days (months) of each of its years is left out with a warning. Throws Error(data),
/// naming file, column, line, found, expected, hint: missing columns, units that do not convert
/// (umol m-2 s-1 does: 1.0377504 gC m-2 d-1), half-hourly files, dates twice, a crop the models do
/// not know, inputs that cannot be had, no site with enough labels.
Towers collect_towers(const std::string& path, const std::vector<std::string>& overrides);

/// The table of collect_towers(); warnings go to the log.
SiteYears read_towers(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace fluxtile
