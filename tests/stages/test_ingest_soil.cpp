// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_soil.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tests/stages/drawn_inputs.h"

namespace fluxtile {
namespace {

using Mode = CropSource::Mode;

class IngestSoilTest : public StageTest {
 protected:
  IngestSoilTest() {
    sources_->operations.push_back({});
    sources_->crop.codes = {{1, 1}, {5, 5}};
  }

  void soil(const std::string& input, const DrawnRaster& raster, UnitConversion conversion = {}) {
    StaticSource source;
    source.input = input;
    source.layer.path = draw(input + ".tif", raster);
    source.conversion = conversion;
    sources_->statics.push_back(source);
  }
  void crop(int year, DrawnRaster raster) {
    raster.type = GDT_Byte;
    raster.nodata = 0.0;
    CropYear source;
    source.year = year;
    source.layer.path = draw("crop" + std::to_string(++drawn_) + ".tif", raster);
    sources_->crop.years.push_back(source);
  }
  [[nodiscard]] TileStatics open(const CellWindow& window = {0, 0, 4, 4}) const {
    const IngestSoil ingest(metres(), sources_, {region_}, std::make_shared<LayerReader>());
    return ingest({0, window, window.cells()});
  }
  /// Crop map of 5 m cells under the one 10 m target cell: four quarters.
  [[nodiscard]] float quarters(double a, double b, double c, double d) {
    sources_->crop.years.clear();
    crop(2018, {2, 2, {a, b, c, d}, 0, 0, 5});
    const TileStatics tile = open({0, 0, 1, 1});
    return tile.cells.empty() ? -1 : tile.crop(2018).type.at(0);
  }

  int drawn_ = 0;
  RegionShape region_ = box(-1e6, -1e6, 1e6, 1e6);
  std::shared_ptr<Sources> sources_ = std::make_shared<Sources>();
};

TEST_F(IngestSoilTest, CellsInsideTheRegionRowByRow) {
  region_ = box(10, -40, 30, -10);  // columns 1 and 2, rows 1 to 3
  crop(2018, {4, 4, std::vector<double>(16, 5)});
  const TileStatics tile = open();
  EXPECT_EQ(tile.cells, (std::vector<CellIndex>{{1, 1}, {2, 1}, {1, 2}, {2, 2}, {1, 3}, {2, 3}}));
  EXPECT_EQ(tile.inside, 6);
  EXPECT_EQ(tile.crop(2018).type, std::vector<float>(6, 5));
  EXPECT_THROW((void)tile.crop(2017), Error);
}

TEST_F(IngestSoilTest, ATileOutsideTheRegionIsEmpty) {
  region_ = box(1000, -1040, 1030, -1010);
  crop(2018, {4, 4, std::vector<double>(16, 5)});
  const TileStatics tile = open();
  EXPECT_TRUE(tile.cells.empty());
  EXPECT_EQ(tile.inside, 0);
}

TEST_F(IngestSoilTest, SoilIsInterpolatedAndConverted) {
  crop(2018, {4, 4, std::vector<double>(16, 1)});
  soil("TBKDS", {2, 1, {1, 3}}, {1000, 5});
  soil("TSAND", {2, 1, {7, 9}});
  const TileStatics tile = open({0, 0, 2, 1});
  EXPECT_EQ(tile.static_names, (std::vector<std::string>{"TBKDS", "TSAND"}));
  EXPECT_EQ(tile.statics, (std::vector<float>{1005, 7, 3005, 9}));
}

TEST_F(IngestSoilTest, ACellThatLacksAStaticIsNotModelled) {
  crop(2018, {4, 1, {1, 5, 1, 5}});
  soil("TBKDS", {4, 1, {1, -9999, 3, 4}});
  soil("TSAND", {4, 1, {5, 6, 7, -9999}});
  sources_->statics[0].resample = sources_->statics[1].resample = Resampling::nearest;
  const TileStatics tile = open({0, 0, 4, 1});
  EXPECT_EQ(tile.cells, (std::vector<CellIndex>{{0, 0}, {2, 0}}));
  EXPECT_EQ(tile.statics, (std::vector<float>{1, 5, 3, 7}));
  EXPECT_EQ(tile.crop(2018).type, (std::vector<float>{1, 1}));
  EXPECT_EQ(tile.without_static, 2);
  EXPECT_EQ(tile.without_crop, 0);
}

TEST_F(IngestSoilTest, CodesThatAreNotMappedAreNotModelled) {
  crop(2018, {4, 1, {1, 5, 24, 0}});
  const TileStatics tile = open({0, 0, 4, 1});
  EXPECT_EQ(tile.cells, (std::vector<CellIndex>{{0, 0}, {1, 0}}));
  EXPECT_EQ(tile.without_crop, 2);
}

TEST_F(IngestSoilTest, ACellThatIsCropInSomeYearStaysWithNanInTheOthers) {
  crop(2017, {3, 1, {1, 24, 24}});
  crop(2018, {3, 1, {24, 5, 24}});
  const TileStatics tile = open({0, 0, 3, 1});
  ASSERT_EQ(tile.cells, (std::vector<CellIndex>{{0, 0}, {1, 0}}));
  EXPECT_EQ(tile.crop(2017).type[0], 1);
  EXPECT_TRUE(std::isnan(tile.crop(2017).type[1]));
  EXPECT_TRUE(std::isnan(tile.crop(2018).type[0]));
  EXPECT_EQ(tile.crop(2018).type[1], 5);
}

TEST_F(IngestSoilTest, MajorityTakesTheLargestShareAndTheSmallerCodeOnATie) {
  sources_->crop.mode = Mode::majority;
  sources_->crop.min_share = 0.5;
  EXPECT_EQ(quarters(5, 5, 5, 1), 5);
  EXPECT_EQ(quarters(5, 1, 24, 24), 1);
  EXPECT_EQ(quarters(5, 5, 1, 1), 1);
  EXPECT_EQ(quarters(5, 24, 24, 24), -1);  // a quarter of mapped codes
  EXPECT_EQ(quarters(24, 24, 24, 24), -1);
}

TEST_F(IngestSoilTest, MinShareCountsAllMappedCodesTogether) {
  sources_->crop.mode = Mode::majority;
  sources_->crop.min_share = 0.75;
  EXPECT_EQ(quarters(5, 5, 1, 24), 5);
  EXPECT_EQ(quarters(5, 5, 24, 24), -1);
  sources_->crop.min_share = 0;
  EXPECT_EQ(quarters(24, 24, 24, 5), 5);
  EXPECT_EQ(quarters(24, 24, 24, 24), -1);
}

TEST_F(IngestSoilTest, NearestTakesTheCellThatContainsTheCentre) {
  sources_->crop.mode = Mode::nearest;
  EXPECT_EQ(quarters(24, 24, 24, 5), 5);  // on the corner: right and below
  EXPECT_EQ(quarters(5, 5, 5, 24), -1);
}

TEST_F(IngestSoilTest, FractionGivesTheShareOfEveryCropType) {
  sources_->crop.mode = Mode::fraction;
  sources_->crop.codes = {{1, 1}, {5, 5}, {12, 1}};  // sweet corn is corn
  crop(2018, {4, 2, {1, 12, 24, 24, 5, 24, 24, 24}, 0, 0, 5});
  const TileStatics tile = open({0, 0, 2, 1});
  ASSERT_EQ(tile.cells, (std::vector<CellIndex>{{0, 0}}));
  EXPECT_TRUE(tile.crop(2018).type.empty());
  ASSERT_EQ(tile.crop(2018).share.size(), 2U);
  EXPECT_FLOAT_EQ(tile.crop(2018).share[0], 0.5F);
  EXPECT_FLOAT_EQ(tile.crop(2018).share[1], 0.25F);
  EXPECT_EQ(tile.without_crop, 1);
  sources_->crop.min_share = 0.8;
  EXPECT_TRUE(open({0, 0, 2, 1}).cells.empty());
}

TEST_F(IngestSoilTest, ACellDoesNotKnowItsTile) {
  std::vector<double> codes, values;
  for (int k = 0; k < 60 * 60; ++k) {
    codes.push_back((k * 2654435761U >> 8) % 3 == 0 ? 1 : (k / 5) % 2 == 0 ? 5 : 24);
    values.push_back(k % 11 == 0 ? -9999 : std::cos(k) * 5);
  }
  crop(2018, {60, 60, codes, -21.3, 17.9, 7.7});
  soil("TBKDS", {60, 60, values, -21.3, 17.9, 7.7});
  for (const Mode mode : {Mode::majority, Mode::nearest, Mode::fraction}) {
    sources_->crop.mode = mode;
    sources_->crop.min_share = 0.4;
    const CellWindow window{0, 0, 24, 24};
    const TileStatics whole = open(window);
    ASSERT_GT(whole.cells.size(), 50U);
    ASSERT_LT(whole.cells.size(), 24U * 24U);
    size_t i = 0;
    for (int64_t r = 0; r < 24; ++r)
      for (int64_t c = 0; c < 24; ++c) {
        const bool there = i < whole.cells.size() && whole.cells[i] == CellIndex{c, r};
        if ((r * 24 + c) % 13 == 0) {
          const TileStatics alone = open({c, r, 1, 1});
          ASSERT_EQ(!alone.cells.empty(), there) << c << " " << r;
          if (there) {
            EXPECT_EQ(std::memcmp(&alone.statics[0], &whole.statics[i], sizeof(float)), 0);
            const auto &a = alone.crop(2018), &b = whole.crop(2018);
            ASSERT_EQ(a.type.empty(), b.type.empty());
            for (size_t k = 0; k < a.type.size(); ++k) EXPECT_EQ(a.type[k], b.type[i]);
            for (size_t k = 0; k < a.share.size(); ++k)
              EXPECT_EQ(a.share[k], b.share[k * whole.cells.size() + i]);
          }
        }
        if (there) ++i;
      }
  }
}

}  // namespace
}  // namespace fluxtile
