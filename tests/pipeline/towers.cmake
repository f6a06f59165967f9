# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
fluxtile_test(tower_tests
  small_run.cpp test_tower.cpp test_tower_config.cpp test_tower_fluxes.cpp test_tower_inputs.cpp
  LIBS fluxtile_pipeline GDAL::GDAL PkgConfig::NETCDF nlohmann_json::nlohmann_json)
target_compile_definitions(tower_tests PRIVATE
  FLUXTILE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
  FLUXTILE_WORLDS="${PROJECT_SOURCE_DIR}/configs/worlds"
  FLUXTILE_RECIPES="${PROJECT_SOURCE_DIR}/configs/recipes")
