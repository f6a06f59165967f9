# SPDX-License-Identifier: Apache-2.0
# Configuration, progress and log: what every verb needs before it starts.
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(GDAL REQUIRED)

fluxtile_library(fluxtile_config
  config.cpp config_schema.cpp config_values.cpp climate_recipe.cpp yaml_tree.cpp yaml_walker.cpp)
target_link_libraries(fluxtile_config
  PUBLIC fluxtile_geo fluxtile_base spdlog::spdlog
  PRIVATE yaml-cpp nlohmann_json::nlohmann_json GDAL::GDAL)
target_compile_definitions(fluxtile_config
  PRIVATE FLUXTILE_SOURCE_RECIPES="${PROJECT_SOURCE_DIR}/configs/recipes")
