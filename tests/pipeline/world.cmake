# SPDX-License-Identifier: Apache-2.0
fluxtile_test(world_tests test_simulate.cpp test_world_pieces.cpp
              LIBS fluxtile_world GDAL::GDAL PkgConfig::NETCDF_CXX4)
target_compile_definitions(world_tests PRIVATE FLUXTILE_WORLDS="${PROJECT_SOURCE_DIR}/configs/worlds")
