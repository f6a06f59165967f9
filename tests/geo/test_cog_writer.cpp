// SPDX-License-Identifier: Apache-2.0
#include <gdal.h>
#include <gmock/gmock.h>
#include <ogr_srs_api.h>
#include <sys/resource.h>

#include <csignal>

#include "base/error.h"
#include "product_fixture.h"

namespace fluxtile {
namespace {

class CogWriterTest : public ProductTest {
 protected:
  /// Bands written one after the other in strips of `cut` rows.
  void write(const std::string& name, const ProductGrid& grid, int bands, int64_t cut,
             int threads = 1) const {
    CogWriter writer(path(name), grid, months(bands), "gC m-2 d-1", CogWriter::Type::float32,
                     {{"FLUXTILE_RESULT", "abc"}}, threads);
    for (int band = 1; band <= bands; ++band) {
      const std::vector<float> values = field(grid, band);
      for (int64_t row = 0; row < grid.window.height; row += cut)
        writer.write_strip(band, row, std::min(cut, grid.window.height - row),
                           values.data() + row * grid.window.width);
    }
    writer.finish();
  }
};

/// A dataset that closes itself.
struct Opened {
  GDALDatasetH set;
  explicit Opened(const std::string& path)
      : set((GDALAllRegister(), GDALOpen(path.c_str(), GA_ReadOnly))) {}
  ~Opened() {
    if (set != nullptr) GDALClose(set);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  [[nodiscard]] std::string item(const char* key, int band = 0,
                                 const char* domain = nullptr) const {
    const char* text = GDALGetMetadataItem(
        band == 0 ? static_cast<GDALMajorObjectH>(set) : GDALGetRasterBand(set, band), key, domain);
    return text == nullptr ? "" : text;
  }
};

TEST_F(CogWriterTest, TellsEverythingAReaderNeeds) {
  const ProductGrid grid = albers(600, 530);
  write("p.tif", grid, 2, 64);
  const Opened file(path("p.tif"));
  ASSERT_NE(file.set, nullptr);
  EXPECT_EQ(file.item("LAYOUT", 0, "IMAGE_STRUCTURE"), "COG");
  EXPECT_EQ(file.item("COMPRESSION", 0, "IMAGE_STRUCTURE"), "DEFLATE");
  EXPECT_EQ(file.item("PREDICTOR", 0, "IMAGE_STRUCTURE"), "3");
  EXPECT_EQ(file.item("FLUXTILE_RESULT"), "abc");
  EXPECT_EQ(file.item("TIFFTAG_DATETIME"), "");
  double transform[6];
  ASSERT_EQ(GDALGetGeoTransform(file.set, transform), CE_None);
  EXPECT_THAT(transform, testing::ElementsAre(200000, 250, 0, 2150000, 0, -250));
  EXPECT_STREQ(OSRGetAuthorityCode(GDALGetSpatialRef(file.set), nullptr), "5070");
  GDALRasterBandH band = GDALGetRasterBand(file.set, 2);
  EXPECT_STREQ(GDALGetDescription(band), "2018-02");
  EXPECT_STREQ(GDALGetRasterUnitType(band), "gC m-2 d-1");
  int has_nodata = 0;
  EXPECT_EQ(GDALGetRasterNoDataValue(band, &has_nodata), -9999);
  EXPECT_TRUE(has_nodata);
  int block_width = 0, block_height = 0;
  GDALGetBlockSize(band, &block_width, &block_height);
  EXPECT_EQ(block_width, 256);
  EXPECT_EQ(block_height, 256);
  EXPECT_GE(GDALGetOverviewCount(band), 1);
  EXPECT_THAT(names(), testing::ElementsAre("p.tif"));
}

TEST_F(CogWriterTest, GivesBackTheValues) {
  const ProductGrid grid = albers(300, 70);
  write("p.tif", grid, 2, 17);
  const Opened file(path("p.tif"));
  std::vector<float> read(static_cast<size_t>(grid.window.cells()));
  for (int band = 1; band <= 2; ++band) {
    ASSERT_EQ(GDALRasterIO(GDALGetRasterBand(file.set, band), GF_Read, 0, 0, 300, 70, read.data(),
                           300, 70, GDT_Float32, 0, 0),
              CE_None);
    EXPECT_EQ(read, field(grid, band));
  }
}

TEST_F(CogWriterTest, StatisticsLeaveNodataOut) {
  const ProductGrid grid = albers(4, 2);
  CogWriter writer(path("p.tif"), grid, months(2), "gC m-2", CogWriter::Type::float32, {});
  const std::vector<float> one{1, 2, 3, kNodata, 6, kNodata, kNodata, kNodata};
  const std::vector<float> none(8, kNodata);
  writer.write_strip(1, 0, 2, one.data());
  writer.write_strip(2, 0, 2, none.data());
  writer.finish();
  const Opened file(path("p.tif"));
  EXPECT_EQ(file.item("STATISTICS_MINIMUM", 1), "1");
  EXPECT_EQ(file.item("STATISTICS_MAXIMUM", 1), "6");
  EXPECT_EQ(file.item("STATISTICS_MEAN", 1), "3");
  EXPECT_NEAR(std::stod(file.item("STATISTICS_STDDEV", 1)), std::sqrt(3.5), 1e-15);
  EXPECT_EQ(file.item("STATISTICS_VALID_PERCENT", 1), "50");
  EXPECT_EQ(file.item("STATISTICS_MEAN", 2), "");
  EXPECT_EQ(file.item("STATISTICS_VALID_PERCENT", 2), "0");
}

TEST_F(CogWriterTest, OverviewsAverageValidCells) {
  const ProductGrid grid = albers(512, 512);
  std::vector<float> values(512 * 512, kNodata);
  values[0] = 1;
  values[1] = 3;  // the upper left 2 x 2 block: 1, 3, nodata, nodata
  CogWriter writer(path("p.tif"), grid, months(1), "gC m-2", CogWriter::Type::float32, {});
  writer.write_strip(1, 0, 512, values.data());
  writer.finish();
  const Opened file(path("p.tif"));
  float first = 0;
  GDALRasterBandH overview = GDALGetOverview(GDALGetRasterBand(file.set, 1), 0);
  ASSERT_EQ(GDALRasterIO(overview, GF_Read, 0, 0, 1, 1, &first, 1, 1, GDT_Float32, 0, 0), CE_None);
  EXPECT_EQ(first, 2);
}

TEST_F(CogWriterTest, SameBytesForEveryCutAndAnyThreads) {
  const ProductGrid grid = albers(700, 300);
  write("all.tif", grid, 3, 300);
  const std::string expected = read_file(path("all.tif"));
  for (const int64_t cut : {1, 17, 64, 256}) {
    write("cut.tif", grid, 3, cut);
    EXPECT_EQ(read_file(path("cut.tif")) == expected, true) << cut;
  }
  write("threads.tif", grid, 3, 64, 3);
  EXPECT_EQ(read_file(path("threads.tif")) == expected, true);
}

TEST_F(CogWriterTest, SameBytesWhenBandsTakeTurns) {
  const ProductGrid grid = albers(100, 90);
  write("a.tif", grid, 3, 90);
  CogWriter writer(path("b.tif"), grid, months(3), "gC m-2 d-1", CogWriter::Type::float32,
                   {{"FLUXTILE_RESULT", "abc"}});
  for (int64_t row = 0; row < 90; row += 10)
    for (int band = 3; band >= 1; --band)
      writer.write_strip(band, row, 10, field(grid, band).data() + row * 100);
  writer.finish();
  EXPECT_EQ(read_file(path("a.tif")) == read_file(path("b.tif")), true);
}

TEST_F(CogWriterTest, QualityKeepsCodesInOverviews) {
  const ProductGrid grid = albers(600, 600);
  std::vector<uint16_t> codes(600 * 600);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = i % 3 == 0 ? 5 : i % 3 == 1 ? 1024 : 65535;
  CogWriter writer(path("q.tif"), grid, months(1), "", CogWriter::Type::uint16, {});
  writer.write_strip(1, 0, 600, codes.data());
  writer.finish();
  EXPECT_THAT(writer.codes(), testing::ElementsAre(5, 1024, 65535));
  const Opened file(path("q.tif"));
  EXPECT_EQ(file.item("PREDICTOR", 0, "IMAGE_STRUCTURE"), "2");
  GDALRasterBandH band = GDALGetRasterBand(file.set, 1);
  EXPECT_EQ(GDALGetRasterNoDataValue(band, nullptr), 65535);
  GDALRasterBandH overview = GDALGetOverview(band, 0);
  std::vector<uint16_t> read(300 * 300);
  ASSERT_EQ(
      GDALRasterIO(overview, GF_Read, 0, 0, 300, 300, read.data(), 300, 300, GDT_UInt16, 0, 0),
      CE_None);
  for (const uint16_t code : read) ASSERT_TRUE(code == 5 || code == 1024 || code == 65535) << code;
}

TEST_F(CogWriterTest, NothingRemainsWithoutFinish) {
  const ProductGrid grid = albers(300, 300);
  {
    CogWriter writer(path("p.tif"), grid, months(1), "", CogWriter::Type::float32, {});
    writer.write_strip(1, 0, 300, field(grid, 1).data());
  }
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(CogWriterTest, StopInterruptsAndLeavesNothing) {
  const ProductGrid grid = albers(300, 300);
  {
    CogWriter writer(path("p.tif"), grid, months(1), "", CogWriter::Type::float32, {});
    writer.write_strip(1, 0, 300, field(grid, 1).data());
    Stop::request(SIGTERM);
    try {
      writer.finish();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::interrupted);
    }
  }
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(CogWriterTest, RefusesMissingAndDisorderedRows) {
  const ProductGrid grid = albers(10, 10);
  const std::vector<float> values = field(grid, 1);
  CogWriter writer(path("p.tif"), grid, months(1), "", CogWriter::Type::float32, {});
  writer.write_strip(1, 0, 4, values.data());
  EXPECT_THROW(writer.write_strip(1, 6, 2, values.data()), Error);
  EXPECT_THROW(writer.finish(), Error);
}

TEST_F(CogWriterTest, AFullDiskIsAnIoErrorWithItsCause) {
  // A limit on file sizes stands in for the full disk: the same path through GDAL.
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  const ProductGrid grid = albers(600, 600);
  std::vector<float> noise(600 * 600);
  unsigned state = 1;
  for (float& v : noise) {
    state = state * 1664525U + 1013904223U;
    v = static_cast<float>(state >> 8U);
  }
  struct rlimit small = before;
  small.rlim_cur = 300000;
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  Code code = Code::internal;
  try {
    CogWriter writer(path("p.tif"), grid, months(1), "", CogWriter::Type::float32, {});
    writer.write_strip(1, 0, 600, noise.data());
    writer.finish();
  } catch (const Error& error) {
    message = error.what();
    code = error.code();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(code, Code::io);
  EXPECT_THAT(message, testing::HasSubstr("File too large"));
  EXPECT_THAT(message, testing::HasSubstr("p.tif"));
  EXPECT_THAT(names(), testing::IsEmpty());
}

}  // namespace
}  // namespace fluxtile
