// SPDX-License-Identifier: Apache-2.0
#include "geo/raster_source.h"

#include <gdal_priv.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/error.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class RasterFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("fluxtile-raster-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    close_thread_datasets();
    std::filesystem::remove_all(folder_);
  }

  struct Drawn {
    int width = 3, height = 2;
    GDALDataType type = GDT_Float32;
    std::vector<double> values = {1, 2, 3, 4, 5, 6};
    std::optional<double> nodata;
    double scale = 1, offset = 0;
    std::string crs = "EPSG:5070", valid_range;
    std::array<double, 6> geotransform = {1000, 10, 0, 2000, 0, -10};
    const char* driver = "GTiff";
  };

  std::string draw(const Drawn& drawn, const std::string& name = "drawn.tif") {
    std::string path = (folder_ / name).string();
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(drawn.driver);
    const int bands = static_cast<int>(drawn.values.size()) / drawn.width / drawn.height;
    GDALDataset* dataset =
        driver->Create(path.c_str(), drawn.width, drawn.height, bands, drawn.type, nullptr);
    auto gt = drawn.geotransform;
    EXPECT_EQ(dataset->SetGeoTransform(gt.data()), CE_None);
    if (!drawn.crs.empty()) {
      OGRSpatialReference reference;
      reference.SetFromUserInput(drawn.crs.c_str());
      dataset->SetSpatialRef(&reference);
    }
    for (int b = 1; b <= bands; ++b) {
      GDALRasterBand* band = dataset->GetRasterBand(b);
      if (drawn.nodata) band->SetNoDataValue(*drawn.nodata);
      if (drawn.scale != 1) band->SetScale(drawn.scale);
      if (drawn.offset != 0) band->SetOffset(drawn.offset);
      if (!drawn.valid_range.empty())
        band->SetMetadataItem("valid_range", drawn.valid_range.c_str());
      std::vector<double> values(drawn.values.begin() + (b - 1) * drawn.width * drawn.height,
                                 drawn.values.begin() + b * drawn.width * drawn.height);
      EXPECT_EQ(band->RasterIO(GF_Write, 0, 0, drawn.width, drawn.height, values.data(),
                               drawn.width, drawn.height, GDT_Float64, 0, 0, nullptr),
                CE_None);
    }
    GDALClose(dataset);
    return path;
  }

  static std::vector<double> whole(const RasterInfo& info, int band = 1) {
    return read_window(info, band, {0, 0, info.grid.width, info.grid.height});
  }

  std::filesystem::path folder_;
};

/// Numbers with NaN equal to NaN.
MATCHER_P(Numbers, expected, "") {
  if (arg.size() != expected.size()) return false;
  for (size_t i = 0; i < arg.size(); ++i)
    if (!(arg[i] == expected[i] || (std::isnan(arg[i]) && std::isnan(expected[i])))) return false;
  return true;
}
using List = std::vector<double>;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST_F(RasterFile, InfoTellsPlacementAndBands) {
  Drawn drawn;
  drawn.values.resize(12, 7);
  drawn.nodata = -9999;
  drawn.scale = 0.5;
  drawn.offset = 3;
  const RasterInfo info = read_raster_info(draw(drawn));
  EXPECT_EQ(info.driver, "GTiff");
  EXPECT_EQ(info.grid.width, 3);
  EXPECT_EQ(info.grid.height, 2);
  EXPECT_EQ(info.grid.geotransform[0], 1000);
  EXPECT_EQ(info.grid.geotransform[5], -10);
  EXPECT_EQ(info.grid.crs.name(), "EPSG:5070 NAD83 / Conus Albers");
  EXPECT_FALSE(info.grid.wraps);
  ASSERT_EQ(info.bands.size(), 2U);
  EXPECT_EQ(info.bands[1].band, 2);
  EXPECT_EQ(info.bands[1].type, "Float32");
  EXPECT_EQ(info.bands[1].nodata, -9999);
  EXPECT_EQ(info.bands[1].scale, 0.5);
  EXPECT_EQ(info.bands[1].offset, 3);
  EXPECT_EQ(info.block_width, 3);
}

TEST_F(RasterFile, GeographicRastersWrap) {
  Drawn drawn;
  drawn.crs = "EPSG:4326";
  drawn.geotransform = {-100, 0.1, 0, 45, 0, -0.1};
  EXPECT_TRUE(read_raster_info(draw(drawn)).grid.wraps);
}

TEST_F(RasterFile, WithoutACrsTheCallerDecides) {
  Drawn drawn;
  drawn.crs = "";
  EXPECT_TRUE(read_raster_info(draw(drawn)).grid.crs.empty());
  drawn.crs = "LOCAL_CS[\"page\",UNIT[\"metre\",1]]";
  EXPECT_TRUE(read_raster_info(draw(drawn, "local.tif")).grid.crs.empty());
}

TEST_F(RasterFile, WindowsAreRowMajor) {
  const RasterInfo info = read_raster_info(draw({}));
  EXPECT_THAT(whole(info), Numbers(List{1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(read_window(info, 1, {1, 0, 2, 2}), Numbers(List{2, 3, 5, 6}));
  EXPECT_TRUE(read_window(info, 1, {}).empty());
  EXPECT_THROW(read_window(info, 1, {2, 0, 2, 1}), Error);
  EXPECT_THROW(read_window(info, 1, {-1, 0, 2, 1}), Error);
  EXPECT_THROW(read_window(info, 2, {0, 0, 1, 1}), Error);
  EXPECT_THROW(read_window(info, 0, {0, 0, 1, 1}), Error);
}

TEST_F(RasterFile, ConfiguredPackingReplacesTheFiles) {
  Drawn drawn;
  drawn.type = GDT_Int16;
  drawn.values = {-1, 0, 1, 2, 32761, 32767};
  drawn.nodata = 2;
  drawn.scale = 0.1;
  drawn.offset = 100;
  const std::string path = draw(drawn);
  EXPECT_THAT(whole(read_raster_info(path)), Numbers(List{-1 * 0.1 + 100, 100, 0.1 + 100, nan,
                                                          32761 * 0.1 + 100, 32767 * 0.1 + 100}));
  Packing packing;
  packing.scale = 2;
  packing.offset = 0;
  packing.nodata = -1;
  packing.fill_values = {32761, 32767};
  const RasterInfo info = read_raster_info(path, packing);
  EXPECT_THAT(whole(info), Numbers(List{nan, 0, 2, 4, nan, nan}));
  EXPECT_THAT(read_codes(info, 1, {0, 0, 3, 2}), Numbers(List{nan, 0, 1, 2, nan, nan}));
}

TEST_F(RasterFile, ValidRangeCountsStoredNumbers) {
  Drawn drawn;
  drawn.type = GDT_Int16;
  drawn.values = {-1, 0, 5, 10, 11, 20};
  drawn.scale = 10;
  drawn.valid_range = "0, 10";
  const RasterInfo info = read_raster_info(draw(drawn));
  EXPECT_EQ(info.bands[0].valid_min, 0);
  EXPECT_EQ(info.bands[0].valid_max, 10);
  EXPECT_THAT(whole(info), Numbers(List{nan, 0, 50, 100, nan, nan}));
}

TEST_F(RasterFile, NodataIsComparedInTheBandsType) {
  Packing negative;
  negative.nodata = -9999;
  Drawn drawn;
  drawn.type = GDT_UInt16;
  drawn.values = {0, 1, 55537, 65535, 4, 5};  // 55537 is -9999 modulo 2^16
  EXPECT_THAT(whole(read_raster_info(draw(drawn, "u16.tif"), negative)),
              Numbers(List{0, 1, 55537, 65535, 4, 5}));

  Packing tenth;
  tenth.nodata = 0.1;  // not a float32
  drawn.type = GDT_Float32;
  drawn.values = {0.1, 0.2, -3.4e38, nan, INFINITY, 0.25};
  auto values = whole(read_raster_info(draw(drawn, "f32.tif"), tenth));
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_FALSE(std::isnan(values[1]));
  EXPECT_TRUE(std::isnan(values[3]));
  EXPECT_TRUE(std::isnan(values[4]));
  Packing lowest;
  lowest.nodata = -3.4e38;
  values = whole(read_raster_info(draw(drawn, "f32.tif"), lowest));
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_FALSE(std::isnan(values[0]));

  drawn.nodata = nan;
  EXPECT_TRUE(std::isnan(whole(read_raster_info(draw(drawn, "nan.tif")))[3]));
}

TEST_F(RasterFile, CellsThatTheFileMasksAreNodata) {
  const std::string path = draw({});
  CPLSetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES");
  auto* dataset = static_cast<GDALDataset*>(GDALOpen(path.c_str(), GA_Update));
  ASSERT_EQ(dataset->CreateMaskBand(GMF_PER_DATASET), CE_None);
  unsigned char mask[] = {255, 0, 255, 255, 255, 0};
  ASSERT_EQ(dataset->GetRasterBand(1)->GetMaskBand()->RasterIO(GF_Write, 0, 0, 3, 2, mask, 3, 2,
                                                               GDT_Byte, 0, 0, nullptr),
            CE_None);
  GDALClose(dataset);
  CPLSetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", nullptr);
  EXPECT_THAT(whole(read_raster_info(path)), Numbers(List{1, nan, 3, 4, 5, nan}));
}

TEST_F(RasterFile, EveryTypeIsRead) {
  for (const auto type : {GDT_Byte, GDT_UInt16, GDT_Int16, GDT_UInt32, GDT_Int32, GDT_Float32,
                          GDT_Float64, GDT_Int64, GDT_UInt64}) {
    Drawn drawn;
    drawn.type = type;
    if (type != GDT_Int64 && type != GDT_UInt64) drawn.nodata = 4;
    const RasterInfo info = read_raster_info(draw(drawn, GDALGetDataTypeName(type)));
    EXPECT_THAT(whole(info), Numbers(List{1, 2, 3, drawn.nodata ? nan : 4, 5, 6})) << info.path;
  }
}

TEST_F(RasterFile, CompressedBlocksAreDecodedOnceWhateverTheWindows) {
  constexpr int width = 70, height = 50, bands = 2;
  struct Layout {
    std::vector<const char*> options;
    uint64_t blocks;  ///< of one band
  };
  const std::vector<Layout> layouts = {
      {{"TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=32", "COMPRESS=DEFLATE", nullptr}, 5 * 2},
      {{"TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "INTERLEAVE=PIXEL", "COMPRESS=LZW", nullptr},
       5 * 4},
      {{"BLOCKYSIZE=3", "INTERLEAVE=BAND", "COMPRESS=DEFLATE", nullptr}, 17}};
  for (size_t l = 0; l < layouts.size(); ++l) {
    const std::string path = (folder_ / ("layout" + std::to_string(l) + ".tif")).string();
    GDALDataset* dataset = GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
        path.c_str(), width, height, bands, GDT_Int16,
        const_cast<char**>(layouts[l].options.data()));
    ASSERT_NE(dataset, nullptr);
    const auto stored = [](int band, int64_t row, int64_t column) {
      return static_cast<double>(band * 10000 + row * 100 + column);
    };
    for (int band = 1; band <= bands; ++band) {
      std::vector<double> values;
      for (int row = 0; row < height; ++row)
        for (int column = 0; column < width; ++column) values.push_back(stored(band, row, column));
      ASSERT_EQ(dataset->GetRasterBand(band)->RasterIO(GF_Write, 0, 0, width, height, values.data(),
                                                       width, height, GDT_Float64, 0, 0, nullptr),
                CE_None);
    }
    GDALClose(dataset);
    const RasterInfo info = read_raster_info(path);
    const uint64_t before = decoded_source_blocks();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int repeat = 0; repeat < 60; ++repeat) {
          const int64_t column = random() % width, row = random() % height;
          SourceWindow window{column, row, 1 + static_cast<int64_t>(random()) % (width - column),
                              1 + static_cast<int64_t>(random()) % (height - row)};
          if (repeat == 0) window = {0, 0, width, height};
          for (int band = 1; band <= bands; ++band) {
            const auto values = read_window(info, band, window);
            ASSERT_EQ(values.size(), window.cells());
            for (size_t i = 0; i < values.size(); ++i) {
              const auto at = static_cast<int64_t>(i);
              ASSERT_EQ(values[i], stored(band, window.row + at / window.width,
                                          window.column + at % window.width))
                  << path << " band " << band;
            }
          }
        }
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(decoded_source_blocks() - before, layouts[l].blocks * bands) << path;
  }
}

TEST_F(RasterFile, ForesightRightOrWrongChangesNoValue) {
  Drawn drawn;
  drawn.width = 300;
  drawn.height = 90;
  drawn.values.clear();
  for (int i = 0; i < drawn.width * drawn.height; ++i) drawn.values.push_back(i);
  const RasterInfo info = read_raster_info(draw(drawn, "foreseen.tif"));
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      const auto window = [&] {
        const int64_t column = random() % drawn.width, row = random() % drawn.height;
        return SourceWindow{column, row,
                            1 + static_cast<int64_t>(random()) % (drawn.width - column),
                            1 + static_cast<int64_t>(random()) % (drawn.height - row)};
      };
      for (int repeat = 0; repeat < 200; ++repeat) {
        LaterReads later;
        later.earliest = repeat / 2;
        for (unsigned k = random() % 4; k > 0; --k) later.reads.push_back({repeat - k, window()});
        const SourceWindow part = window();
        const auto values = read_window(info, 1, part, repeat % 3 == 0 ? nullptr : &later);
        ASSERT_EQ(values.size(), part.cells());
        for (size_t i = 0; i < values.size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          ASSERT_EQ(values[i], static_cast<double>((part.row + at / part.width) * drawn.width +
                                                   part.column + at % part.width));
        }
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(RasterFile, AbsentAndDamagedFiles) {
  try {
    read_raster_info((folder_ / "absent.tif").string());
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.message(), "no such file");
    EXPECT_THAT(error.file(), HasSubstr("absent.tif"));
  }
  const std::string text = (folder_ / "text.tif").string();
  std::ofstream(text) << "not a raster";
  EXPECT_THROW(read_raster_info(text), Error);

  Drawn drawn;
  drawn.width = 200;
  drawn.height = 200;
  drawn.values.assign(40000, 1);
  const std::string path = draw(drawn, "cut.tif");
  const RasterInfo info = read_raster_info(path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  try {
    whole(info);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == Code::io || error.code() == Code::data);
    EXPECT_EQ(error.file(), path);
  }
}

TEST_F(RasterFile, AHeaderThatIsReadInPartIsRefused) {
  // libtiff goes on without a tag whose bytes cannot be read: a nodata value would become data.
  Drawn drawn;
  drawn.nodata = -99999;
  const std::string path = draw(drawn);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto number = [&](std::streamoff at, int bytes) {
    std::array<unsigned char, 4> raw{};
    file.seekg(at);
    file.read(reinterpret_cast<char*>(raw.data()), bytes);
    return static_cast<uint32_t>(raw[0] | raw[1] << 8 | raw[2] << 16) |
           static_cast<uint32_t>(raw[3]) << 24;
  };
  const auto directory = static_cast<std::streamoff>(number(4, 4));
  constexpr uint32_t nodata_tag = 42113;
  bool found = false;
  for (uint32_t k = 0; k < number(directory, 2) && !found; ++k) {
    const std::streamoff entry = directory + 2 + 12 * static_cast<std::streamoff>(k);
    if (number(entry, 2) != nodata_tag) continue;
    file.seekp(entry + 8);
    file.write("\xff\xff\xff\x0f", 4);  // its text lies behind the end of the file
    found = true;
  }
  file.close();
  ASSERT_TRUE(found);
  try {
    read_raster_info(path);
    ADD_FAILURE() << "read without its nodata value";
  } catch (const Error& error) {
    EXPECT_EQ(Code::data, error.code());
    EXPECT_EQ(path, error.file());
    EXPECT_THAT(error.what(), HasSubstr("header cannot be read"));
  }
}

TEST_F(RasterFile, ARasterThatChangedItsSizeIsRefused) {
  const std::string path = draw({});
  const RasterInfo info = read_raster_info(path);
  Drawn other;
  other.width = 2;
  other.height = 3;
  draw(other);
  EXPECT_THROW(whole(info), Error);
}

TEST_F(RasterFile, DriversThatShareLocksOrReachOutAreAbsent) {
  for (const char* name : {"netCDF", "HDF5", "HDF5Image", "WMS", "WCS", "HTTP"})
    EXPECT_EQ(GetGDALDriverManager()->GetDriverByName(name), nullptr) << name;
  EXPECT_NE(GetGDALDriverManager()->GetDriverByName("GTiff"), nullptr);
  EXPECT_NE(GetGDALDriverManager()->GetDriverByName("VRT"), nullptr);
  for (const char* path : {"/vsicurl/https://example.org/a.tif", "/vsis3/bucket/a.tif",
                           "/vsizip//vsicurl/http://example.org/a.zip"}) {
    try {
      read_raster_info(path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_THAT(error.hint(), HasSubstr("allow_remote")) << path;
    }
  }
}

TEST_F(RasterFile, ManyThreadsReadTheSameFiles) {
  std::vector<RasterInfo> infos;
  for (int i = 0; i < 70; ++i) {  // more than a thread keeps open
    Drawn drawn;
    drawn.values = {1.0 * i, 2, 3, 4, 5, 6};
    infos.push_back(read_raster_info(draw(drawn, std::to_string(i) + ".tif")));
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t k = 0; k < 2 * infos.size(); ++k) {
        const size_t i = (k * 13 + static_cast<size_t>(t)) % infos.size();
        EXPECT_EQ(read_window(infos[i], 1, {0, 0, 1, 1})[0], static_cast<double>(i));
      }
    });
  for (auto& thread : threads) thread.join();
}

// ---------------------------------------------------------------------- real files

class RealRasters : public test::NeedsFolder<test::kRealData> {
 protected:
  void given() override { folder_ = given_folder(); }

  /// Raw value that gdallocationinfo prints for a cell.
  static double located(const std::string& path, int64_t column, int64_t row) {
    const std::string command = "gdallocationinfo -valonly '" + path + "' " +
                                std::to_string(column) + " " + std::to_string(row) + " 2>/dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    char text[64] = {};
    const bool read = pipe != nullptr && std::fgets(text, sizeof text, pipe) != nullptr;
    if (pipe != nullptr) pclose(pipe);
    EXPECT_TRUE(read) << command;
    return std::atof(text);
  }

  static bool has_locator() {
    static const bool found = std::system("gdallocationinfo --version >/dev/null 2>&1") == 0;
    return found;
  }

  /// Stored numbers at scattered cells equal those of GDAL's own program.
  static void compare_with_gdal(const std::string& path) {
    if (!has_locator()) return;
    Packing raw;
    raw.scale = 1;
    raw.offset = 0;
    const RasterInfo info = read_raster_info(path, raw);
    std::mt19937 random(17);
    for (int i = 0; i < 12; ++i) {
      const int64_t column = random() % info.grid.width, row = random() % info.grid.height;
      const double expected = located(path, column, row);
      const double value = read_codes(info, 1, {column, row, 1, 1})[0];
      const BandInfo& band = info.bands[0];
      const bool missing = expected == band.nodata.value_or(NAN) ||
                           expected < band.valid_min.value_or(-HUGE_VAL) ||
                           expected > band.valid_max.value_or(HUGE_VAL);
      if (missing)
        EXPECT_TRUE(std::isnan(value)) << path << " " << column << " " << row;
      else
        EXPECT_NEAR(value, expected, 1e-6 * std::abs(expected))
            << path << " " << column << " " << row;
    }
  }

  std::string folder_;
};

TEST_F(RealRasters, CropMap) {
  const std::string path = folder_ + "/cdl-kansas-2021/2021_30m_cdls.tif";
  const RasterInfo info = read_raster_info(path);
  EXPECT_EQ(info.grid.width, 1000);
  EXPECT_TRUE(info.grid.crs.same_as(Crs::from_user_input("EPSG:5070")));
  EXPECT_EQ(info.bands[0].type, "Byte");
  compare_with_gdal(path);

  // Shares of the crops over a 250 m lattice add up to those of the chip.
  const Lattice lattice{"EPSG:5070", 250, 0, 0};
  const double* gt = info.grid.geotransform;
  const CellWindow window =
      lattice.covering({gt[0], gt[3]}, {gt[0] + 1000 * gt[1], gt[3] + 1000 * gt[5]});
  std::vector<CellIndex> cells;
  for (int64_t r = 0; r < window.height; ++r)
    for (int64_t c = 0; c < window.width; ++c) cells.push_back({window.column + c, window.row + r});
  const auto weights = make_weights(lattice, cells, info.grid, Transform(), Resampling::area);
  const auto codes = read_codes(info, 1, weights.window);
  const auto shares = category_shares(weights, codes, {1, 5});
  double corn = 0, soy = 0, corn_cells = 0, soy_cells = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    corn += shares[2 * i] * 62500;
    soy += shares[2 * i + 1] * 62500;
  }
  for (const double code : codes) {
    corn_cells += code == 1 ? 900 : 0;
    soy_cells += code == 5 ? 900 : 0;
  }
  EXPECT_GT(corn_cells, 1e6);
  EXPECT_NEAR(corn / corn_cells, 1, 1e-12);
  EXPECT_NEAR(soy / soy_cells, 1, 1e-12);
}

TEST_F(RealRasters, ModisHdf4Subdataset) {
  const std::string path = folder_ + "/modis-c6-hdf4/MOD13A2.A2016145.h18v04.006.2016166145124.hdf";
  const RasterInfo container = read_raster_info(path);
  EXPECT_EQ(container.subdatasets.size(), 3U);
  const std::string name = subdataset_path(path, "1 km 16 days NDVI");
  EXPECT_THAT(container.subdatasets, Contains(name));
  Packing packing;
  packing.scale = 0.0001;
  const RasterInfo info = read_raster_info(name, packing);
  EXPECT_EQ(info.driver, "HDF4Image");
  EXPECT_EQ(info.grid.width, 219);
  EXPECT_EQ(info.grid.height, 185);
  EXPECT_EQ(info.bands[0].nodata, -3000);
  EXPECT_EQ(info.bands[0].valid_min, -2000);
  EXPECT_EQ(info.bands[0].valid_max, 10000);
  EXPECT_EQ(info.bands[0].scale, 0.0001);
  EXPECT_NEAR(info.grid.geotransform[0], 670117.907295, 1e-6);
  const auto values = read_window(info, 1, {0, 0, 219, 185});
  for (const double v : values) EXPECT_TRUE(std::isnan(v) || (v >= -0.2 && v <= 1));
  compare_with_gdal(name);
  try {
    subdataset_path(path, "1 km 16 days NDWI");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.hint(), HasSubstr("1 km 16 days NDVI"));
  }
}

TEST_F(RealRasters, ModisGeoTiffInsideAZip) {
  const std::string path =
      "/vsizip/" + folder_ + "/modis-ndvi-timeseries/NDVI.zip/NDVI/MOD13A1_NDVI_2016_337.tif";
  const RasterInfo info = read_raster_info(path);
  EXPECT_EQ(info.grid.width, 65);
  EXPECT_EQ(info.grid.height, 122);
  EXPECT_EQ(info.bands[0].nodata, 32767);
  const Operation operation = choose_operation(Crs::from_user_input("EPSG:4326"), info.grid.crs);
  EXPECT_EQ(operation.accuracy_m, 0);
  compare_with_gdal(path);
}

TEST_F(RealRasters, RotatedRaster) {
  const std::string path = folder_ + "/modis-250m-minnesota/2d_test.tif";
  const RasterInfo info = read_raster_info(path);
  EXPECT_NE(info.grid.geotransform[2], 0);
  compare_with_gdal(path);
  double x =
      info.grid.geotransform[0] + 2.5 * info.grid.geotransform[1] + 3.5 * info.grid.geotransform[2];
  double y =
      info.grid.geotransform[3] + 2.5 * info.grid.geotransform[4] + 3.5 * info.grid.geotransform[5];
  info.grid.to_index(&x, &y, 1);
  EXPECT_EQ(x, 2);
  EXPECT_EQ(y, 3);
}

}  // namespace
}  // namespace fluxtile
