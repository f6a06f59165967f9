// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/training_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "pipeline/training/site_years_file.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

constexpr size_t kCandidates = 99;  // points of the three states, 25 of them in the smallest
constexpr uint64_t kTowerSeed = 7919, kReferenceSeed = 104729;

using PointsOfRegions = std::map<std::string, std::vector<SitePoint>>;

PointsOfRegions by_region(const std::vector<SitePoint>& points) {
  PointsOfRegions regions;
  for (const SitePoint& point : points) regions[point.region].push_back(point);
  return regions;
}

/// `per_region` points of each region, spread evenly over those there are.
std::vector<SitePoint> spread(const PointsOfRegions& candidates, size_t per_region,
                              const std::string& kind) {
  std::vector<SitePoint> chosen;
  for (const auto& [region, points] : candidates) {
    if (points.size() < per_region) {
      throw Error(Code::data, "too few places for " + kind + " sites in " + region)
          .found(std::to_string(points.size()))
          .expected(std::to_string(per_region))
          .hint("ask for fewer sites a region");
    }
    for (size_t k = 0; k < per_region; ++k) {
      SitePoint point = points.at((2 * k + 1) * points.size() / (2 * per_region));
      point.name = fmt::format("{}-{}-{}", kind, region, k + 1);
      chosen.push_back(std::move(point));
    }
  }
  return chosen;
}

SiteYears simulate_towers(const WorldConfig& config, std::vector<SitePoint> points) {
  SiteWorld sites;
  sites.seed = config.seed;
  sites.heterogeneity = config.heterogeneity;
  sites.points = std::move(points);
  sites.first_year = config.towers.first_year;
  sites.years = config.towers.years;
  sites.gpp = config.towers.gpp;
  return simulate_sites(sites);
}

void write_sites(const WorldConfig& config, const fs::path& folder) {
  const SiteBlock& block = config.sites;
  if (block.count == 0 && block.file.empty()) return;
  SiteWorld sites;
  sites.seed = config.seed;
  sites.heterogeneity = block.heterogeneity;
  sites.first_year = block.first_year;
  sites.years = block.years;
  sites.gpp = block.gpp;
  if (block.count > 0) {
    sites.points = midwest_points(block.count, config.seed);
  } else {
    sites.points = read_points_csv(block.file);
    write_atomically((folder / "points.csv").string(), read_file(block.file));
  }
  write_site_years(simulate_sites(sites), (folder / "sites.nc").string());
}

void write_towers(const WorldConfig& config, const fs::path& folder) {
  const TowerBlock& block = config.towers;
  if (block.per_region == 0) return;
  const std::vector<SitePoint> towers = tower_points(block.per_region, config.seed);
  SiteYears table = simulate_towers(config, towers);
  keep_tower_labels(table, block.labels);
  write_site_years(table, (folder / "towers.nc").string());
  if (block.reference == 0) return;
  write_site_years(simulate_towers(config, reference_points(block.reference, towers, config.seed)),
                   (folder / "reference.nc").string());
}

}  // namespace

std::vector<SitePoint> tower_points(size_t per_region, uint64_t seed) {
  const auto points = midwest_points(std::max(kCandidates, 5 * per_region), seed + kTowerSeed);
  return spread(by_region(points), per_region, "tower");
}

std::vector<SitePoint> reference_points(size_t per_region, const std::vector<SitePoint>& towers,
                                        uint64_t seed) {
  std::set<std::string> taken;
  for (const SitePoint& tower : towers) taken.insert(tower.block);
  PointsOfRegions candidates =
      by_region(midwest_points(std::max(kCandidates, 10 * per_region), seed + kReferenceSeed));
  for (auto& [region, points] : candidates) {
    points.erase(std::remove_if(points.begin(), points.end(),
                                [&](const SitePoint& p) { return taken.count(p.block) > 0; }),
                 points.end());
  }
  return spread(candidates, per_region, "reference");
}

void write_training_tables(const WorldConfig& config, const std::string& folder) {
  write_sites(config, folder);
  write_towers(config, folder);
}

}  // namespace fluxtile::world
