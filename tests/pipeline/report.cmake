# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
fluxtile_test(report_page_tests
  test_report_page.cpp test_svg_chart.cpp test_timeline.cpp
  LIBS fluxtile_report_page GDAL::GDAL nlohmann_json::nlohmann_json)
