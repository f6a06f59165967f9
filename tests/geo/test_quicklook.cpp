// SPDX-License-Identifier: Apache-2.0
#include <gdal.h>
#include <gmock/gmock.h>

#include "product_fixture.h"

namespace fluxtile {
namespace {

class QuicklookTest : public ProductTest {
 protected:
  struct Picture {
    int width = 0, height = 0;
    std::vector<uint8_t> rgb[3];
    [[nodiscard]] int count(int red, int green, int blue) const {
      int n = 0;
      for (size_t i = 0; i < rgb[0].size(); ++i)
        n += rgb[0][i] == red && rgb[1][i] == green && rgb[2][i] == blue ? 1 : 0;
      return n;
    }
  };
  static Picture read(const std::string& path) {
    GDALAllRegister();
    GDALDatasetH set = GDALOpen(path.c_str(), GA_ReadOnly);
    Picture picture;
    if (set == nullptr) return picture;
    picture.width = GDALGetRasterXSize(set);
    picture.height = GDALGetRasterYSize(set);
    for (int band = 0; band < 3; ++band) {
      picture.rgb[band].resize(static_cast<size_t>(picture.width) *
                               static_cast<size_t>(picture.height));
      EXPECT_EQ(GDALRasterIO(GDALGetRasterBand(set, band + 1), GF_Read, 0, 0, picture.width,
                             picture.height, picture.rgb[band].data(), picture.width,
                             picture.height, GDT_Byte, 0, 0),
                CE_None);
    }
    GDALClose(set);
    return picture;
  }
};

TEST_F(QuicklookTest, SmallRasterIsMagnifiedCellByCell) {
  const ProductGrid grid = albers(20, 20);
  std::vector<float> values(400, kNodata);
  values[0] = 0;
  values[399] = 1;
  QuicklookWriter writer(grid);
  writer.add_strip(0, 20, values.data());
  writer.finish(path("p.png"), {"Reco", "", "gC m-2", 0, 1, false, {}});
  const Picture picture = read(path("p.png"));
  ASSERT_GT(picture.width, 640);
  // One cell is 32 x 32 pixels in its end of the ramp; the legend may add a few.
  EXPECT_NEAR(picture.count(255, 244, 202), 32 * 32, 40);
  EXPECT_NEAR(picture.count(22, 46, 86), 32 * 32, 40);
  EXPECT_GT(picture.count(214, 218, 223), 390 * 32 * 32);
}

TEST_F(QuicklookTest, LargeRasterIsAveragedDown) {
  const ProductGrid grid = albers(3000, 1000);
  std::vector<float> row(3000);
  QuicklookWriter writer(grid, 300);
  for (int64_t r = 0; r < 1000; ++r) {
    for (size_t c = 0; c < row.size(); ++c) row[c] = c < 1500 ? 2 : c % 2 == 0 ? 4 : 6;
    writer.add_strip(r, 1, row.data());
  }
  EXPECT_EQ(writer.range(), (std::pair<double, double>(2, 5)));
  writer.finish(path("p.png"), {"Reco", "sub", "gC m-2", 2, 5, false, {}});
  const Picture picture = read(path("p.png"));
  // Magnified twice from 300 x 100 pixels; each half has one colour.
  EXPECT_LT(picture.width, 900);
  EXPECT_GT(picture.count(255, 244, 202), 299 * 200);
  EXPECT_GT(picture.count(22, 46, 86), 299 * 200);
}

TEST_F(QuicklookTest, OutlineIsDrawnWhereItBelongs) {
  const ProductGrid grid = albers(100, 100);
  const std::vector<float> values(10000, 0);
  const auto draw = [&](const std::string& name, std::vector<std::vector<Point>> outlines) {
    QuicklookWriter writer(grid);
    writer.add_strip(0, 100, values.data());
    writer.finish(path(name), {"", "", "", 0, 1, false, std::move(outlines)});
    return read(path(name));
  };
  const Picture without = draw("a.png", {});
  // A square from cell 25 to cell 75.
  const double x = 200000 + 25 * 250, y = 2150000 - 25 * 250, side = 50 * 250;
  const Picture with =
      draw("b.png", {{{x, y}, {x + side, y}, {x + side, y - side}, {x, y - side}, {x, y}}});
  int changed = 0, left = with.width, right = 0;
  for (int r = 0; r < with.height; ++r)
    for (int c = 0; c < with.width; ++c) {
      const auto i = static_cast<size_t>(r * with.width + c);
      if (with.rgb[0][i] == without.rgb[0][i] && with.rgb[2][i] == without.rgb[2][i]) continue;
      ++changed;
      left = std::min(left, c);
      right = std::max(right, c);
    }
  // Six pixels a cell, margin 24.
  EXPECT_NEAR(left, 24 + 150, 3);
  EXPECT_NEAR(right, 24 + 450, 3);
  EXPECT_GT(changed, 4 * 300);
  EXPECT_LT(changed, 4 * 300 * 5);
}

TEST_F(QuicklookTest, EmptyAndConstantRastersStillDraw) {
  const ProductGrid grid = albers(7, 5);
  QuicklookWriter empty(grid);
  EXPECT_EQ(empty.range(), (std::pair<double, double>(0, 1)));
  empty.finish(path("e.png"), {"Nothing", "", "gC m-2", 0, 1, true, {}});
  EXPECT_GT(read(path("e.png")).width, 100);
  QuicklookWriter constant(grid);
  const std::vector<float> values(35, 3);
  constant.add_strip(0, 5, values.data());
  constant.finish(path("c.png"), {"Three", "", "gC m-2", 3, 3, false, {}});
  EXPECT_GT(read(path("c.png")).width, 100);
}

}  // namespace
}  // namespace fluxtile

/// fontconfig keeps its font tables until the process ends.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }
