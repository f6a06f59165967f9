// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/evaluation/scores.h"

namespace fluxtile {

/// How well the maps of one variable and period of a region agree with the truth.
struct MapScore {
  std::string region;    ///< as in file names; "all": the cells of all regions together
  std::string variable;  ///< ra, rh, reco, nee, gpp, yield
  std::string period;    ///< "annual": sums, gC m-2; "monthly": means, gC m-2 d-1
  /// Over all cells and years or months; bias = map - truth. scores.nse is the R2 of the published
  /// work (1 - MSE / variance of the truth), scores.r2 the squared correlation.
  Scores scores;
};

/// Compares the maps of a finished run with the truth rasters of a synthetic world
/// (docs/synthetic-world.md), cell by cell: every GeoTIFF
/// TRUTH/<region>_<variable>_<annual|monthly...>.tif with the run's
/// OUTPUTS/<name>_<region>_<variable>_<annual|monthly...>.tif. Bands meet by their description
/// ("2018", "2018-07"), cells by their place; only cells that both have count. Variables and
/// periods that the run did not write as GeoTIFF are left out.
///  - `outputs`: outputs.directory of the run; `name`: its `name`; `truth`: folder of the truth.
/// Ordered by period (annual first), variable, region; "all" comes last where there are several.
/// Throws Error(data): nothing to compare; other CRS, cell size, unit, or cells that lie between
/// those of the truth; Error(data | io) on unreadable files.
std::vector<MapScore> map_scores(const std::string& outputs, const std::string& name,
                                 const std::string& truth);

}  // namespace fluxtile
