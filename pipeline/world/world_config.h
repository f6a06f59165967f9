// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/world/sites.h"

namespace fluxtile::world {

/// The shape of a world's regions.
enum class Geography {
  square,   ///< North, East and South fill a square; borders with traps
  midwest,  ///< Illinois, Iowa and Indiana by simplified outlines
};

/// How a run takes the crop of a cell from the crop map, and so does the truth.
enum class CropMode { nearest, majority };

/// How the GPP composites err.
enum class GppError {
  smooth,     ///< 5 %, smooth in space; clouds hide the share `gaps`
  satellite,  ///< as satellite_gpp.h; clouds of their own
};

/// `sites:` of a world: training data without noise.
struct SiteBlock {
  size_t count = 0;  ///< points drawn in the three states; 0: no such table, unless `file`
  std::string file;  ///< CSV file of points instead (absolute, or as the caller gave it)
  int first_year = 2001, years = 18;
  std::string gpp = "truth";  ///< "truth" | "satellite"
  /// What the process model knows of regions; the same as in the world unless said.
  Heterogeneity heterogeneity = Heterogeneity::small_jump;
};

/// `towers:` of a world: a few sites a region with labels as towers give them, and sites with known
/// truth in other blocks to score models on.
struct TowerBlock {
  size_t per_region = 0;  ///< 0: no such table
  size_t reference = 0;   ///< sites a region whose labels are the truth; 0: no such table
  int first_year = 2001, years = 6;
  std::string gpp = "satellite";
  TowerLabels labels;  ///< its seed is the world's
};

/// `models:` of a world: packages that are copied into it.
struct ModelBlock {
  std::string directory;  ///< folder of packages to copy from; empty: none is copied
  std::string default_package;
  std::map<std::string, std::string> regions;  ///< region -> package
};

/// What a synthetic world is made from; configs/worlds/demo.yaml and midwest.yaml explain every
/// key.
struct WorldConfig {
  std::string name = "demo";
  std::string output;  ///< where `simulate` writes unless told otherwise; empty: not said
  uint64_t seed = 1;
  Geography geography = Geography::square;
  Heterogeneity heterogeneity = Heterogeneity::small_jump;
  double longitude = -91.42, latitude = 40.38;  ///< middle of the world, degrees
  double size_km = 20;                          ///< side of the square that the regions fill
  double resolution = 250;                      ///< of the model grid in run.yaml, metres
  int tile = 64;                                ///< cells a side in run.yaml
  int first_year = 2018;                        ///< first year that run.yaml maps
  int years = 1;                                ///< mapped years
  int spinup = 1;                               ///< years of input before first_year
  GppError gpp_error = GppError::smooth;
  double gaps = 0.1;     ///< share of GPP lost to cloud from March to November, 0..0.9
  int gpp_multiple = 1;  ///< side of a GPP cell in cells of 463.3127 m
  double soil_cell = 250, soil_shift = 90;  ///< metres; shift between soil lattice and model grid
  double crop_cell = 30;                    ///< metres; edges lie at half a cell modulo a cell
  CropMode crop_mode = CropMode::nearest;
  double field_size = 804.672;  ///< side of a quarter section, metres
  int climate_stride = 1;       ///< every so many cells of gridMET's lattice there is one
  SiteBlock sites;
  TowerBlock towers;
  ModelBlock models;

  [[nodiscard]] int begin_year() const noexcept { return first_year - spinup; }
  [[nodiscard]] int end_year() const noexcept { return first_year + years; }  ///< exclusive
};

/// Reads a world description (YAML) and applies `overrides` (key.path=value). Relative paths are
/// relative to the file. Throws Error(data) with file, key, line, found and expected for unknown or
/// duplicate keys and impossible values.
WorldConfig read_world_config(const std::string& path, const std::vector<std::string>& overrides);

/// The description with every value written out, as YAML that makes the same world again from a
/// file in the world's own folder: models and points are those that were copied there.
std::string to_yaml(const WorldConfig& config);

}  // namespace fluxtile::world
