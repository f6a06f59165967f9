// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/training_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/atomic_file.h"
#include "pipeline/training/site_years_file.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

constexpr size_t kCandidates = 99;  // points of the three states, 25 of them in the smallest
constexpr uint64_t kOtherSeed = 7919;

SiteWorld site_world(const WorldConfig& config) {
  SiteWorld sites;
  sites.seed = config.seed;
  sites.heterogeneity = config.heterogeneity;
  return sites;
}

}  // namespace

std::vector<SitePoint> tower_points(size_t per_region, uint64_t seed) {
  std::map<std::string, std::vector<SitePoint>> candidates;
  for (SitePoint& point : midwest_points(std::max(kCandidates, 5 * per_region), seed + kOtherSeed))
    candidates[point.region].push_back(std::move(point));
  std::vector<SitePoint> towers;
  for (auto& [region, points] : candidates) {
    for (size_t k = 0; k < per_region; ++k) {
      SitePoint tower = points.at((2 * k + 1) * points.size() / (2 * per_region));
      tower.name = fmt::format("tower-{}-{}", region, k + 1);
      towers.push_back(std::move(tower));
    }
  }
  return towers;
}

void write_training_tables(const WorldConfig& config, const std::string& folder) {
  if (config.sites.count > 0 || !config.sites.file.empty()) {
    SiteWorld sites = site_world(config);
    sites.first_year = config.sites.first_year;
    sites.years = config.sites.years;
    sites.gpp = config.sites.gpp;
    if (config.sites.count > 0) {
      sites.points = midwest_points(config.sites.count, config.seed);
    } else {
      sites.points = read_points_csv(config.sites.file);
      write_atomically((fs::path(folder) / "points.csv").string(), read_file(config.sites.file));
    }
    write_site_years(simulate_sites(sites), (fs::path(folder) / "sites.nc").string());
  }
  if (config.towers.per_region > 0) {
    SiteWorld towers = site_world(config);
    towers.first_year = config.towers.first_year;
    towers.years = config.towers.years;
    towers.gpp = config.towers.gpp;
    towers.points = tower_points(config.towers.per_region, config.seed);
    SiteYears table = simulate_sites(towers);
    keep_tower_labels(table, config.towers.labels);
    write_site_years(table, (fs::path(folder) / "towers.nc").string());
  }
}

}  // namespace fluxtile::world
