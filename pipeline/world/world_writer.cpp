// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/world_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "geo/calendar.h"
#include "pipeline/world/crop_map.h"
#include "pipeline/world/geotiff.h"
#include "pipeline/world/gpp_composites.h"
#include "pipeline/world/gridmet_file.h"
#include "pipeline/world/run_yaml.h"
#include "pipeline/world/training_tables.h"
#include "pipeline/world/truth_maps.h"
#include "pipeline/world/world_models.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

constexpr const char* kSource = "synthetic, not observations";

void write_soil(const World& world, const fs::path& folder) {
  const Placement p = covering(world.box, world.config.soil_cell, world.config.soil_shift);
  std::array<std::vector<float>, kSoilNames.size()> maps;
  for (std::vector<float>& map : maps) map.reserve(p.cells());
  for (int row = 0; row < p.height; ++row) {
    for (int column = 0; column < p.width; ++column) {
      const Point c = p.centre(column, row);
      const bool none = world.landscape.without_soil(c.x, c.y);
      const SoilProperties soil = world.soil.at(c.x, c.y);
      for (size_t i = 0; i < maps.size(); ++i)
        maps[i].push_back(none ? -9999.0F : static_cast<float>(soil[i]));
    }
  }
  for (size_t i = 0; i < maps.size(); ++i) {
    GeoTiffOptions options;
    options.nodata = -9999;
    options.unit = kSoilUnits[i];
    options.tags = {{"SOURCE", kSource}, {"VARIABLE", kSoilNames[i]}};
    write_geotiff((folder / (std::string(kSoilFiles[i]) + ".tif")).string(), p, maps[i], options);
  }
}

void write_crops(const World& world, const fs::path& folder) {
  const Placement p = crop_placement(world);
  GeoTiffOptions options;
  options.nodata = 0;
  options.tags = {{"SOURCE", kSource}};
  options.colours = {{corn, {255, 211, 0}},        {soybeans, {37, 111, 0}},
                     {open_water, {73, 111, 162}}, {developed, {153, 153, 153}},
                     {forest, {147, 204, 147}},    {grass, {232, 255, 190}}};
  for (int year = world.config.begin_year(); year < world.config.end_year(); ++year) {
    write_geotiff((folder / fmt::format("crop_{}.tif", year)).string(), p,
                  crop_codes(world, p, year), options);
  }
}

GridmetLattice lattice_for(const World& world) {
  double west = 1e9, south = 1e9, east = -1e9, north = -1e9;
  for (const NamedRegion& region : world.regions) {
    for (const RingSet& rings : region.polygons) {
      for (const Point& q : rings.front()) {
        west = std::min(west, q.x);
        east = std::max(east, q.x);
        south = std::min(south, q.y);
        north = std::max(north, q.y);
      }
    }
  }
  return gridmet_lattice(west, south, east, north, 2, world.config.climate_stride);
}

void write_climate(const World& world, const fs::path& folder) {
  const GridmetLattice lattice = lattice_for(world);
  std::vector<Weather::Place> places;
  for (const double latitude : lattice.latitude) {
    for (const double longitude : lattice.longitude)
      places.push_back(world.weather.place(longitude, latitude));
  }
  for (int year = world.config.begin_year(); year < world.config.end_year(); ++year) {
    const int64_t first = to_days({year, 1, 1});
    const int days = days_in_year(year);
    std::array<std::vector<double>, kGridmetFiles.size()> values;
    for (int d = 0; d < days; ++d) {
      const Weather::Day today = world.weather.day(first + d, d);
      for (const Weather::Place& place : places) {
        const DayWeather w = world.weather.at(place, today);
        const std::array<double, kGridmetFiles.size()> row = {
            w.tmax, w.tmin, w.radiation, w.rh_max, w.rh_min, w.wind, w.rain};
        for (size_t i = 0; i < row.size(); ++i) values[i].push_back(row[i]);
      }
    }
    for (size_t i = 0; i < values.size(); ++i) {
      write_gridmet((folder / fmt::format("{}_{}.nc", kGridmetFiles[i], year)).string(), i, lattice,
                    first, static_cast<size_t>(days), values[i]);
    }
  }
}

}  // namespace

void write_world(const World& world, const std::string& directory,
                 const std::function<void(const std::string&)>& note) {
  const fs::path root(directory);
  std::error_code error;
  if (fs::exists(root, error) && !fs::is_empty(root, error)) {
    throw Error(Code::cannot_create, "the folder for the synthetic world is not empty")
        .file(directory)
        .hint("files of two worlds must not mix: name a new folder, or remove this one");
  }
  check_models(world.config.models);
  note("regions");
  write_atomically((root / "regions.geojson").string(), to_geojson(world.regions));
  write_atomically(
      (root / "world.yaml").string(),
      "# Description of the synthetic world in this folder.\n" + to_yaml(world.config));
  note("soil");
  write_soil(world, root / "soil");
  note("crop maps");
  write_crops(world, root / "crop");
  note("climate");
  write_climate(world, root / "climate");
  note("GPP composites");
  write_gpp_composites(world, (root / "gpp").string());
  note("models");
  copy_models(world.config.models, (root / "models").string());
  note("true fluxes");
  write_truth(world, (root / "regions.geojson").string(), (root / "truth").string());
  note("training data");
  write_training_tables(world.config, (root / "training").string());
  write_atomically((root / "run.yaml").string(), run_yaml(world.config));
}

}  // namespace fluxtile::world
