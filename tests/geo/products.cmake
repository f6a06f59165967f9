# SPDX-License-Identifier: Apache-2.0
fluxtile_test(geo_products_tests
  test_cell_areas.cpp test_cf_writer.cpp test_cog_writer.cpp test_colour_ramp.cpp
  test_grid_mapping.cpp test_qgis_style.cpp test_quicklook.cpp test_stac_item.cpp
  LIBS fluxtile_geo GDAL::GDAL PkgConfig::NETCDF_CXX4 nlohmann_json::nlohmann_json)
