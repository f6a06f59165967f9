# SPDX-License-Identifier: Apache-2.0
# What a run tells of itself: metrics, the record of the last run, the line at its end.
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
fluxtile_library(fluxtile_run_watch last_run.cpp run_facts.cpp run_metrics.cpp run_summary.cpp run_watch.cpp)
target_link_libraries(fluxtile_run_watch
  PUBLIC fluxtile_config fluxtile_geo fluxtile_base
  PRIVATE spdlog::spdlog fmt::fmt nlohmann_json::nlohmann_json)
set_source_files_properties(run_metrics.cpp PROPERTIES
  COMPILE_DEFINITIONS FLUXTILE_VERSION="${PROJECT_VERSION}")
