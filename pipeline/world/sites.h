// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/training/site_years.h"

namespace fluxtile::world {

/// How the true parameters of delta-carbon differ between regions.
enum class Heterogeneity {
  none,        ///< null: one truth everywhere
  explained,   ///< parameters are functions of the inputs (soil, climate), the same everywhere
  small_jump,  ///< unexplained: parameters jump at the borders of regions
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

/// Points for the three states, drawn inside their (simplified) outlines on a jittered lattice: 43
/// in Illinois, 31 in Iowa, 25 in Indiana for 99; proportions kept for other counts, at least one
/// each from three on. A block is a cell of one degree (a few counties) within a state. Throws
/// Error(data) for a count of 0.
std::vector<SitePoint> midwest_points(size_t count, uint64_t seed);
/// Points from a CSV file with columns NAME, STATE_NAME, Lon, Lat (others ignored). Names that
/// occur in several states get the state's behind them; a second one of a state is numbered. Throws
/// Error(data) naming file and line: missing columns, no coordinates, two points at one place, no
/// point at all.
std::vector<SitePoint> read_points_csv(const std::string& path);
/// Name of the block of a point: state and cell of one degree, "Iowa 42N 094W".
std::string block_of(const std::string& region, double longitude, double latitude);

/// Daily inputs (the 19 of kgml-ag-c) and labels Ra, Rh, Reco, NEE, GPP, Yield of every site-year,
/// made with delta-carbon; `truth` holds the same daily variables. synthetic = true. A site stands
/// on the cropland nearest to its point; its weather, soil, crops and parameters depend on seed and
/// place alone. Pools have settled since first_settling_year(). The process model runs on the true
/// GPP whatever the input shows; heterogeneity other_structure always has the satellite's as input.
/// Parallel over sites; the result does not depend on the number of threads. Throws Error(data): no
/// points, years outside 1..200, an unknown `gpp`.
SiteYears simulate_sites(const SiteWorld& world);

/// What towers would tell of `table`: Reco and NEE alone, with noise and gaps; `truth` and inputs
/// stay. Errors are drawn by seed, site and date.
struct TowerLabels {
  /// Standard deviation of the random error over the flux's size; beside it 0.25 gC m-2 d-1. That
  /// of NEE is of Laplace's form and independent from day to day; that of Reco, which is modelled
  /// from nights, smaller by a third and lasting some days.
  double random_error = 0.15;
  /// Standard deviation between sites of a factor on both fluxes that never changes.
  double systematic_error = 0.05;
  double gap_share = 0.25;  ///< days without labels, in blocks of a few days to weeks; 0..0.9
  uint64_t seed = 1;
};
void keep_tower_labels(SiteYears& table, const TowerLabels& towers);

}  // namespace fluxtile::world
