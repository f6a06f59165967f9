// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/world_models.h"

#include <filesystem>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "model/package.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

// Package and the key that names it first.
std::map<std::string, std::string> packages_of(const ModelBlock& models) {
  std::map<std::string, std::string> packages;
  if (models.directory.empty()) return packages;
  packages[models.default_package] = "models.default";
  for (const auto& [region, package] : models.regions)
    packages.emplace(package, "models.regions." + region);
  return packages;
}

}  // namespace

void check_models(const ModelBlock& models) {
  for (const auto& [package, key] : packages_of(models)) {
    const fs::path folder = fs::path(models.directory) / package;
    if (!fs::exists(folder / "model.yaml")) {
      throw Error(Code::data, "the world's model package `" + package + "` is not there")
          .file(folder.string())
          .key(key)
          .expected("a folder with model.yaml and its weights")
          .hint("train it with `fluxtile train`, or give models.directory another folder");
    }
    static_cast<void>(load_package(folder.string()));
  }
}

void copy_models(const ModelBlock& models, const std::string& folder) {
  for (const auto& [package, key] : packages_of(models)) {
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(fs::path(models.directory) / package)) {
      if (entry.is_regular_file()) files.insert(entry.path());
    }
    for (const fs::path& file : files) {
      write_atomically((fs::path(folder) / package / file.filename()).string(),
                       read_file(file.string()));
    }
  }
}

}  // namespace fluxtile::world
