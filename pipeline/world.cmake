# SPDX-License-Identifier: Apache-2.0
# `fluxtile simulate`: the synthetic world.
find_package(PkgConfig REQUIRED)
find_package(GDAL CONFIG REQUIRED)
find_package(TBB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
if(NOT TARGET PkgConfig::NETCDF_CXX4)
  pkg_check_modules(NETCDF_CXX4 REQUIRED IMPORTED_TARGET netcdf-cxx4)
endif()

fluxtile_library(fluxtile_world
  simulate.cpp
  world/climate_inputs.cpp
  world/crop_map.cpp
  world/geotiff.cpp
  world/gpp.cpp
  world/gpp_composites.cpp
  world/gridmet_file.cpp
  world/landscape.cpp
  world/placement.cpp
  world/random.cpp
  world/regions.cpp
  world/run_yaml.cpp
  world/satellite_gpp.cpp
  world/site_points.cpp
  world/site_points_file.cpp
  world/sites.cpp
  world/soil.cpp
  world/states.cpp
  world/tower_labels.cpp
  world/training_tables.cpp
  world/true_parameters.cpp
  world/true_model.cpp
  world/truth.cpp
  world/truth_maps.cpp
  world/weather.cpp
  world/world.cpp
  world/world_config.cpp
  world/world_models.cpp
  world/world_writer.cpp)
target_link_libraries(fluxtile_world
  PUBLIC fluxtile_base fluxtile_config fluxtile_geo fluxtile_model fluxtile_site_years
  PRIVATE GDAL::GDAL PkgConfig::NETCDF_CXX4 TBB::tbb fmt::fmt spdlog::spdlog
          nlohmann_json::nlohmann_json)
