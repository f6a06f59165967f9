# SPDX-License-Identifier: Apache-2.0
# The program. fluxtile_pipeline implements pipeline/verbs.h.
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

fluxtile_library(fluxtile_command_line command_line.cpp pixel_points.cpp refused_memory.cpp)
target_link_libraries(fluxtile_command_line
  PUBLIC fluxtile_config fluxtile_run_watch
  PRIVATE fluxtile_report_page CLI11::CLI11 nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS})
set_source_files_properties(command_line.cpp PROPERTIES
  COMPILE_DEFINITIONS FLUXTILE_VERSION="${PROJECT_VERSION}")

if(TARGET fluxtile_pipeline)
  add_executable(fluxtile main.cpp)
  target_link_libraries(fluxtile PRIVATE fluxtile_command_line fluxtile_pipeline fluxtile_training)
  install(TARGETS fluxtile RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs/recipes" DESTINATION "${CMAKE_INSTALL_DATADIR}/fluxtile")
