// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/world_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <map>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/nearest_name.h"

namespace fluxtile::world {
namespace {

struct Value {
  std::string text;
  int line = 0;
};
using Values = std::map<std::string, Value>;  // dotted key -> scalar

const std::vector<std::string> kKeys = {"fluxtile-world",
                                        "name",
                                        "seed",
                                        "centre.longitude",
                                        "centre.latitude",
                                        "size_km",
                                        "grid.resolution",
                                        "grid.tile",
                                        "period.first_year",
                                        "period.years",
                                        "period.spinup",
                                        "gpp.gaps",
                                        "soil.shift",
                                        "model.sample_cells"};

bool is_group(const std::string& key) {
  for (const std::string& known : kKeys) {
    if (known.rfind(key + ".", 0) == 0) return true;
  }
  return false;
}

bool is_known(const std::string& key) {
  for (const std::string& known : kKeys) {
    if (known == key) return true;
  }
  return false;
}

Error unknown_key(const std::string& path, const std::string& key, int line) {
  return Error(Code::data, "unknown key in the world description")
      .file(path)
      .key(key, line)
      .hint(suggestion(key, kKeys));
}

void collect(const YAML::Node& node, const std::string& prefix, const std::string& path,
             Values& values) {
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = prefix + entry.first.as<std::string>();
    const int line = entry.first.Mark().line + 1;
    if (!seen.insert(key).second)
      throw Error(Code::data, "the key occurs twice").file(path).key(key, line);
    if (entry.second.IsMap() && is_group(key)) {
      collect(entry.second, key + ".", path, values);
    } else if (!is_known(key)) {
      throw unknown_key(path, key, line);
    } else if (!entry.second.IsScalar()) {
      throw Error(Code::data, "a single value is wanted").file(path).key(key, line);
    } else {
      values[key] = {entry.second.Scalar(), line};
    }
  }
}

class Reader {
 public:
  Reader(const std::string& path, const Values& values) : path_(path), values_(values) {}

  void number(const std::string& key, double& target, double low, double high) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return;
    const std::string& text = found->second.text;
    size_t used = 0;
    double value = std::nan("");
    try {
      value = std::stod(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != text.size() || !(value >= low && value <= high)) {
      throw Error(Code::data, "impossible value")
          .file(path_)
          .key(key, found->second.line)
          .found(text)
          .expected(fmt::format("a number from {} to {}", low, high));
    }
    target = value;
  }

  template <typename Integer>
  void integer(const std::string& key, Integer& target, double low, double high) const {
    double value = static_cast<double>(target);
    number(key, value, low, high);
    if (value != std::floor(value)) {
      throw Error(Code::data, "a whole number is wanted")
          .file(path_)
          .key(key, values_.at(key).line)
          .found(values_.at(key).text);
    }
    target = static_cast<Integer>(value);
  }

 private:
  const std::string& path_;
  const Values& values_;
};

Values read_values(const std::string& path, const std::vector<std::string>& overrides) {
  Values values;
  const std::string text = read_file(path);
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) {
      throw Error(Code::data, "not a world description")
          .file(path)
          .expected("a YAML mapping with the key fluxtile-world: 1");
    }
    collect(root, "", path, values);
  } catch (const YAML::Exception& e) {
    throw Error(Code::data, "not valid YAML: " + e.msg).file(path).key("", e.mark.line + 1);
  }
  for (const std::string& item : overrides) {
    const size_t equals = item.find('=');
    const std::string key = item.substr(0, equals);
    if (equals == std::string::npos)
      throw Error(Code::usage, "--set wants key.path=value").found(item);
    if (!is_known(key)) throw unknown_key("--set", key, 0);
    values[key] = {item.substr(equals + 1), 0};
  }
  return values;
}

}  // namespace

WorldConfig read_world_config(const std::string& path, const std::vector<std::string>& overrides) {
  const Values values = read_values(path, overrides);
  const auto version = values.find("fluxtile-world");
  if (version == values.end() || version->second.text != "1") {
    throw Error(Code::data, "not a world description that this version understands")
        .file(path)
        .key("fluxtile-world", version == values.end() ? 0 : version->second.line)
        .found(version == values.end() ? "no such key" : version->second.text)
        .expected("fluxtile-world: 1");
  }
  WorldConfig config;
  const Reader read(path, values);
  if (const auto name = values.find("name"); name != values.end()) {
    config.name = name->second.text;
    if (config.name.empty() || config.name.find_first_of("/\\ \t:\"'#") != std::string::npos) {
      throw Error(Code::data, "the name becomes part of file names")
          .file(path)
          .key("name", name->second.line)
          .found(config.name)
          .expected("letters, digits, - and _");
    }
  }
  read.integer("seed", config.seed, 0, 9e15);
  read.number("centre.longitude", config.longitude, -122, -70);
  read.number("centre.latitude", config.latitude, 27, 48);
  read.number("size_km", config.size_km, 2, 600);
  read.number("grid.resolution", config.resolution, 30, 5000);
  read.integer("grid.tile", config.tile, 8, 4096);
  read.integer("period.first_year", config.first_year, 1980, 2100);
  read.integer("period.years", config.years, 1, 50);
  read.integer("period.spinup", config.spinup, 0, 20);
  read.number("gpp.gaps", config.gaps, 0, 0.9);
  read.number("soil.shift", config.soil_shift, 0, 250);
  read.integer("model.sample_cells", config.sample_cells, 4, 500);
  return config;
}

std::string to_yaml(const WorldConfig& c) {
  return fmt::format(
      "fluxtile-world: 1\n"
      "name: {}\n"
      "seed: {}\n"
      "centre: {{longitude: {}, latitude: {}}}\n"
      "size_km: {}\n"
      "grid: {{resolution: {}, tile: {}}}\n"
      "period: {{first_year: {}, years: {}, spinup: {}}}\n"
      "gpp: {{gaps: {}}}\n"
      "soil: {{shift: {}}}\n"
      "model: {{sample_cells: {}}}\n",
      c.name, c.seed, c.longitude, c.latitude, c.size_km, c.resolution, c.tile, c.first_year,
      c.years, c.spinup, c.gaps, c.soil_shift, c.sample_cells);
}

}  // namespace fluxtile::world
