// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/run_yaml.h"

#include <fmt/format.h>

#include "pipeline/world/soil.h"

namespace fluxtile::world {
namespace {

std::string models_block(const WorldConfig& config) {
  std::string name = "global", regions;
  if (!config.models.directory.empty()) {
    name = config.models.default_package;
    for (const auto& [region, package] : config.models.regions)
      regions += fmt::format("{}{}: {}", regions.empty() ? "" : ", ", region, package);
  } else if (config.geography == Geography::midwest) {
    regions = "Illinois: illinois, Iowa: iowa, Indiana: indiana";
  }
  return fmt::format("models:\n  directory: models\n  default: {}\n", name) +
         (regions.empty() ? "" : fmt::format("  regions: {{{}}}\n", regions));
}

std::string products_block(const WorldConfig& config) {
  // A map of the Midwest is compared with its truth, month by month.
  const bool compared = config.geography == Geography::midwest;
  return fmt::format(
      "outputs:\n"
      "  directory: out\n"
      "  products:\n"
      "    - {{variables: [{0}], period: annual, statistic: sum, format: [geotiff, netcdf]}}\n"
      "    - {{variables: [{1}], period: monthly, statistic: mean, format: {2}}}\n",
      compared ? "ra, rh, reco, nee, gpp, yield" : "ra, rh, reco, nee",
      compared ? "ra, rh, reco, nee, gpp" : "ra, rh, reco, nee", compared ? "geotiff" : "netcdf");
}

}  // namespace

std::string run_yaml(const WorldConfig& config) {
  std::string soil;
  for (size_t i = 0; i < kSoilNames.size(); ++i) {
    soil += fmt::format("    {}: {{file: soil/{}.tif, unit: {}}}\n", kSoilNames[i], kSoilFiles[i],
                        kSoilUnits[i][0] == '1' ? "\"1\"" : kSoilUnits[i]);
  }
  return fmt::format(
      "# Maps the synthetic world of this folder; nothing in it is an observation.\n"
      "fluxtile: 1\n"
      "name: {name}\n"
      "region: {{boundaries: regions.geojson, key: region, select: all}}\n"
      "grid: {{crs: EPSG:5070, resolution: {resolution}, origin: [0, 0], tile: {tile}}}\n"
      "period: {{start: {first}-01-01, end: {last}-12-31, spinup: {spinup}}}\n"
      "inputs:\n"
      "  gpp:\n"
      "    files: gpp/*.tif\n"
      "    time: {{pattern: \"gpp_%Y%j\"}}\n"
      "    interval: 8d\n"
      "    unit: gC m-2 d-1\n"
      "    source: synthetic\n"
      "    resample: bilinear\n"
      "    max_gap: 32d\n"
      "  climate:\n"
      "    files: climate/*.nc\n"
      "    recipe: gridmet\n"
      "    resample: bilinear\n"
      "  soil:\n"
      "{soil}"
      "  crop: {{files: crop/*.tif, time: {{pattern: \"crop_%Y\"}}, map: {{1: 1, 5: 5}}, "
      "mode: {crop_mode}}}\n"
      "{models}"
      "{products}"
      "run: {{threads: auto, memory: 2GB}}\n",
      fmt::arg("name", config.name), fmt::arg("resolution", config.resolution),
      fmt::arg("tile", config.tile), fmt::arg("first", config.first_year),
      fmt::arg("last", config.end_year() - 1), fmt::arg("spinup", config.spinup),
      fmt::arg("soil", soil),
      fmt::arg("crop_mode", config.crop_mode == CropMode::nearest ? "nearest" : "majority"),
      fmt::arg("models", models_block(config)), fmt::arg("products", products_block(config)));
}

}  // namespace fluxtile::world
