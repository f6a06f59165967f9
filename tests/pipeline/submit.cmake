# SPDX-License-Identifier: Apache-2.0
fluxtile_test(submit_tests test_shell_quote.cpp test_batch_script.cpp test_slurm.cpp LIBS fluxtile_pipeline)

find_package(GDAL CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETCDF REQUIRED IMPORTED_TARGET GLOBAL netcdf-cxx4 netcdf)
fluxtile_test(submit_plan_tests small_run.cpp test_submit.cpp
  LIBS fluxtile_pipeline GDAL::GDAL PkgConfig::NETCDF nlohmann_json::nlohmann_json)
target_compile_definitions(submit_plan_tests PRIVATE
  FLUXTILE_WORLDS="${PROJECT_SOURCE_DIR}/configs/worlds"
  FLUXTILE_RECIPES="${PROJECT_SOURCE_DIR}/configs/recipes")
