// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/targets.h"

namespace fluxtile::fuzz {

const std::vector<Target>& all_targets() {
  static const std::vector<Target> targets = {
      {"config", config, config_seeds},
      {"package", package, package_seeds},
      {"tensors", tensors, tensor_seeds},
      {"tile_files", tile_files, tile_file_seeds},
      {"plan", plan, plan_seeds},
      {"run_record", run_record, run_record_seeds},
      {"time_texts", time_texts, time_seeds},
      {"units", units, unit_seeds},
      {"names", names, name_seeds},
      {"tables", tables, table_seeds},
      {"crs", crs, crs_seeds},
      {"raster", raster, raster_seeds},
      {"regions", regions, region_seeds},
      {"netcdf", netcdf, netcdf_seeds},
  };
  return targets;
}

}  // namespace fluxtile::fuzz
