// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/training/site_years.h"

namespace fluxtile::world {

/// How the true parameters of delta-carbon differ between regions.
enum class Heterogeneity {
  none,         ///< null: one truth everywhere
  explained,    ///< parameters are functions of the inputs (soil, climate), the same everywhere
  small_jump,   ///< unexplained: parameters jump at the borders of regions
  large_jump,
  other_structure,  ///< large jumps, a process model of another structure, satellite-like GPP error
};
Heterogeneity parse_heterogeneity(const std::string& text);
std::string to_text(Heterogeneity kind);

/// Where sites lie.
struct SitePoint {
  std::string name, region, block;
  double longitude = 0, latitude = 0;
};

/// A population of sites for training or scoring.
struct SiteWorld {
  uint64_t seed = 1;
  Heterogeneity heterogeneity = Heterogeneity::small_jump;
  std::vector<SitePoint> points;
  int first_year = 2001, years = 18;
  /// "truth": the process model's own daily GPP; "satellite": 8-day composites with noise, a bias
  /// field and cloud gaps, filled as the pipeline fills them.
  std::string gpp = "truth";
};

/// Points for the three states, drawn inside their (simplified) outlines on a jittered lattice: 43 in
/// Illinois, 31 in Iowa, 25 in Indiana for 99; proportions kept for other counts. A block is a
/// lattice cell of about a degree (a few counties).
std::vector<SitePoint> midwest_points(size_t count, uint64_t seed);
/// Points from a CSV file with columns NAME, STATE_NAME, Lon, Lat (others ignored).
std::vector<SitePoint> read_points_csv(const std::string& path);

/// Daily inputs (the 19 of kgml-ag-c) and labels Ra, Rh, Reco, NEE, GPP, Yield of every site-year,
/// made with delta-carbon; `truth` holds the same without noise. synthetic = true. Weather, soils,
/// crops, parameters of a site depend on seed and place alone.
SiteYears simulate_sites(const SiteWorld& world);

/// What a tower would tell of `table`: Reco and NEE only, noise (random error that grows with the
/// flux, 5 % systematic by site), gaps in blocks of days, first `years` years of the sites listed.
struct TowerLabels {
  double random_error = 0.15, systematic_error = 0.05, gap_share = 0.25;
  uint64_t seed = 1;
};
void keep_tower_labels(SiteYears& table, const TowerLabels& towers);

}  // namespace fluxtile::world
