# SPDX-License-Identifier: Apache-2.0
# report.html from plain facts; no GDAL, no network.
fluxtile_library(fluxtile_report_page
  report_page.cpp svg_chart.cpp)
target_link_libraries(fluxtile_report_page PUBLIC fluxtile_base PRIVATE fluxtile_geo_products)
