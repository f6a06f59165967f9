# SPDX-License-Identifier: Apache-2.0
# Site-year tables as files.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
if(NOT TARGET PkgConfig::NETCDF_CXX4)
  pkg_check_modules(NETCDF_CXX4 REQUIRED IMPORTED_TARGET netcdf-cxx4)
endif()
fluxtile_library(fluxtile_site_years
  training/site_years_file.cpp
  training/site_years_join.cpp)
target_link_libraries(fluxtile_site_years
  PUBLIC fluxtile_base fluxtile_geo fluxtile_model
  PRIVATE PkgConfig::NETCDF_CXX4 fmt::fmt)
