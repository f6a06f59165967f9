// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "command.h"

namespace fluxtile::end_to_end {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A folder that is gone when the object is.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The world of configs/worlds/test.yaml, as `fluxtile simulate` writes it: made once a process.
/// Tests must not change it; copy_world() gives one to change.
const fs::path& test_world();

/// A changeable copy of a world's inputs, without outputs.
void copy_world(const fs::path& from, const fs::path& to);

/// Files by name, relative to `folder`, without folders whose name begins with a dot.
using Contents = std::map<std::string, std::string>;
Contents contents(const fs::path& folder);

/// The products whose bytes are fixed: GeoTIFF, QGIS styles, NetCDF, summary, STAC items.
Contents products(const fs::path& outputs);

/// Names of the products that differ or that only one side has, for messages; empty when equal.
std::string differences(const Contents& a, const Contents& b);

Json read_json(const fs::path& file);
/// run.json of an output folder.
Json run_record(const fs::path& outputs);
/// Result tile-years that the last run computed, as run.json tells.
int tile_years_computed(const fs::path& outputs);

/// Number of files under `folder` whose name ends so.
size_t count_files(const fs::path& folder, const std::string& ending);

/// Changes bytes of a model package's weights and enters the new checksum in model.yaml.
void change_weights(const fs::path& package);

/// Adds to the stored value of one cell of a GeoTIFF's first band.
void change_cell(const fs::path& raster, int column, int row, double by);

void replace_text(const fs::path& file, const std::string& from, const std::string& to);

/// A test with an empty folder of its own.
class Workplace : public testing::Test {
 protected:
  [[nodiscard]] const fs::path& folder() const { return folder_.path(); }
  /// `fluxtile VERB WORLD/run.yaml --set outputs.directory=OUT ...`, quiet on stderr.
  static Words words(const std::string& verb, const fs::path& world, const fs::path& outputs,
                     const Words& more = {});
  /// Runs `fluxtile run` and expects exit code 0.
  static Outcome run(const fs::path& world, const fs::path& outputs, const Words& more = {},
                     const Environment& environment = {});

 private:
  Folder folder_;
};

}  // namespace fluxtile::end_to_end
