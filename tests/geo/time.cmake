# SPDX-License-Identifier: Apache-2.0
# The program needs Crs (fluxtile_geo_space) at link time.
if(TARGET fluxtile_geo_space)
  fluxtile_test(geo_time_tests test_calendar.cpp test_time_axis.cpp test_unit.cpp test_netcdf_guard.cpp
                test_netcdf_source.cpp
                LIBS fluxtile_geo PkgConfig::NETCDF PkgConfig::HDF5)
  # Alone in its folder, as HDF5 looks for filters.
  add_library(filter_plugin MODULE filter_plugin.c)
  target_link_libraries(filter_plugin PRIVATE PkgConfig::HDF5)
  set_target_properties(filter_plugin PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/plugins")
  target_compile_definitions(geo_time_tests PRIVATE FLUXTILE_TEST_PLUGINS="${CMAKE_CURRENT_BINARY_DIR}/plugins")
  add_dependencies(geo_time_tests filter_plugin)
endif()
