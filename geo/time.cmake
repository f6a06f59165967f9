# SPDX-License-Identifier: Apache-2.0
# Calendar, time axis, composites, units, NetCDF with CF grid mappings, listing of vector sources.
find_package(GDAL CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF REQUIRED IMPORTED_TARGET GLOBAL netcdf-cxx4 netcdf)
pkg_check_modules(UDUNITS REQUIRED IMPORTED_TARGET GLOBAL udunits)
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET GLOBAL hdf5-serial hdf5)  # to silence its own messages
fluxtile_library(fluxtile_geo_time
  calendar.cpp cf_calendar.cpp time_axis.cpp composite.cpp name_pattern.cpp unit.cpp
  library_descriptors.cpp netcdf_guard.cpp netcdf_file.cpp netcdf_source.cpp netcdf_block.cpp cf_crs.cpp vector_info.cpp)
target_link_libraries(fluxtile_geo_time PUBLIC fluxtile_base
                      PRIVATE PkgConfig::NETCDF PkgConfig::HDF5 PkgConfig::UDUNITS GDAL::GDAL)
if(TARGET fluxtile_geo_space)
  target_link_libraries(fluxtile_geo_time PUBLIC fluxtile_geo_space)
endif()
