// SPDX-License-Identifier: Apache-2.0
// Rasters, outlines and coordinate reference systems, through GDAL's files in memory.
#include <cpl_error.h>
#include <cpl_vsi.h>
#include <gdal_priv.h>

#include <algorithm>
#include <memory>

#include "geo/crs.h"
#include "geo/raster_source.h"
#include "geo/region.h"
#include "tests/fuzz/targets.h"

namespace fluxtile::fuzz {
namespace {

/// Bytes as a file of GDAL's own, for as long as they live.
class VsiFile {
 public:
  VsiFile(std::string path, std::string_view bytes) : path_(std::move(path)), bytes_(bytes) {
    static const bool ready = [] {
      initialise_gdal(size_t{8} << 20);
      CPLSetErrorHandler(CPLQuietErrorHandler);
      return true;
    }();
    static_cast<void>(ready);
    VSIFCloseL(VSIFileFromMemBuffer(path_.c_str(), reinterpret_cast<GByte*>(bytes_.data()),
                                    bytes_.size(), 0));
  }
  ~VsiFile() {
    close_thread_datasets();
    VSIUnlink(path_.c_str());
  }
  VsiFile(const VsiFile&) = delete;
  VsiFile& operator=(const VsiFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_, bytes_;
};

std::string geotiff(int width, int height, int bands, GDALDataType type,
                    std::initializer_list<const char*> options) {
  const VsiFile ready("/vsimem/seed", "x");  // drivers
  const char* path = "/vsimem/seed.tif";
  std::vector<const char*> list(options);
  list.push_back(nullptr);
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  GDALDataset* dataset =
      driver->Create(path, width, height, bands, type, const_cast<char**>(list.data()));
  double placed[6] = {1000, 10, 0, 2000, 0, -10};
  dataset->SetGeoTransform(placed);
  OGRSpatialReference reference;
  reference.importFromEPSG(5070);
  dataset->SetSpatialRef(&reference);
  std::vector<double> values(static_cast<size_t>(width) * static_cast<size_t>(height), 3);
  for (int b = 1; b <= bands; ++b) {
    GDALRasterBand* band = dataset->GetRasterBand(b);
    band->SetNoDataValue(-1);
    if (band->RasterIO(GF_Write, 0, 0, width, height, values.data(), width, height, GDT_Float64, 0,
                       0, nullptr) != CE_None)
      throw std::runtime_error("a seed cannot be written");
  }
  dataset->GetRasterBand(1)->SetMetadataItem("valid_range", "0, 100");
  GDALClose(dataset);
  vsi_l_offset size = 0;
  GByte* bytes = VSIGetMemFileBuffer(path, &size, TRUE);
  std::string out(reinterpret_cast<char*>(bytes), size);
  VSIFree(bytes);
  return out;
}

}  // namespace

/// A raster of any format that is read: header, then cells from its four corners.
void raster(std::string_view bytes) {
  const VsiFile file("/vsimem/untrusted.tif", bytes);
  expect_handled([&] {
    const RasterInfo info = read_raster_info(file.path());
    const int bands = std::min<int>(static_cast<int>(info.bands.size()), 2);
    const int64_t width = std::min<int64_t>(info.grid.width, 40),
                  height = std::min<int64_t>(info.grid.height, 40);
    for (int band = 1; band <= bands; ++band) {
      expect_handled([&] { (void)read_window(info, band, {0, 0, width, height}); });
      expect_handled([&] {
        (void)read_codes(info, band,
                         {info.grid.width - width, info.grid.height - height, width, height});
      });
    }
  });
}

std::vector<std::string> raster_seeds() {
  return {
      geotiff(5, 4, 1, GDT_Float32, {}),
      geotiff(40, 33, 2, GDT_Int16,
              {"TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "COMPRESS=DEFLATE", "PREDICTOR=2"}),
      geotiff(9, 7, 3, GDT_Byte, {"INTERLEAVE=PIXEL", "COMPRESS=LZW"}),
      geotiff(6, 6, 1, GDT_Float64, {"BIGTIFF=YES", "SPARSE_OK=TRUE"}),
      "<VRTDataset rasterXSize=\"4\" rasterYSize=\"4\"><GeoTransform>0,1,0,0,0,-1"
      "</GeoTransform><VRTRasterBand dataType=\"Byte\" band=\"1\" "
      "subClass=\"VRTDerivedRasterBand\">"
      "<PixelFunctionType>sum</PixelFunctionType><SimpleSource><SourceFilename>"
      "/vsimem/none.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
      "</VRTRasterBand></VRTDataset>",
      "ncols 3\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9\n1 2 3\n4 5 -9\n"};
}

/// Outlines: names, regions, an index of each, and the window on a coarse grid.
void regions(std::string_view bytes) {
  const VsiFile file("/vsimem/untrusted.geojson", bytes);
  const RegionSource source{file.path(), "", "n", "EPSG:4326"};
  expect_handled([&] { (void)region_names(source); });
  expect_handled([&] {
    const RegionSet set = read_regions(source, {"all"});
    for (const Region& region : set.regions) {
      (void)region.digest();
      const RegionIndex index(region);
      (void)region_window({"EPSG:4326", 5, 0, 0}, region, index, Transform(std::string()));
    }
  });
}

std::vector<std::string> region_seeds() {
  const auto collection = [](const std::string& features) {
    return R"({"type":"FeatureCollection","features":[)" + features + "]}";
  };
  const std::string square = R"([[[0,0],[10,0],[10,10],[0,10],[0,0]]])";
  const auto feature = [](const std::string& name, const std::string& type,
                          const std::string& coordinates) {
    return R"({"type":"Feature","properties":{"n":)" + name + R"(},"geometry":{"type":")" + type +
           R"(","coordinates":)" + coordinates + "}}";
  };
  return {
      collection(feature("\"IA\"", "Polygon", square)),
      collection(feature("\"a\"", "MultiPolygon", "[" + square + "]") + "," +
                 feature("\"a\"", "Polygon", "[[[10,0],[20,0],[20,10],[10,0]]]")),
      collection(feature("7", "Polygon", "[[[0,0],[10,10],[10,0],[0,10],[0,0]]]")),
      collection(feature("\"../x\"", "Polygon", "[[[1e308,0],[-1e308,0],[0,1e308],[1e308,0]]]")),
      collection(R"({"type":"Feature","properties":{"n":"g"},"geometry":{"type":)"
                 R"("GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}})")};
}

void crs(std::string_view bytes) {
  expect_handled([&] {
    const Crs one = Crs::from_user_input(std::string(bytes));
    (void)geodetic_base(one);
    double a = 0, f = 0;
    ellipsoid_of(one, a, f);
  });
}

std::vector<std::string> crs_seeds() {
  return {
      "EPSG:5070", "+proj=laea +lat_0=45 +lon_0=-100 +R=6371007.181 +units=m", "+init=epsg:4326",
      R"(GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]])",
      R"(PROJCRS["x",BASEGEOGCRS["y",DATUM["z",ELLIPSOID["e",6378137,298.25]]],CONVERSION["c",METHOD["Sinusoidal"],PARAMETER["Longitude of natural origin",0]],CS[Cartesian,2],AXIS["e",east],AXIS["n",north],LENGTHUNIT["metre",1]])"};
}

}  // namespace fluxtile::fuzz
