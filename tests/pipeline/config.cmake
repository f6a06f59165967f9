# SPDX-License-Identifier: Apache-2.0
find_package(GDAL CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)

# The program with recording verbs in place of the real ones, to see exit codes and streams from outside.
add_library(fluxtile_recording_verbs STATIC recording_verbs.cpp)
target_link_libraries(fluxtile_recording_verbs PUBLIC fluxtile_command_line)
add_executable(fluxtile_recording "${PROJECT_SOURCE_DIR}/pipeline/main.cpp")
target_link_libraries(fluxtile_recording PRIVATE fluxtile_command_line fluxtile_recording_verbs fluxtile_command_line)

fluxtile_test(pipeline_config_tests
  test_command_line.cpp test_config.cpp test_progress.cpp test_run_watch.cpp test_yaml_walker.cpp
  LIBS fluxtile_command_line fluxtile_recording_verbs fluxtile_command_line GDAL::GDAL nlohmann_json::nlohmann_json)
add_dependencies(pipeline_config_tests fluxtile_recording)
target_compile_definitions(pipeline_config_tests PRIVATE
  FLUXTILE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
  FLUXTILE_RECORDING_PROGRAM="$<TARGET_FILE:fluxtile_recording>")
