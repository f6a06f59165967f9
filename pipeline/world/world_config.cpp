// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/world_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "pipeline/config_values.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

const std::vector<std::string> kGeographies = {"square", "midwest"};
const std::vector<std::string> kCropModes = {"nearest", "majority"};
const std::vector<std::string> kGppErrors = {"smooth", "satellite"};
const std::vector<std::string> kGppKinds = {"truth", "satellite"};

const YamlSchema& world_schema() {
  static const YamlSchema schema({
      {"fluxtile-world", shape_text, "the format's version, 1"},
      {"name", shape_text, "a name for products: letters, digits, - and _"},
      {"output", shape_text, "the folder that simulate writes to"},
      {"seed", shape_text, "a whole number"},
      {"geography", shape_text, "square or midwest"},
      {"heterogeneity", shape_text, "how the truth differs between regions"},
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
      {"gpp.error", shape_text, "smooth or satellite"},
      {"gpp.multiple", shape_text, "side of a cell in cells of 463.3127 m"},
      {"soil", shape_map, "how soil is written"},
      {"soil.cell", shape_text, "metres"},
      {"soil.shift", shape_text, "metres"},
      {"crop", shape_map, "how the crop map is written and read"},
      {"crop.cell", shape_text, "metres"},
      {"crop.mode", shape_text, "nearest or majority"},
      {"fields", shape_map, "the landscape"},
      {"fields.size", shape_text, "side of a quarter section, metres"},
      {"climate", shape_map, "how weather is written"},
      {"climate.stride", shape_text, "every so many cells of gridMET's lattice there is one"},
      {"sites", shape_map, "training data without noise"},
      {"sites.count", shape_text, "number of points in the three states"},
      {"sites.file", shape_text, "a CSV file of points"},
      {"sites.first_year", shape_text, "a year"},
      {"sites.years", shape_text, "number of years"},
      {"sites.gpp", shape_text, "truth or satellite"},
      {"sites.heterogeneity", shape_text, "how the process model differs between regions"},
      {"towers", shape_map, "labels as towers give them"},
      {"towers.per_region", shape_text, "number of sites in each state"},
      {"towers.reference", shape_text, "number of sites with known truth in each state"},
      {"towers.first_year", shape_text, "a year"},
      {"towers.years", shape_text, "number of years"},
      {"towers.gpp", shape_text, "truth or satellite"},
      {"towers.random_error", shape_text, "share of the flux"},
      {"towers.systematic_error", shape_text, "share of the flux"},
      {"towers.gap_share", shape_text, "share of the days without labels"},
      {"models", shape_map, "model packages that are copied into the world"},
      {"models.directory", shape_text, "the folder that holds the packages"},
      {"models.default", shape_text, "the package for regions that `regions` does not name"},
      {"models.regions", shape_map, "region: package, for example {North: iowa}"},
      {"models.regions.*", shape_text, "a package"},
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

// Paths in the file are relative to the file, paths of --set to the current directory.
std::string read_path(const YamlWalker& value, const std::string& file) {
  return absolute_path(value.text(), value.node().overridden
                                         ? fs::current_path().string()
                                         : fs::absolute(file).parent_path().string());
}

void read_sites(const YamlWalker& where, const std::string& file, SiteBlock& sites) {
  read(where.find("count"), sites.count, 3, 100000);
  if (const auto points = where.find("file")) {
    if (sites.count > 0)
      throw points->error("`sites` has both `count` and `file`").expected("one of them");
    sites.file = read_path(*points, file);
  }
  if (sites.count == 0 && sites.file.empty())
    throw where.error("`sites` names no points").expected("`count` or `file`");
  read(where.find("first_year"), sites.first_year, 1980, 2100);
  read(where.find("years"), sites.years, 1, 50);
  if (const auto gpp = where.find("gpp")) sites.gpp = kGppKinds[gpp->choice(kGppKinds)];
  if (const auto kind = where.find("heterogeneity"))
    sites.heterogeneity = kind->parsed(parse_heterogeneity);
}

void read_towers(const YamlWalker& where, TowerBlock& towers) {
  read(where.at("per_region"), towers.per_region, 1, 1000);
  read(where.find("reference"), towers.reference, 1, 1000);
  read(where.find("first_year"), towers.first_year, 1980, 2100);
  read(where.find("years"), towers.years, 1, 50);
  if (const auto gpp = where.find("gpp")) towers.gpp = kGppKinds[gpp->choice(kGppKinds)];
  read(where.find("random_error"), towers.labels.random_error, 0.0, 1.0);
  read(where.find("systematic_error"), towers.labels.systematic_error, 0.0, 1.0);
  read(where.find("gap_share"), towers.labels.gap_share, 0.0, 0.9);
}

void read_models(const YamlWalker& where, const std::string& file, Geography geography,
                 ModelBlock& models) {
  static const std::array<std::vector<std::string>, 2> names = {
      {{"North", "East", "South"}, {"Illinois", "Iowa", "Indiana"}}};
  const std::vector<std::string>& known = names[static_cast<size_t>(geography)];
  models.directory = read_path(where.at("directory"), file);
  models.default_package = where.at("default").text();
  if (const auto regions = where.find("regions")) {
    for (const auto& entry : regions->items()) {
      if (std::find(known.begin(), known.end(), entry.name()) == known.end()) {
        throw entry.error("the world has no region `" + entry.name() + "`")
            .hint(suggestion(entry.name(), known));
      }
      models.regions[entry.name()] = entry.text();
    }
  }
}

}  // namespace

WorldConfig read_world_config(const std::string& path, const std::vector<std::string>& overrides) {
  YamlNode document = read_yaml(path);
  for (const std::string& assignment : overrides) apply_override(document, assignment);
  check_schema(document, world_schema(), path);
  const YamlWalker root(document, world_schema(), path);
  root.at("fluxtile-world").choice({"1"});

  WorldConfig config;
  if (const auto name = root.find("name")) config.name = read_name(*name);
  if (const auto output = root.find("output")) config.output = read_path(*output, path);
  read(root.find("seed"), config.seed, 0, int64_t{1} << 53);
  if (const auto geography = root.find("geography"))
    config.geography = static_cast<Geography>(geography->choice(kGeographies));
  if (const auto kind = root.find("heterogeneity"))
    config.heterogeneity = kind->parsed(parse_heterogeneity);
  if (config.geography == Geography::midwest) {
    for (const char* key : {"centre", "size_km"}) {
      if (const auto found = root.find(key))
        throw found->error("a world of geography midwest has its place and size")
            .expected("no `centre` and no `size_km`");
    }
  }
  read(find(root, "centre", "longitude"), config.longitude, -122.0, -70.0);
  read(find(root, "centre", "latitude"), config.latitude, 27.0, 48.0);
  read(root.find("size_km"), config.size_km, 2.0, 600.0);
  read(find(root, "grid", "resolution"), config.resolution, 30.0, 100000.0);
  read(find(root, "grid", "tile"), config.tile, 8, 4096);
  read(find(root, "period", "first_year"), config.first_year, 1980, 2100);
  read(find(root, "period", "years"), config.years, 1, 50);
  read(find(root, "period", "spinup"), config.spinup, 0, 20);
  if (const auto error = find(root, "gpp", "error"))
    config.gpp_error = static_cast<GppError>(error->choice(kGppErrors));
  read(find(root, "gpp", "gaps"), config.gaps, 0.0, 0.9);
  read(find(root, "gpp", "multiple"), config.gpp_multiple, 1, 100);
  read(find(root, "soil", "cell"), config.soil_cell, 30.0, 100000.0);
  read(find(root, "soil", "shift"), config.soil_shift, 0.0, config.soil_cell);
  read(find(root, "crop", "cell"), config.crop_cell, 10.0, 50000.0);
  if (const auto mode = find(root, "crop", "mode"))
    config.crop_mode = static_cast<CropMode>(mode->choice(kCropModes));
  read(find(root, "fields", "size"), config.field_size, 50.0, 200000.0);
  read(find(root, "climate", "stride"), config.climate_stride, 1, 100);
  config.sites.heterogeneity = config.heterogeneity;
  if (const auto sites = root.find("sites")) read_sites(*sites, path, config.sites);
  if (const auto towers = root.find("towers")) read_towers(*towers, config.towers);
  if (const auto models = root.find("models"))
    read_models(*models, path, config.geography, config.models);
  config.towers.labels.seed = config.seed;
  return config;
}

std::string to_yaml(const WorldConfig& c) {
  std::string text = fmt::format(
      "fluxtile-world: 1\n"
      "name: {}\n"
      "seed: {}\n"
      "geography: {}\n"
      "heterogeneity: {}\n",
      c.name, c.seed, kGeographies[static_cast<size_t>(c.geography)], to_text(c.heterogeneity));
  if (c.geography == Geography::square) {
    text += fmt::format("centre: {{longitude: {}, latitude: {}}}\nsize_km: {}\n", c.longitude,
                        c.latitude, c.size_km);
  }
  text += fmt::format(
      "grid: {{resolution: {}, tile: {}}}\n"
      "period: {{first_year: {}, years: {}, spinup: {}}}\n"
      "gpp: {{error: {}, gaps: {}, multiple: {}}}\n"
      "soil: {{cell: {}, shift: {}}}\n"
      "crop: {{cell: {}, mode: {}}}\n"
      "fields: {{size: {}}}\n"
      "climate: {{stride: {}}}\n",
      c.resolution, c.tile, c.first_year, c.years, c.spinup,
      kGppErrors[static_cast<size_t>(c.gpp_error)], c.gaps, c.gpp_multiple, c.soil_cell,
      c.soil_shift, c.crop_cell, kCropModes[static_cast<size_t>(c.crop_mode)], c.field_size,
      c.climate_stride);
  if (c.sites.count > 0 || !c.sites.file.empty()) {
    const std::string points =
        c.sites.count > 0 ? fmt::format("count: {}", c.sites.count) : "file: training/points.csv";
    text += fmt::format("sites: {{{}, first_year: {}, years: {}, gpp: {}, heterogeneity: {}}}\n",
                        points, c.sites.first_year, c.sites.years, c.sites.gpp,
                        to_text(c.sites.heterogeneity));
  }
  if (c.towers.per_region > 0) {
    text += fmt::format(
        "towers: {{per_region: {}, {}first_year: {}, years: {}, gpp: {}, random_error: {}, "
        "systematic_error: {}, gap_share: {}}}\n",
        c.towers.per_region,
        c.towers.reference > 0 ? fmt::format("reference: {}, ", c.towers.reference) : "",
        c.towers.first_year, c.towers.years, c.towers.gpp, c.towers.labels.random_error,
        c.towers.labels.systematic_error, c.towers.labels.gap_share);
  }
  if (!c.models.directory.empty()) {
    std::string regions;
    for (const auto& [region, package] : c.models.regions)
      regions += fmt::format("{}{}: {}", regions.empty() ? "" : ", ", region, package);
    text += fmt::format("models: {{directory: models, default: {}, regions: {{{}}}}}\n",
                        c.models.default_package, regions);
  }
  return text;
}

}  // namespace fluxtile::world
