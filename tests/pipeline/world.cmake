# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF_CXX4 REQUIRED IMPORTED_TARGET netcdf-cxx4)

fluxtile_test(world_tests test_midwest_world.cpp test_simulate.cpp test_truth.cpp test_world_pieces.cpp
              LIBS fluxtile_world GDAL::GDAL PkgConfig::NETCDF_CXX4)
fluxtile_test(map_scores_tests test_map_scores.cpp LIBS fluxtile_map_scores)
target_compile_definitions(world_tests PRIVATE FLUXTILE_WORLDS="${PROJECT_SOURCE_DIR}/configs/worlds")
