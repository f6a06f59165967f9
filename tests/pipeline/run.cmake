# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF REQUIRED IMPORTED_TARGET GLOBAL netcdf-cxx4 netcdf)

fluxtile_test(run_lock_tests test_run_lock.cpp LIBS fluxtile_run_lock nlohmann_json::nlohmann_json)

fluxtile_test(run_tests
  small_run.cpp test_plan.cpp test_new_days.cpp test_products.cpp test_tile_memory.cpp test_ledger.cpp test_graph.cpp
  "${PROJECT_SOURCE_DIR}/tests/model/synthetic_model.cpp" test_plain_networks.cpp test_region_year.cpp test_run_record.cpp test_clean.cpp test_product_replacement.cpp test_checked_tiles.cpp test_gpp_product.cpp test_tile_order.cpp test_writer_thread.cpp test_late_tiles.cpp
  LIBS fluxtile_pipeline GDAL::GDAL PkgConfig::NETCDF nlohmann_json::nlohmann_json)
target_compile_definitions(run_tests PRIVATE
  FLUXTILE_WORLDS="${PROJECT_SOURCE_DIR}/configs/worlds"
  FLUXTILE_RECIPES="${PROJECT_SOURCE_DIR}/configs/recipes")
target_include_directories(run_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests/model")
