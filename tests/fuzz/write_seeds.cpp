// SPDX-License-Identifier: Apache-2.0
// write_seeds TARGET FOLDER: the seeds of a target as files.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/fuzz/targets.h"

int main(int argc, char** argv) {
  const std::string wanted = argc == 3 ? argv[1] : "";
  for (const auto& target : fluxtile::fuzz::all_targets()) {
    if (wanted != target.name) continue;
    std::filesystem::create_directories(argv[2]);
    size_t number = 0;
    for (const std::string& seed : target.seeds()) {
      const auto path = std::filesystem::path(argv[2]) / ("seed-" + std::to_string(number++));
      std::ofstream(path, std::ios::binary) << seed;
    }
    return 0;
  }
  std::cerr << "write_seeds TARGET FOLDER, where TARGET is one of:";
  for (const auto& target : fluxtile::fuzz::all_targets()) std::cerr << ' ' << target.name;
  std::cerr << '\n';
  return 64;
}
