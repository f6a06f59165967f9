# SPDX-License-Identifier: Apache-2.0
# Product writers: COG, CF NetCDF, QGIS styles, map pictures, cell areas, STAC items.
find_package(GDAL CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF_CXX4 REQUIRED IMPORTED_TARGET netcdf-cxx4 netcdf)
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)

fluxtile_library(fluxtile_geo_products
  axis_ticks.cpp cell_areas.cpp cf_writer.cpp cog_writer.cpp colour_ramp.cpp grid_mapping.cpp qgis_style.cpp
  quality_flags.cpp quicklook.cpp stac_item.cpp unit_text.cpp
  write_failure.cpp)
target_link_libraries(fluxtile_geo_products
  PUBLIC fluxtile_base
  PRIVATE GDAL::GDAL PkgConfig::NETCDF_CXX4 PkgConfig::CAIRO nlohmann_json::nlohmann_json)
# Crs and Lattice; the NetCDF lock.
foreach(part space time)
  if(TARGET fluxtile_geo_${part})
    target_link_libraries(fluxtile_geo_products PUBLIC fluxtile_geo_${part})
  endif()
endforeach()
