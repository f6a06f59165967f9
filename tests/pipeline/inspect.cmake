# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
fluxtile_test(inspect_tests test_inspect.cpp
  LIBS fluxtile_inspect fluxtile_geo fluxtile_model GDAL::GDAL PkgConfig::NETCDF nlohmann_json::nlohmann_json)
