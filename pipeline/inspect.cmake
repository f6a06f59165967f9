# SPDX-License-Identifier: Apache-2.0
# Towers' files as they are, and the verb `inspect`: reads headers only.
fluxtile_library(fluxtile_tower_files
  training/csv_table.cpp training/fluxnet_csv.cpp training/plain_csv.cpp training/tower_fluxes.cpp)
target_link_libraries(fluxtile_tower_files PUBLIC fluxtile_geo fluxtile_base PRIVATE fluxtile_config)

find_package(nlohmann_json REQUIRED)
fluxtile_library(fluxtile_inspect
  inspect.cpp inspect_gridded.cpp inspect_other.cpp inspect_suggestion.cpp inspect_text.cpp
  inspect_training.cpp)
target_link_libraries(fluxtile_inspect
  PUBLIC fluxtile_geo fluxtile_base
  PRIVATE fluxtile_model fluxtile_site_years fluxtile_tower_files nlohmann_json::nlohmann_json)
