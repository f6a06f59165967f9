# SPDX-License-Identifier: Apache-2.0
find_package(TBB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF_CXX4 REQUIRED IMPORTED_TARGET netcdf-cxx4)

fluxtile_test(sites_tests
  test_climate_of_the_world.cpp
  test_satellite_gpp.cpp
  test_site_points.cpp
  test_sites.cpp
  test_tower_labels.cpp
  test_true_parameters.cpp
              LIBS fluxtile_world fluxtile_stages TBB::tbb)
fluxtile_test(site_years_file_tests test_site_years_file.cpp
              LIBS fluxtile_site_years PkgConfig::NETCDF_CXX4)
