// SPDX-License-Identifier: Apache-2.0
// The world of three states, made small by overrides: training data, truth, a run configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "geo/netcdf_source.h"
#include "geo/raster_source.h"
#include "pipeline/config.h"
#include "pipeline/training/site_years_file.h"
#include "pipeline/verbs.h"
#include "pipeline/world/training_tables.h"
#include "pipeline/world/world_config.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

class MidwestWorld : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root() = fs::path(testing::TempDir()) / ("fluxtile_midwest_" + std::to_string(getpid()));
    fs::remove_all(root());
    const std::vector<std::string> set = {"output=" + root().string(),
                                          "grid.resolution=60000",
                                          "gpp.multiple=100",
                                          "soil.cell=60000",
                                          "crop.cell=15000",
                                          "fields.size=120000",
                                          "climate.stride=24",
                                          "period.years=1",
                                          "period.spinup=1",
                                          "sites.count=4",
                                          "sites.years=2",
                                          "towers.per_region=2",
                                          "towers.reference=1",
                                          "towers.first_year=2011",
                                          "towers.years=2"};
    std::ostringstream out;
    simulate_verb(FLUXTILE_WORLDS "/midwest.yaml", set, "", out);
    said() = out.str();
  }
  static void TearDownTestSuite() {
    close_thread_datasets();
    close_netcdf_files();
    fs::remove_all(root());
  }
  static fs::path& root() {
    static fs::path path;
    return path;
  }
  static std::string& said() {
    static std::string text;
    return text;
  }
};

TEST_F(MidwestWorld, GoesWhereItsDescriptionSays) {
  EXPECT_EQ(said(), (root() / "run.yaml").string() + "\n");
  const WorldConfig config = read_world_config(FLUXTILE_WORLDS "/midwest.yaml", {});
  EXPECT_EQ(config.output,
            fs::path(FLUXTILE_WORLDS).parent_path().parent_path().string() + "/midwest");
}

TEST_F(MidwestWorld, HasATrainingTableOfEachKind) {
  const SiteYears sites = read_site_years((root() / "training/sites.nc").string());
  EXPECT_EQ(sites.sites.size(), 4U);
  EXPECT_THAT(sites.years, testing::ElementsAre(2001, 2002));
  EXPECT_TRUE(sites.synthetic);
  EXPECT_EQ(sites.daily.count("Ra"), 1U);
  const SiteYears towers = read_site_years((root() / "training/towers.nc").string());
  EXPECT_THAT(towers.regions(), testing::UnorderedElementsAre("Illinois", "Iowa", "Indiana"));
  EXPECT_EQ(towers.sites.size(), 6U);
  std::vector<std::string> labels;
  for (const auto& [name, values] : towers.daily) labels.push_back(name);
  EXPECT_THAT(labels, testing::UnorderedElementsAre("Reco", "NEE"));
  size_t missing = 0;
  for (const float v : towers.daily.at("NEE")) missing += std::isnan(v) ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(missing) / static_cast<double>(towers.daily.at("NEE").size()),
              0.25, 0.1);
  const SiteYears reference = read_site_years((root() / "training/reference.nc").string());
  EXPECT_EQ(reference.years, towers.years);
  EXPECT_EQ(reference.daily.count("Ra"), 1U);
  std::set<std::string> blocks;
  for (const auto& site : towers.sites) blocks.insert(site.block);
  for (const auto& site : reference.sites) EXPECT_EQ(blocks.count(site.block), 0U) << site.name;
}

TEST_F(MidwestWorld, HasTheTruthOfEachState) {
  for (const std::string state : {"Illinois", "Iowa", "Indiana"}) {
    const RasterInfo info =
        read_raster_info((root() / "truth" / (state + "_reco_annual.tif")).string());
    EXPECT_EQ(info.grid.geotransform[1], 60000);
    size_t cells = 0;
    for (const double v : read_window(info, 1, {0, 0, info.grid.width, info.grid.height})) {
      if (std::isnan(v)) continue;
      ++cells;
      EXPECT_GT(v, 300);
      EXPECT_LT(v, 2500);
    }
    EXPECT_GT(cells, 8U) << state;
  }
}

TEST_F(MidwestWorld, ClimateIsThinnedButOnGridmetsLattice) {
  const NetcdfInfo info = read_netcdf_info((root() / "climate/pr_2017.nc").string());
  const SourceGrid& grid = info.variables.front().grid;
  ASSERT_GT(grid.x_axis.size(), 8U);
  EXPECT_NEAR(grid.x_axis[1] - grid.x_axis[0], 1, 1e-9);
  EXPECT_NEAR(grid.y_axis[0] - grid.y_axis[1], 1, 1e-9);
  EXPECT_NEAR(std::remainder(grid.x_axis[0] + 124.7666666333333, 1), 0, 1e-6);
  EXPECT_LT(grid.x_axis.front(), -96.7);
  EXPECT_GT(grid.x_axis.back(), -84.7);
}

// The hand-written configs/midwest.yaml says the same as the run.yaml of the world.
TEST_F(MidwestWorld, IsTheOneThatTheRunConfigurationMaps) {
  const fs::path configs = fs::path(FLUXTILE_WORLDS).parent_path();
  const WorldConfig world = read_world_config(FLUXTILE_WORLDS "/midwest.yaml", {});
  const Config run =
      read_config((configs / "midwest.yaml").string(), {}, {(configs / "recipes").string()});
  EXPECT_EQ(run.lattice.resolution, world.resolution);
  EXPECT_EQ(run.start, (Date{world.first_year, 1, 1}));
  EXPECT_EQ(run.spinup, world.spinup);
  EXPECT_EQ(run.crop.mode == CropConfig::Mode::majority, world.crop_mode == CropMode::majority);
  const Config own =
      read_config((root() / "run.yaml").string(), {}, {(configs / "recipes").string()});
  EXPECT_EQ(own.models.default_name, run.models.default_name);
  EXPECT_EQ(own.models.regions, run.models.regions);
  EXPECT_EQ(fs::path(run.models.directory), fs::path(world.output) / "models");
  EXPECT_EQ(own.soil.size(), run.soil.size());
  EXPECT_EQ(own.products.size(), run.products.size());
}

TEST(TowerPoints, AreOtherPlacesThanTheSites) {
  std::set<std::pair<double, double>> sites;
  for (const SitePoint& p : midwest_points(99, 20)) sites.emplace(p.longitude, p.latitude);
  const std::vector<SitePoint> towers = tower_points(4, 20);
  EXPECT_EQ(towers.size(), 12U);
  std::set<std::string> names;
  for (const SitePoint& p : towers) {
    EXPECT_EQ(sites.count({p.longitude, p.latitude}), 0U);
    names.insert(p.name);
  }
  EXPECT_EQ(names.size(), 12U);
  EXPECT_THROW((void)reference_points(200, tower_points(30, 20), 20), Error);
}

}  // namespace
}  // namespace fluxtile::world
