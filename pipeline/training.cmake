# SPDX-License-Identifier: Apache-2.0
# `fluxtile train`, `evaluate`, `study`: tables and towers, experiments, reports.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(TBB REQUIRED)
fluxtile_library(fluxtile_training
  training/arms.cpp
  training/evaluate.cpp
  training/evaluation_maps.cpp
  training/experiment.cpp
  training/folds.cpp
  training/package_record.cpp
  training/study.cpp
  training/study_config.cpp
  training/study_record.cpp
  training/study_world.cpp
  training/train.cpp
  training/train_config.cpp
  training/train_schema.cpp
  training/training_work.cpp)
target_compile_definitions(fluxtile_training PRIVATE FLUXTILE_VERSION="${PROJECT_VERSION}")
target_link_libraries(fluxtile_training
  PUBLIC fluxtile_pipeline fluxtile_evaluation_report fluxtile_map_scores fluxtile_site_years
  PRIVATE fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json TBB::tbb)
