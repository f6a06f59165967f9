# SPDX-License-Identifier: Apache-2.0
# How every target of the project is compiled; the one place for flags.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness lets ccache serve files that use a precompiled header; with paths taken relative to the
  # checkout, one in another folder is served what the first one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;CCACHE_BASEDIR=${PROJECT_SOURCE_DIR};CCACHE_NOHASHDIR=1;${CCACHE_PROGRAM}")
endif()
find_program(MOLD_PROGRAM mold)
find_package(Threads REQUIRED)

# Flags common to all our targets. -ffp-contract=off: a product's bytes must not depend on whether a compiler
# chose to fuse a multiply with an add.
add_library(fluxtile_flags INTERFACE)
target_include_directories(fluxtile_flags INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}")
target_compile_options(fluxtile_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -ffp-contract=off
  $<$<BOOL:${FLUXTILE_WERROR}>:-Werror>)
target_link_libraries(fluxtile_flags INTERFACE Threads::Threads)
if(MOLD_PROGRAM)
  target_link_options(fluxtile_flags INTERFACE -fuse-ld=mold)
endif()
set(FLUXTILE_TEST_SECONDS 900)
if(FLUXTILE_SANITIZE)
  set(FLUXTILE_TEST_SECONDS 3600)
  target_compile_options(fluxtile_flags INTERFACE -fsanitize=${FLUXTILE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all -Wno-maybe-uninitialized)  # GCC 12 sees ghosts in <regex> with ASan
  target_link_options(fluxtile_flags INTERFACE -fsanitize=${FLUXTILE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND FLUXTILE_SANITIZE MATCHES "address")
    # Linked together they share one report file; as libraries, UBSan beside ASan ignores its log_path.
    target_link_options(fluxtile_flags INTERFACE -static-libasan -static-libubsan)
  endif()
endif()

# fluxtile_library(NAME sources...): one static library a folder.
function(fluxtile_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC fluxtile_flags)
endfunction()

# fluxtile_test(NAME sources...): one GoogleTest program; every case is a CTest test.
function(fluxtile_test name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE fluxtile_flags ${ARG_LIBS} GTest::gtest_main GTest::gmock)
  # GoogleMock is most of what a test file compiles; worth a precompiled header from a few files on.
  list(LENGTH ARG_UNPARSED_ARGUMENTS files)
  if(files GREATER 3)
    target_precompile_headers(${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${FLUXTILE_TEST_SECONDS})
endfunction()
