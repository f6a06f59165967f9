// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small GeoTIFFs, NetCDF files and regions for the tests of the stages.

#include <gdal_priv.h>
#include <gtest/gtest.h>
#include <ogr_spatialref.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geo/calendar.h"
#include "geo/netcdf_source.h"
#include "stages/ingest_soil.h"
#include "stages/tile.h"
#include "tests/geo/netcdf_fixture.h"

namespace fluxtile {

/// A GeoTIFF in EPSG:5070 that begins at (x, y) and goes right and down.
struct DrawnRaster {
  int width = 1, height = 1;
  std::vector<double> values;  ///< [band][row][column]
  double x = 0, y = 0, cell = 10;
  GDALDataType type = GDT_Float32;
  std::optional<double> nodata = -9999.0;
  double scale = 1;
};

/// A folder of its own, the lattice of the tests (10 m cells of EPSG:5070 from the origin) and what
/// can be drawn in it.
class StageTest : public TemporaryDirectory {
 protected:
  StageTest() {
    static const bool registered = [] {
      initialise_gdal(16U << 20);
      return true;
    }();
    (void)registered;
  }
  ~StageTest() override {
    close_thread_datasets();
    close_netcdf_files();
  }

  std::string draw(const std::string& name, const DrawnRaster& drawn) const {
    std::string path = file(name);
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    const int bands = static_cast<int>(drawn.values.size()) / drawn.width / drawn.height;
    GDALDataset* dataset =
        driver->Create(path.c_str(), drawn.width, drawn.height, bands, drawn.type, nullptr);
    double placed[6] = {drawn.x, drawn.cell, 0, drawn.y, 0, -drawn.cell};
    EXPECT_EQ(dataset->SetGeoTransform(placed), CE_None);
    OGRSpatialReference reference;
    reference.SetFromUserInput("EPSG:5070");
    dataset->SetSpatialRef(&reference);
    for (int b = 1; b <= bands; ++b) {
      GDALRasterBand* band = dataset->GetRasterBand(b);
      if (drawn.nodata) band->SetNoDataValue(*drawn.nodata);
      if (drawn.scale != 1) band->SetScale(drawn.scale);
      const auto plane = static_cast<long>(drawn.width) * drawn.height;
      std::vector<double> values(drawn.values.begin() + (b - 1) * plane,
                                 drawn.values.begin() + b * plane);
      EXPECT_EQ(band->RasterIO(GF_Write, 0, 0, drawn.width, drawn.height, values.data(),
                               drawn.width, drawn.height, GDT_Float64, 0, 0, nullptr),
                CE_None);
    }
    GDALClose(dataset);
    return path;
  }

  static Lattice metres() { return {"EPSG:5070", 10, 0, 0}; }

  /// A tile of these cells, without soil and crops.
  static TileStatics tile_of(std::vector<CellIndex> cells) {
    TileStatics tile;
    tile.cells = std::move(cells);
    return tile;
  }
  /// All cells of a window from the origin, row by row.
  static std::vector<CellIndex> cells(int64_t width, int64_t height) {
    std::vector<CellIndex> all;
    for (int64_t r = 0; r < height; ++r)
      for (int64_t c = 0; c < width; ++c) all.push_back({c, r});
    return all;
  }
  /// A region that is a box in lattice coordinates.
  static RegionShape box(double x0, double y0, double x1, double y1) {
    Region region;
    region.rings = {{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}}};
    return {std::make_shared<const RegionIndex>(region), Transform()};
  }
};

inline int64_t day(int year, int month, int day_of_month) {
  return to_days({year, month, day_of_month});
}

}  // namespace fluxtile
