// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/training/site_years.h"

namespace fluxtile {

/// Towers as sites of a training table, from a YAML description (docs/training-data.md):
///
///   fluxtile-towers: 1
///   inputs: {run: run.yaml}          # daily inputs from a run configuration's own rasters, the
///   code
///                                    # path of `pixel`; or `inputs: {file: weather.csv, ...}` a
///                                    site
///   sites:
///     - {name: US-Ne1, region: Nebraska, latitude: .., longitude: .., crop: {2001: 1, ...}}
///   fluxes: {format: fluxnet2015, files: FLX_*_DD_*.csv, partitioning: nt, min_qc: 0.5}
///                                    # or format: csv with columns {site, date | month, reco, ...}
///
/// Where Reco and NEE are known, GPP is replaced by Reco - NEE only if `gpp_from_labels`; on days
/// without labels the input product's value stays.
/// Throws Error(data), naming file, column, line, found, expected, hint: missing columns, other
/// units (umol m-2 s-1 is converted: 1.0377504 gC m-2 d-1), half-hourly files, fewer than a tenth
/// of the days of every year, a crop the model does not know.
SiteYears read_towers(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace fluxtile
