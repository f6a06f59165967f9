# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
fluxtile_test(evaluation_report_tests
  evaluation_example.cpp study_example.cpp
  test_evaluation_report.cpp test_study_report.cpp test_svg_plots.cpp
  LIBS fluxtile_evaluation_report fluxtile_report_page fluxtile_geo_products GDAL::GDAL
       nlohmann_json::nlohmann_json)
