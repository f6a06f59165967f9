// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/world_config.h"

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile::world {
namespace {

const YamlSchema& world_schema() {
  static const YamlSchema schema({
      {"fluxtile-world", shape_text, "the format's version, 1"},
      {"name", shape_text, "a name for products: letters, digits, - and _"},
      {"seed", shape_text, "a whole number"},
      {"centre", shape_map, "longitude and latitude of the world's middle"},
      {"centre.longitude", shape_text, "degrees"},
      {"centre.latitude", shape_text, "degrees"},
      {"size_km", shape_text, "side of the square, km"},
      {"grid", shape_map, "the model grid"},
      {"grid.resolution", shape_text, "metres"},
      {"grid.tile", shape_text, "cells a side"},
      {"period", shape_map, "years"},
      {"period.first_year", shape_text, "a year"},
      {"period.years", shape_text, "number of mapped years"},
      {"period.spinup", shape_text, "number of years before them"},
      {"gpp", shape_map, "how GPP is written"},
      {"gpp.gaps", shape_text, "share lost to cloud, 0 to 0.9"},
      {"soil", shape_map, "how soil is written"},
      {"soil.shift", shape_text, "metres"},
      {"model", shape_map, "how the models are fitted"},
      {"model.sample_cells", shape_text, "number of cells"},
  });
  return schema;
}

// A group's key where the description has it.
std::optional<YamlWalker> find(const YamlWalker& root, const std::string& group,
                               const std::string& key) {
  const std::optional<YamlWalker> map = root.find(group);
  return map ? map->find(key) : std::nullopt;
}

void read(const std::optional<YamlWalker>& value, double& target, double least, double most) {
  if (value) target = value->real(least, most);
}

template <typename Integer>
void read(const std::optional<YamlWalker>& value, Integer& target, int64_t least, int64_t most) {
  if (value) target = static_cast<Integer>(value->whole(least, most));
}

std::string read_name(const YamlWalker& value) {
  const std::string& name = value.text();
  const bool plain =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
      std::string::npos;
  if (!plain) {
    throw value.error("the name becomes part of file names")
        .expected("letters, digits, - and _ only");
  }
  return name;
}

}  // namespace

WorldConfig read_world_config(const std::string& path, const std::vector<std::string>& overrides) {
  YamlNode document = parse_yaml(read_file(path), path);
  for (const std::string& assignment : overrides) apply_override(document, assignment);
  check_schema(document, world_schema(), path);
  const YamlWalker root(document, world_schema(), path);
  root.at("fluxtile-world").choice({"1"});

  WorldConfig config;
  if (const auto name = root.find("name")) config.name = read_name(*name);
  read(root.find("seed"), config.seed, 0, int64_t{1} << 53);
  read(find(root, "centre", "longitude"), config.longitude, -122.0, -70.0);
  read(find(root, "centre", "latitude"), config.latitude, 27.0, 48.0);
  read(root.find("size_km"), config.size_km, 2.0, 600.0);
  read(find(root, "grid", "resolution"), config.resolution, 30.0, 5000.0);
  read(find(root, "grid", "tile"), config.tile, 8, 4096);
  read(find(root, "period", "first_year"), config.first_year, 1980, 2100);
  read(find(root, "period", "years"), config.years, 1, 50);
  read(find(root, "period", "spinup"), config.spinup, 0, 20);
  read(find(root, "gpp", "gaps"), config.gaps, 0.0, 0.9);
  read(find(root, "soil", "shift"), config.soil_shift, 0.0, 250.0);
  read(find(root, "model", "sample_cells"), config.sample_cells, 4, 500);
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
