# SPDX-License-Identifier: Apache-2.0
# The program needs Crs (fluxtile_geo_space) at link time.
if(TARGET fluxtile_geo_space)
  fluxtile_test(geo_time_tests test_calendar.cpp test_time_axis.cpp test_unit.cpp test_netcdf_source.cpp
                LIBS fluxtile_geo PkgConfig::NETCDF)
endif()
