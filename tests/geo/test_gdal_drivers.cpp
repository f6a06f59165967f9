// SPDX-License-Identifier: Apache-2.0
// What files cannot make GDAL do: reach the network, run code, read formats nobody asked for, take
// memory by a header.
#include "geo/gdal_drivers.h"

#include <arpa/inet.h>
#include <cpl_conv.h>
#include <cpl_http.h>
#include <cpl_vsi.h>
#include <gdal_priv.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"
#include "geo/raster_source.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

/// A port of this machine that notices when somebody connects.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    socklen_t length = sizeof address;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    CPLSetConfigOption("GDAL_HTTP_TIMEOUT", "1");
    CPLSetConfigOption("GDAL_HTTP_MAX_RETRY", "0");
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] bool asked() const {
    const int connection = ::accept(socket_, nullptr, nullptr);
    if (connection >= 0) ::close(connection);
    return connection >= 0;
  }
  std::string url;

 private:
  int socket_;
};

class GdalDrivers : public testing::Test {
 protected:
  GdalDrivers() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "fluxtile-drivers-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~GdalDrivers() override {
    close_thread_datasets();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] std::string written(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }
  /// A VRT of one band with this inside.
  [[nodiscard]] std::string vrt(const std::string& band, const std::string& attributes = "") const {
    return written("x.vrt",
                   "<VRTDataset rasterXSize=\"4\" rasterYSize=\"4\"><GeoTransform>0,1,0,0,0,-1"
                   "</GeoTransform><VRTRasterBand dataType=\"Byte\" band=\"1\" " +
                       attributes + ">" + band + "</VRTRasterBand></VRTDataset>");
  }
  static Error reading(const std::string& path) {
    try {
      const RasterInfo info = read_raster_info(path);
      (void)read_window(info, 1, {0, 0, 4, 4});
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "was read: " << path;
    return Error(Code::internal, "was read");
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(GdalDrivers, OnlyAListOfLocalFormatsIsThere) {
  GDALDriverManager& manager = *GetGDALDriverManager();
  EXPECT_LE(manager.GetDriverCount(), 24);
  for (int i = 0; i < manager.GetDriverCount(); ++i)
    EXPECT_THAT(std::string(manager.GetDriver(i)->GetDescription()),
                testing::Not(testing::AnyOf("HTTP", "GML", "OGR_VRT", "PostgreSQL", "netCDF", "PDF",
                                            "DERIVED", "Zarr", "STACIT")));
  for (const char* name :
       {"GTiff", "COG", "MEM", "PNG", "VRT", "GeoJSON", "GPKG", "ESRI Shapefile"})
    EXPECT_NE(manager.GetDriverByName(name), nullptr) << name;
  EXPECT_STREQ(CPLGetConfigOption("GDAL_DRIVER_PATH", ""), "disable");
}

TEST_F(GdalDrivers, AFormatThatIsOffIsRefusedWithAHint) {
  const std::string pnm = written("x.tif", "P5\n4 4\n255\n" + std::string(16, 'x'));
  EXPECT_THAT(reading(pnm).hint(), HasSubstr("allow_remote"));
}

TEST_F(GdalDrivers, AVrtReachesNoNetwork) {
  const Listener port;
  const auto source = [](const std::string& name) {
    return "<SimpleSource><SourceFilename relativeToVRT=\"0\">" + name +
           "</SourceFilename><SourceBand>1</SourceBand></SimpleSource>";
  };
  for (const std::string& name : std::vector<std::string>{
           "/vsicurl/" + port.url + "a.tif", "/vsizip/{/vsicurl/" + port.url + "a.zip}/a.tif",
           "/vsicurl_streaming/" + port.url + "a.tif", "/vsis3/bucket/a.tif", port.url + "a.tif",
           "WMS:" + port.url, "/vsistdin/"}) {
    const Error error = reading(vrt(source(name)));
    EXPECT_TRUE(error.code() == Code::io || error.code() == Code::data) << name;
    EXPECT_FALSE(port.asked()) << name;
  }
}

TEST_F(GdalDrivers, PythonInAVrtIsNotRun) {
  const std::string mark = file("ran");
  const std::string source =
      written("source.asc", "ncols 4\nnrows 4\nxllcorner 0\nyllcorner -4\ncellsize 1\n" +
                                std::string("1 2 3 4\n1 2 3 4\n1 2 3 4\n1 2 3 4\n"));
  setenv("GDAL_VRT_ENABLE_PYTHON", "YES", 1);  // the environment does not turn it on
  const Error error = reading(
      vrt("<PixelFunctionType>f</PixelFunctionType>"
          "<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode><![CDATA["
          "open('" +
              mark +
              "', 'w').write('x')\ndef f(a, b, *rest, **kw):\n  pass\n"
              "]]></PixelFunctionCode><SimpleSource><SourceFilename>" +
              source +
              "</SourceFilename>"
              "</SimpleSource>",
          "subClass=\"VRTDerivedRasterBand\""));
  unsetenv("GDAL_VRT_ENABLE_PYTHON");
  EXPECT_THAT(error.message(), HasSubstr("Python"));
  EXPECT_FALSE(std::filesystem::exists(mark));
}

/// SQL in a database (a view, a trigger) may call functions of GDAL that fetch or read other files.
TEST_F(GdalDrivers, SqlOfFilesHasNoFunctionsThatReachOut) {
  EXPECT_EQ(GetGDALDriverManager()->GetDriverByName("SQLite"), nullptr);
  const std::map<std::string, std::string> options = {
      {"ALLOW_OGR_SQL_FUNCTIONS_FROM_TRIGGER_AND_VIEW", "NO"},
      {"OGR_SQLITE_ALLOW_EXTERNAL_ACCESS", "NO"},
      {"OGR_SQLITE_LOAD_EXTENSIONS", ""},
      {"GDAL_VRT_ENABLE_PYTHON", "NO"}};
  for (const auto& [name, value] : options) {
    setenv(name.c_str(), "YES", 1);  // the environment does not turn it on
    EXPECT_EQ(CPLGetConfigOption(name.c_str(), "not set"), value) << name;
    unsetenv(name.c_str());
  }
  EXPECT_STREQ(getenv("SPATIALITE_SECURITY"), "strict");
}

TEST_F(GdalDrivers, ARequestByGdalItselfIsRefused) {
  const Listener port;
  CPLHTTPResult* result = CPLHTTPFetch(port.url.c_str(), nullptr);
  ASSERT_NE(result, nullptr);
  EXPECT_NE(result->nStatus, 0);
  CPLHTTPDestroyResult(result);
  EXPECT_FALSE(port.asked());
}

/// A GeoTIFF that claims sizes it does not have.
std::string tall_tale(const std::string& path, int width, int height, int block_width,
                      int block_height) {
  const std::string w = std::to_string(block_width), h = std::to_string(block_height);
  const std::string columns = "BLOCKXSIZE=" + w, rows = "BLOCKYSIZE=" + h;
  const char* options[] = {"TILED=YES",     "SPARSE_OK=TRUE", "BIGTIFF=YES", "COMPRESS=DEFLATE",
                           columns.c_str(), rows.c_str(),     nullptr};
  GDALDataset* out = GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
      path.c_str(), width, height, 1, GDT_Float64, const_cast<char**>(options));
  EXPECT_NE(out, nullptr);
  double placed[6] = {0, 1, 0, 0, 0, -1};
  out->SetGeoTransform(placed);
  GDALClose(out);
  return path;
}

TEST_F(GdalDrivers, SizesOfAHeaderTakeNoMemory) {
  const std::string blocks = tall_tale(file("blocks.tif"), 40000, 40000, 40000, 40000);
  EXPECT_THAT(reading(blocks).message(), HasSubstr("blocks that are too large"));

  const std::string wide = tall_tale(file("wide.tif"), 200000, 200000, 256, 256);
  const RasterInfo info = read_raster_info(wide);  // windows of it can be read
  EXPECT_EQ(read_window(info, 1, {199990, 199990, 10, 10}).size(), 100U);
  try {
    (void)read_window(info, 1, {0, 0, 200000, 200000});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_THAT(error.message(), HasSubstr("too many cells"));
  }
}

}  // namespace
}  // namespace fluxtile
