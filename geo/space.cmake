# SPDX-License-Identifier: Apache-2.0
# Where cells lie: lattice, CRS, resampling, rasters, regions.
find_package(GDAL CONFIG REQUIRED)
find_package(PROJ CONFIG REQUIRED)
fluxtile_library(fluxtile_geo_space
  lattice.cpp crs.cpp crs_operation.cpp proj_context.cpp source_grid.cpp
  resample_weights.cpp area_overlap.cpp resample_apply.cpp gdal_drivers.cpp gdal_messages.cpp
  raster_source.cpp read_failure.cpp source_blocks.cpp region_source.cpp region_index.cpp)
target_link_libraries(fluxtile_geo_space PUBLIC fluxtile_base PRIVATE GDAL::GDAL PROJ::proj)
