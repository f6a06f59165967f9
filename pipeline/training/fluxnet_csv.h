// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/training/tower_fluxes.h"

namespace fluxtile {

/// How a FLUXNET2015 file is read.
struct FluxnetOptions {
  std::string partitioning = "NT";  ///< of NEE into GPP and Reco: NT (night-time) | DT (day-time)
  std::string threshold = "VUT";    ///< friction velocity: VUT (a threshold a year) | CUT
  double min_qc = 0.5;  ///< least NEE_..._QC: share of measured or well filled half-hours
  std::string unit = "gC m-2 d-1";  ///< as FLUXNET documents it for DD and MM files
};

/// Reco, NEE and GPP of a daily (DD) or monthly (MM) file of FLUXNET2015, SUBSET or FULLSET
/// (Pastorello et al. 2020): TIMESTAMP, NEE_VUT_REF, NEE_VUT_REF_QC, RECO_NT_VUT_REF,
/// GPP_NT_VUT_REF. -9999 is missing. Reco and NEE below min_qc become NaN (both have NEE's
/// quality). Throws Error(data): a column that is missing (with the nearest names), half-hourly,
/// weekly and annual files, a date twice, a quality that is no share.
TowerFluxes read_fluxnet(const std::string& path, const FluxnetOptions& options);

/// The tower's name in a file name like FLX_US-Ne1_FLUXNET2015_SUBSET_DD_2001-2013_1-4.csv
/// ("US-Ne1"); empty if there is none.
std::string fluxnet_site(const std::string& path);

}  // namespace fluxtile
