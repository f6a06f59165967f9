# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
fluxtile_test(geo_space_tests
  test_lattice.cpp test_crs.cpp test_resample.cpp test_raster_source.cpp test_source_blocks.cpp test_region.cpp test_gdal_drivers.cpp
  gdal_environment.cpp
  LIBS fluxtile_geo_space GDAL::GDAL)
