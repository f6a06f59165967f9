// SPDX-License-Identifier: Apache-2.0
// True fluxes of synthetic worlds: rasters that close, and values that delta-carbon gives by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "geo/calendar.h"
#include "geo/raster_source.h"
#include "geo/region.h"
#include "pipeline/verbs.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/true_model.h"
#include "pipeline/world/true_parameters.h"
#include "pipeline/world/truth.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

WorldConfig small_config() {
  WorldConfig config;
  config.seed = 7;
  config.size_km = 4;
  config.first_year = 2018;
  config.spinup = 1;
  config.heterogeneity = Heterogeneity::large_jump;
  return config;
}

// All cells of a window about the middle of the world, whatever region they lie in.
std::vector<CellIndex> cells_about(const World& world, int64_t reach) {
  const Lattice lattice = model_lattice(world.config);
  const Point middle = {(world.box.x0 + world.box.x1) / 2, (world.box.y0 + world.box.y1) / 2};
  const CellWindow at = lattice.covering(middle, middle);
  std::vector<CellIndex> cells;
  for (int64_t row = at.row - reach; row <= at.row + reach; ++row) {
    for (int64_t column = at.column - reach; column <= at.column + reach; ++column)
      cells.push_back({column, row});
  }
  return cells;
}

double sum_of(const Truth& truth, int year, size_t variable, size_t cell) {
  double sum = 0;
  for (size_t month = 0; month < 12; ++month)
    sum += truth.years.at(year).sums[(variable * 12 + month) * truth.cells.size() + cell];
  return sum;
}

// One cell, put together from the pieces of the world and stepped through with delta-carbon.
TEST(Truth, IsWhatDeltaCarbonGivesByHand) {
  const World world(small_config());
  const Truth truth = simulate_truth(world, truth_weather(world), "East", cells_about(world, 3));
  ASSERT_GT(truth.cells.size(), 10U);
  const size_t k = truth.cells.size() / 2;
  const Point centre = model_lattice(world.config).centre(truth.cells[k]);
  Point place = centre;
  world.geographic_to_grid.inverse(&place.x, &place.y, 1);
  const Weather::Place at = world.weather.place(place.x, place.y);
  const SoilProperties soil = world.soil.at(centre.x, centre.y);
  // The crop cell that holds the centre: edges at 15 modulo 30.
  const double x = std::floor((centre.x - 15) / 30 + 1e-9) * 30 + 30;
  const double y = std::ceil((centre.y - 15) / 30 - 1e-9) * 30;

  const auto forcing_of = [&](int year) {
    delta_carbon::Forcing forcing;
    forcing.pixels = 1;
    forcing.days = static_cast<size_t>(days_in_year(year));
    std::vector<GrowingDay> growing;
    for (int d = 0; d < days_in_year(year); ++d) {
      const DayWeather w = world.weather.at(at, world.weather.day(to_days({year, 1, 1}) + d, d));
      forcing.tmax.push_back(static_cast<float>(w.tmax - 273.15));
      forcing.tmin.push_back(static_cast<float>(w.tmin - 273.15));
      forcing.radiation.push_back(static_cast<float>(w.radiation * 0.0864));
      forcing.rain.push_back(static_cast<float>(w.rain));
      growing.push_back(growing_day(w));
    }
    const Site site = world.landscape.at(x, y, year);
    forcing.crop = {static_cast<float>(site.code)};
    forcing.gpp = gpp_of_year(site, growing_climate(at.climate), available_water(soil), growing);
    return forcing;
  };
  const delta_carbon::ParameterSet parameters =
      parameter_set(TrueParameters(Random(7), Heterogeneity::large_jump),
                    {{"Illinois", climate_at(place.x, place.y), soil}});
  const delta_carbon::SoilColumn column = soil_column({soil}, {place.y});
  // The soil map is of the start of 2008: from there on the years are run.
  delta_carbon::State state = delta_carbon::equilibrium(
      parameters, column, {forcing_of(2008), forcing_of(2009), forcing_of(2010), forcing_of(2011)});
  for (int year = 2008; year < 2018; ++year)
    delta_carbon::run(parameters, column, forcing_of(year), state);
  const delta_carbon::Forcing forcing = forcing_of(2018);
  const delta_carbon::Fluxes fluxes = delta_carbon::run(parameters, column, forcing, state);

  const std::vector<const std::vector<float>*> daily = {&fluxes.ra,  &fluxes.rh,   &fluxes.reco,
                                                        &fluxes.nee, &forcing.gpp, &fluxes.yield};
  for (size_t v = 0; v < daily.size(); ++v) {
    double sum = 0, july = 0;
    for (size_t d = 0; d < 365; ++d) {
      sum += double{(*daily[v])[d]};
      if (d >= 181 && d < 212) july += double{(*daily[v])[d]};
    }
    EXPECT_NEAR(sum_of(truth, 2018, v, k), sum, 1e-9 * std::abs(sum)) << TruthYear::variables[v];
    EXPECT_NEAR(truth.years.at(2018).sums[(v * 12 + 6) * truth.cells.size() + k], july,
                1e-9 * std::abs(july) + 1e-12);
  }
  EXPECT_GT(sum_of(truth, 2018, 1, k), 100) << "Rh of a year";
}

TEST(Truth, OfACellDoesNotDependOnTheWorldsSizeItsNeighboursOrThePeriodsEnd) {
  const World small(small_config());
  WorldConfig config = small_config();
  config.size_km = 9;
  config.years = 2;
  const World large(config);
  const std::vector<CellIndex> cells = cells_about(small, 2);
  std::vector<CellIndex> other(cells.rbegin(), cells.rend());
  const std::vector<CellIndex> far = cells_about(large, 9);
  other.insert(other.begin(), far.begin(), far.begin() + 37);
  const Truth a = simulate_truth(small, truth_weather(small), "South", cells);
  const Truth b = simulate_truth(large, truth_weather(large), "South", other);
  size_t compared = 0;
  for (size_t i = 0; i < a.cells.size(); ++i) {
    for (size_t j = 0; j < b.cells.size(); ++j) {
      if (!(a.cells[i] == b.cells[j])) continue;
      for (size_t v = 0; v < 6; ++v) EXPECT_EQ(sum_of(a, 2018, v, i), sum_of(b, 2018, v, j));
      ++compared;
    }
  }
  EXPECT_GT(compared, 10U);
}

TEST(Truth, DiffersBetweenRegionsWhereTheirParametersJumpAlone) {
  for (const Heterogeneity kind : {Heterogeneity::none, Heterogeneity::large_jump}) {
    WorldConfig config = small_config();
    config.heterogeneity = kind;
    const World world(config);
    const TruthWeather weather = truth_weather(world);
    const std::vector<CellIndex> cells = cells_about(world, 1);
    const Truth north = simulate_truth(world, weather, "North", cells);
    const Truth south = simulate_truth(world, weather, "South", cells);
    ASSERT_FALSE(north.cells.empty());
    const double difference = std::abs(sum_of(north, 2018, 2, 0) / sum_of(south, 2018, 2, 0) - 1);
    if (kind == Heterogeneity::none) {
      EXPECT_EQ(difference, 0);
    } else {
      EXPECT_GT(difference, 0.02);
    }
  }
}

TEST(CropOfCells, MajorityIsTheLargestShareAndNearestTheMiddle) {
  WorldConfig config = small_config();
  config.crop_cell = 50;
  const Lattice lattice = model_lattice(config);
  config.crop_mode = CropMode::majority;
  const World majority(config);
  config.crop_mode = CropMode::nearest;
  const World nearest(config);
  const std::vector<CellIndex> cells = cells_about(majority, 6);
  const auto large = CropOfCells(majority, lattice, cells).in(2018);
  const auto middle = CropOfCells(nearest, lattice, cells).in(2018);
  size_t differ = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    // 250 m cells hold 25 whole crop cells, whose edges lie at 25 modulo 50: six a side are met,
    // the outer ones by half.
    const Point corner = lattice.corner(cells[i]);
    double corn_share = 0, soybean_share = 0;
    for (int r = 0; r < 6; ++r) {
      for (int c = 0; c < 6; ++c) {
        const double share = (c % 5 == 0 ? 0.5 : 1) * (r % 5 == 0 ? 0.5 : 1) / 25;
        const int code = majority.landscape.at(corner.x + 50 * c, corner.y - 50 * r, 2018).code;
        corn_share += code == corn ? share : 0;
        soybean_share += code == soybeans ? share : 0;
      }
    }
    if (std::abs(corn_share + soybean_share - 0.5) < 1e-6 ||
        std::abs(corn_share - soybean_share) < 1e-6)
      continue;
    ASSERT_EQ(large[i].has_value(), corn_share + soybean_share > 0.5) << i;
    if (large[i]) {
      EXPECT_EQ(large[i]->code, corn_share > soybean_share ? corn : soybeans) << i;
    }
    if (large[i].has_value() != middle[i].has_value() ||
        (large[i] && middle[i]->code != large[i]->code))
      ++differ;
  }
  EXPECT_GT(differ, 0U) << "no mixed cell: the comparison shows nothing";
}

class TruthMaps : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root() = fs::path(testing::TempDir()) / ("fluxtile_truth_" + std::to_string(getpid()));
    fs::remove_all(root());
    std::ostringstream out;
    simulate_verb(FLUXTILE_WORLDS "/test.yaml", {}, root().string(), out);
  }
  static void TearDownTestSuite() {
    close_thread_datasets();
    fs::remove_all(root());
  }
  static fs::path& root() {
    static fs::path path;
    return path;
  }
  static std::vector<double> band(const std::string& name, int band) {
    const RasterInfo info = read_raster_info((root() / "truth" / (name + ".tif")).string());
    return read_window(info, band, {0, 0, info.grid.width, info.grid.height});
  }
};

TEST_F(TruthMaps, Close) {
  for (const std::string region : {"North", "East", "South"}) {
    for (int b = 1; b <= 13; ++b) {
      const auto map = [&](const std::string& variable) {
        return b == 13 ? band(region + "_" + variable + "_annual", 1)
                       : band(region + "_" + variable + "_monthly_2018", b);
      };
      const auto ra = map("ra"), rh = map("rh"), reco = map("reco"), nee = map("nee"),
                 gpp = map("gpp");
      size_t cells = 0;
      for (size_t i = 0; i < ra.size(); ++i) {
        ASSERT_EQ(std::isnan(ra[i]), std::isnan(nee[i]));
        if (std::isnan(ra[i])) continue;
        ++cells;
        const double tolerance = 1e-6 * (std::abs(gpp[i]) + reco[i]);
        EXPECT_NEAR(reco[i], ra[i] + rh[i], tolerance) << region << b;
        EXPECT_NEAR(nee[i], reco[i] - gpp[i], tolerance) << region << b;
      }
      EXPECT_GT(cells, 10U);
    }
  }
}

TEST_F(TruthMaps, MonthsMakeTheYear) {
  const auto annual = band("East_nee_annual", 1);
  std::vector<double> sum(annual.size());
  for (int month = 1; month <= 12; ++month) {
    const auto mean = band("East_nee_monthly_2018", month);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += mean[i] * days_in_month(2018, month);
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    if (std::isnan(annual[i])) continue;
    EXPECT_NEAR(annual[i], sum[i], 1e-3);
  }
}

TEST_F(TruthMaps, AreOnTheRunsGridAndNamed) {
  const RasterInfo info = read_raster_info((root() / "truth/North_reco_monthly_2018.tif").string());
  EXPECT_EQ(info.grid.geotransform[1], 250);
  EXPECT_EQ(std::fmod(info.grid.geotransform[0], 250), 0);
  ASSERT_EQ(info.bands.size(), 12U);
  EXPECT_EQ(info.bands[6].description, "2018-07");
  EXPECT_EQ(info.bands[6].unit, "gC m-2 d-1");
  EXPECT_EQ(info.bands[0].nodata, -9999);
  EXPECT_EQ(info.metadata.at("FLUXTILE_SYNTHETIC"), "YES");
  const RasterInfo annual = read_raster_info((root() / "truth/North_yield_annual.tif").string());
  EXPECT_EQ(annual.bands[0].description, "2018");
  EXPECT_EQ(annual.bands[0].unit, "gC m-2");
  const auto yield = band("North_yield_annual", 1);
  double most = 0;
  for (const double v : yield) most = std::isnan(v) ? most : std::max(most, v);
  EXPECT_GT(most, 150);
  EXPECT_LT(most, 900);
}

TEST(TrueModel, SettlesFromTheSoilSurveyOn) {
  EXPECT_EQ(first_settling_year(2018), 2008);
  EXPECT_EQ(first_settling_year(2012), 2008);
  EXPECT_EQ(first_settling_year(2011), 2007);
  EXPECT_EQ(first_settling_year(2001), 1997);
}

}  // namespace
}  // namespace fluxtile::world
