# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF_CXX4 REQUIRED IMPORTED_TARGET netcdf-cxx4 netcdf)
find_package(nlohmann_json REQUIRED)
fluxtile_test(geo_products_tests
  test_cell_areas.cpp test_cf_writer.cpp test_cog_writer.cpp test_colour_ramp.cpp
  test_grid_mapping.cpp test_qgis_style.cpp test_quicklook.cpp test_stac_item.cpp test_unit_text.cpp
  LIBS fluxtile_geo GDAL::GDAL PkgConfig::NETCDF_CXX4 nlohmann_json::nlohmann_json)
