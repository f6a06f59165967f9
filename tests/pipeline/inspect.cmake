# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
fluxtile_test(inspect_tests test_inspect.cpp test_inspect_training.cpp
  LIBS fluxtile_inspect fluxtile_site_years fluxtile_geo fluxtile_model GDAL::GDAL PkgConfig::NETCDF nlohmann_json::nlohmann_json)
