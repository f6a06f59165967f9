# SPDX-License-Identifier: Apache-2.0
# What an evaluation or a study over worlds found, as table, CSV, JSON and page; no GDAL, no network.
find_package(nlohmann_json REQUIRED)
fluxtile_library(fluxtile_evaluation_report
  training/csv_text.cpp
  training/curve_plot.cpp
  training/evaluation_csv.cpp
  training/evaluation_json.cpp
  training/evaluation_page.cpp
  training/evaluation_table.cpp
  training/report_order.cpp
  training/score_text.cpp
  training/study_csv.cpp
  training/study_differences.cpp
  training/study_json.cpp
  training/study_markdown.cpp
  training/study_page.cpp
  training/study_summary.cpp)
target_link_libraries(fluxtile_evaluation_report
  PUBLIC fluxtile_base fluxtile_model
  PRIVATE fluxtile_report_page fluxtile_geo_products nlohmann_json::nlohmann_json)
