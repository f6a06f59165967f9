// SPDX-License-Identifier: Apache-2.0
#include "workplace.h"

#include <gdal_priv.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "base/atomic_file.h"
#include "base/digest.h"

namespace fluxtile::end_to_end {

Folder::Folder() {
  std::string pattern = (fs::temp_directory_path() / "fluxtile-e2e-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot create " + pattern);
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

const fs::path& test_world() {
  static const Folder folder;
  static const fs::path world = [] {
    const fs::path path = folder.path() / "world";
    const Outcome made =
        fluxtile({"simulate", FLUXTILE_WORLDS "/test.yaml", "--out", path.string()});
    if (made.code != 0) throw std::runtime_error("fluxtile simulate failed: " + made.err);
    return path;
  }();
  return world;
}

void copy_world(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.path().filename() == "out") continue;
    fs::copy(entry.path(), to / entry.path().filename(), fs::copy_options::recursive);
  }
}

Contents contents(const fs::path& folder) {
  Contents files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    if (entry.is_regular_file() && name.rfind(".fluxtile/", 0) != 0)
      files[name] = read_file(entry.path().string());
  }
  return files;
}

Contents products(const fs::path& outputs) {
  Contents all = contents(outputs), result;
  for (auto& [name, bytes] : all) {
    const auto ends = [&, &n = name](const std::string& ending) {
      return n.size() >= ending.size() &&
             n.compare(n.size() - ending.size(), ending.size(), ending) == 0;
    };
    if (ends(".tif") || ends(".qml") || ends(".nc") || ends("summary.csv") || ends(".stac.json"))
      result[name] = std::move(bytes);
  }
  return result;
}

std::string differences(const Contents& a, const Contents& b) {
  std::string text;
  for (const auto& [name, bytes] : a) {
    const auto other = b.find(name);
    if (other == b.end()) {
      text += name + " is missing; ";
    } else if (other->second != bytes) {
      text += name + " differs; ";
    }
  }
  for (const auto& [name, bytes] : b) {
    if (a.count(name) == 0) text += name + " is new; ";
  }
  if (a.empty() && b.empty()) text = "there are no products";
  return text;
}

Json read_json(const fs::path& file) { return Json::parse(read_file(file.string())); }

Json run_record(const fs::path& outputs) { return read_json(outputs / "run.json"); }

int tile_years_computed(const fs::path& outputs) {
  return run_record(outputs).at("tiles").at("tile_years_computed").get<int>();
}

size_t count_files(const fs::path& folder, const std::string& ending) {
  size_t count = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    count += name.size() >= ending.size() &&
                     name.compare(name.size() - ending.size(), ending.size(), ending) == 0
                 ? 1
                 : 0;
  }
  return count;
}

void change_weights(const fs::path& package) {
  const std::string file = (package / "weights.safetensors").string();
  std::string bytes = read_file(file);
  const std::string before = sha256(bytes);
  // The lowest mantissa bits of a hundred float32 numbers at the end: other weights, still finite.
  for (size_t k = 1; k <= 100; ++k) {
    char& low = bytes[bytes.size() - 4 * k + 1];
    low = static_cast<char>(low ^ 0x55);
  }
  write_atomically(file, bytes);
  replace_text(package / "model.yaml", before, sha256(bytes));
}

void change_cell(const fs::path& raster, int column, int row, double by) {
  GDALAllRegister();
  const std::unique_ptr<GDALDataset> dataset(GDALDataset::Open(raster.c_str(), GDAL_OF_UPDATE));
  double value = 0;
  if (!dataset || dataset->GetRasterBand(1)->RasterIO(GF_Read, column, row, 1, 1, &value, 1, 1,
                                                      GDT_Float64, 0, 0, nullptr) != CE_None) {
    throw std::runtime_error("cannot read " + raster.string());
  }
  value += by;
  if (dataset->GetRasterBand(1)->RasterIO(GF_Write, column, row, 1, 1, &value, 1, 1, GDT_Float64, 0,
                                          0, nullptr) != CE_None) {
    throw std::runtime_error("cannot write " + raster.string());
  }
}

void replace_text(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file.string());
  const size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error(file.string() + " does not hold " + from);
  text.replace(at, from.size(), to);
  write_atomically(file.string(), text);
}

Words Workplace::words(const std::string& verb, const fs::path& world, const fs::path& outputs,
                       const Words& more) {
  Words all = {verb, (world / "run.yaml").string(), "--set",
               "outputs.directory=" + outputs.string()};
  const auto unless_said = [&](const std::string& option, const std::string& value) {
    if (std::find(more.begin(), more.end(), option) == more.end())
      all.insert(all.end(), {option, value});
  };
  unless_said("--progress", "off");
  unless_said("--log-level", "warn");
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Outcome Workplace::run(const fs::path& world, const fs::path& outputs, const Words& more,
                       const Environment& environment) {
  Outcome outcome = fluxtile(words("run", world, outputs, more), environment);
  EXPECT_EQ(0, outcome.code) << outcome.err;
  return outcome;
}

}  // namespace fluxtile::end_to_end
