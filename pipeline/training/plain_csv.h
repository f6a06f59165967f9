// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "pipeline/training/tower_fluxes.h"

namespace fluxtile {

/// One flux of a plain CSV file.
struct FluxColumn {
  std::string name;  ///< empty: the file has none
  std::string unit;
  std::string qc;       ///< column of its quality; empty: none
  double min_qc = 0.5;  ///< rows below it have no value
  bool turned = false;  ///< positive is uptake in the file
};

/// Which columns of a plain CSV file hold what.
struct PlainColumns {
  std::string stamp;  ///< days or months
  std::string site;   ///< empty: the whole file is one tower
  FluxColumn reco, nee, gpp;
  std::vector<double> missing;
};

/// Fluxes of every tower of a file, by the name in its column of sites ("" where there is none).
/// Throws Error(data): columns that are missing, units, dates (see TowerRows), numbers, with line.
std::map<std::string, TowerFluxes> read_plain_fluxes(const std::string& path,
                                                     const PlainColumns& columns);

}  // namespace fluxtile
