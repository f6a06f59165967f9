// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/run_yaml.h"

#include <fmt/format.h>

#include "pipeline/world/soil.h"

namespace fluxtile::world {

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
      "    resample: bilinear\n"
      "    max_gap: 32d\n"
      "  climate:\n"
      "    files: climate/*.nc\n"
      "    recipe: gridmet\n"
      "    resample: bilinear\n"
      "  soil:\n"
      "{soil}"
      "  crop: {{files: crop/*.tif, time: {{pattern: \"crop_%Y\"}}, map: {{1: 1, 5: 5}}, "
      "mode: nearest}}\n"
      "models:\n"
      "  directory: models\n"
      "  default: global\n"
      "  regions: {{North: north}}\n"
      "outputs:\n"
      "  directory: out\n"
      "  products:\n"
      "    - {{variables: [ra, rh, reco, nee], period: annual, statistic: sum, "
      "format: [geotiff, netcdf]}}\n"
      "    - {{variables: [ra, rh, reco, nee], period: monthly, statistic: mean, "
      "format: netcdf}}\n"
      "run: {{threads: auto, memory: 2GB}}\n",
      fmt::arg("name", config.name), fmt::arg("resolution", config.resolution),
      fmt::arg("tile", config.tile), fmt::arg("first", config.first_year),
      fmt::arg("last", config.end_year() - 1), fmt::arg("spinup", config.spinup),
      fmt::arg("soil", soil));
}

}  // namespace fluxtile::world
