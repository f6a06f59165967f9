# SPDX-License-Identifier: Apache-2.0
# report.html from plain facts; no GDAL, no network.
fluxtile_library(fluxtile_report_page
  html_page.cpp report_page.cpp svg_chart.cpp svg_elements.cpp svg_plots.cpp
  timeline.cpp timeline_picture.cpp timeline_trace.cpp)
target_link_libraries(fluxtile_report_page PUBLIC fluxtile_base PRIVATE fluxtile_geo_products)
