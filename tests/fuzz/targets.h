// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is fed with bytes that nobody vouches for: by libFuzzer (CMake option FLUXTILE_FUZZ) and,
// with mutations that are always the same, by untrusted_bytes_tests.

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fluxtile::fuzz {

/// One reader of untrusted bytes. `run` returns, or throws what is a bug: an Error of a kind that
/// does not blame the input, or any other exception.
struct Target {
  const char* name;
  void (*run)(std::string_view bytes);
  std::vector<std::string> (*seeds)();
};

/// All targets, in the order of the documentation.
const std::vector<Target>& all_targets();

/// Runs `work`. An Error that blames the input (65, 74, or 64 for a word of the command line) is
/// the right answer to bad bytes; everything else goes on.
template <typename Work>
void expect_handled(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() != Code::data && error.code() != Code::io && error.code() != Code::usage)
      throw;
  }
}

void config(std::string_view bytes);
void package(std::string_view bytes);
void tensors(std::string_view bytes);
void tile_files(std::string_view bytes);
void plan(std::string_view bytes);
void run_record(std::string_view bytes);
void time_texts(std::string_view bytes);
void units(std::string_view bytes);
void names(std::string_view bytes);
void tables(std::string_view bytes);
void crs(std::string_view bytes);
void raster(std::string_view bytes);
void regions(std::string_view bytes);
void netcdf(std::string_view bytes);

std::vector<std::string> config_seeds();
std::vector<std::string> package_seeds();
std::vector<std::string> tensor_seeds();
std::vector<std::string> tile_file_seeds();
std::vector<std::string> plan_seeds();
std::vector<std::string> run_record_seeds();
std::vector<std::string> time_seeds();
std::vector<std::string> unit_seeds();
std::vector<std::string> name_seeds();
std::vector<std::string> table_seeds();
std::vector<std::string> crs_seeds();
std::vector<std::string> raster_seeds();
std::vector<std::string> region_seeds();
std::vector<std::string> netcdf_seeds();

}  // namespace fluxtile::fuzz
