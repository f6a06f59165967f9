// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fluxtile::world {

/// What a synthetic world is made from; configs/worlds/demo.yaml explains every key.
struct WorldConfig {
  std::string name = "demo";
  uint64_t seed = 1;
  double longitude = -91.42, latitude = 40.38;  ///< middle of the world, degrees
  double size_km = 20;                          ///< side of the square that the regions fill
  double resolution = 250;                      ///< of the model grid in run.yaml, metres
  int tile = 64;                                ///< cells a side in run.yaml
  int first_year = 2018;                        ///< first year that run.yaml maps
  int years = 1;                                ///< mapped years
  int spinup = 1;                               ///< years of input before first_year
  double gaps = 0.1;       ///< share of GPP lost to cloud from March to November, 0..0.9
  double soil_shift = 90;  ///< metres between soil lattice and model grid
  int sample_cells = 32;   ///< cells on which the models' heads are fitted

  [[nodiscard]] int begin_year() const noexcept { return first_year - spinup; }
  [[nodiscard]] int end_year() const noexcept { return first_year + years; }  ///< exclusive
};

/// Reads a world description (YAML) and applies `overrides` (key.path=value). Throws Error(data)
/// with file, key, line, found and expected for unknown or duplicate keys and impossible values.
WorldConfig read_world_config(const std::string& path, const std::vector<std::string>& overrides);

/// The description with every value written out, as YAML.
std::string to_yaml(const WorldConfig& config);

}  // namespace fluxtile::world
