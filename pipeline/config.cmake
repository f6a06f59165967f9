# SPDX-License-Identifier: Apache-2.0
# Configuration, progress and log: what every verb needs before it starts.
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(GDAL CONFIG REQUIRED)
find_package(PROJ CONFIG REQUIRED)

fluxtile_library(fluxtile_config
  climate_recipe.cpp config.cpp config_schema.cpp config_values.cpp csv_line.cpp json_stderr.cpp log.cpp progress.cpp progress_text.cpp
  status_line.cpp yaml_tree.cpp yaml_walker.cpp)
target_link_libraries(fluxtile_config
  PUBLIC fluxtile_geo fluxtile_base spdlog::spdlog
  PRIVATE fmt::fmt yaml-cpp nlohmann_json::nlohmann_json GDAL::GDAL PROJ::proj)
# Recipes are found in the source tree when the program runs from a build folder.
set_source_files_properties(config.cpp PROPERTIES
  COMPILE_DEFINITIONS FLUXTILE_SOURCE_RECIPES="${PROJECT_SOURCE_DIR}/configs/recipes")
