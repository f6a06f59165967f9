// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/map_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "geo/product_writer.h"
#include "geo/raster_source.h"

namespace fluxtile {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

class MapScores : public testing::Test {
 protected:
  MapScores() {
    root_ = fs::path(testing::TempDir()) / ("fluxtile_map_scores_" + std::to_string(getpid()));
    fs::remove_all(root_);
  }
  ~MapScores() override {
    close_thread_datasets();
    fs::remove_all(root_);
  }
  // Draws a map of one row: `first` is its first column on the lattice.
  void draw(const std::string& name, int64_t first, const std::vector<std::string>& steps,
            const std::vector<std::vector<float>>& values, const std::string& unit,
            double resolution = 100) const {
    const ProductGrid grid{{"EPSG:5070", resolution, 0, 0},
                           {first, 7, static_cast<int64_t>(values[0].size()), 1}};
    std::vector<ProductStep> bands;
    for (const std::string& step : steps) bands.push_back({{2018, 1, 1}, {2019, 1, 1}, step});
    CogWriter cog((root_ / name).string(), grid, bands, unit, CogWriter::Type::float32, {});
    for (size_t b = 0; b < values.size(); ++b)
      cog.write_strip(static_cast<int>(b) + 1, 0, 1, values[b].data());
    cog.finish();
  }
  [[nodiscard]] std::vector<MapScore> compare() const {
    return map_scores((root_ / "out").string(), "run", (root_ / "truth").string());
  }
  [[nodiscard]] std::string refusal() const {
    try {
      (void)compare();
    } catch (const Error& error) {
      return error.what();
    }
    return "not refused";
  }
  fs::path root_;
};

constexpr float kNone = kNodata;

TEST_F(MapScores, CellsMeetByPlaceAndBandsByStep) {
  draw("truth/Iowa_reco_annual.tif", 10, {"2017", "2018"}, {{1, 2, 3, kNone}, {4, 6, 8, 10}},
       "gC m-2");
  // One column further to the right, years the other way round and one that has no truth.
  draw("out/run_Iowa_reco_annual.tif", 11, {"2018", "2016", "2017"},
       {{7, 8, kNone, 99}, {0, 0, 0, 0}, {2, 5, 5, 99}}, "gC m-2");
  const auto rows = compare();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].region, "Iowa");
  EXPECT_EQ(rows[0].variable, "reco");
  EXPECT_EQ(rows[0].period, "annual");
  // Pairs (map, truth): (2, 2), (5, 3), (7, 6), (8, 8).
  EXPECT_EQ(rows[0].scores.pairs, 4U);
  EXPECT_NEAR(rows[0].scores.rmse, std::sqrt(5.0 / 4), 1e-12);
  EXPECT_NEAR(rows[0].scores.bias, 3.0 / 4, 1e-12);
  const double mean = 19.0 / 4, variance = (4 + 9 + 36 + 64) / 4.0 - mean * mean;
  EXPECT_NEAR(rows[0].scores.nse, 1 - 5.0 / 4 / variance, 1e-12);
}

TEST_F(MapScores, OrderAndAllRegionsTogether) {
  for (const std::string region : {"Iowa", "Illinois"}) {
    const float shift = region == "Iowa" ? 1 : -1;
    draw("truth/" + region + "_nee_annual.tif", 0, {"2018"}, {{1, 2, 3}}, "gC m-2");
    draw("out/run_" + region + "_nee_annual.tif", 0, {"2018"}, {{1 + shift, 2 + shift, 3 + shift}},
         "gC m-2");
    draw("truth/" + region + "_ra_monthly_2018.tif", 0, {"2018-01", "2018-02"},
         {{1, 2, 3}, {4, 5, 6}}, "gC m-2 d-1");
    draw("out/run_" + region + "_ra_monthly_2018.tif", 0, {"2018-01", "2018-02"},
         {{1, 2, 3}, {4, 5, 6}}, "gC m-2 d-1");
  }
  draw("truth/Iowa_gpp_annual.tif", 0, {"2018"}, {{1, 2, 3}}, "gC m-2");  // not in the run
  const auto rows = compare();
  std::vector<std::string> names;
  for (const MapScore& row : rows) names.push_back(row.period + row.variable + row.region);
  EXPECT_THAT(names, testing::ElementsAre("annualneeIllinois", "annualneeIowa", "annualneeall",
                                          "monthlyraIllinois", "monthlyraIowa", "monthlyraall"));
  EXPECT_EQ(rows[0].scores.bias, -1);
  EXPECT_EQ(rows[2].scores.bias, 0);
  EXPECT_EQ(rows[2].scores.rmse, 1);
  EXPECT_EQ(rows[5].scores.pairs, 12U);
  EXPECT_EQ(rows[5].scores.rmse, 0);
  EXPECT_EQ(rows[5].scores.r2, 1);
}

TEST_F(MapScores, RefusesWhatCannotBeCompared) {
  draw("truth/Iowa_nee_annual.tif", 0, {"2018"}, {{1, 2, 3}}, "gC m-2");
  draw("out/run_Ohio_nee_annual.tif", 0, {"2018"}, {{1, 2, 3}}, "gC m-2");
  EXPECT_THAT(refusal(), HasSubstr("no map of the run"));
  draw("out/run_Iowa_nee_annual.tif", 0, {"2018"}, {{1, 2, 3}}, "gC m-2 d-1");
  EXPECT_THAT(refusal(), HasSubstr("units"));
  fs::remove(root_ / "out/run_Iowa_nee_annual.tif");
  close_thread_datasets();
  draw("out/run_Iowa_nee_annual.tif", 0, {"2018"}, {{1, 2, 3}}, "gC m-2", 50);
  EXPECT_THAT(refusal(), HasSubstr("cell sizes"));
}

}  // namespace
}  // namespace fluxtile
