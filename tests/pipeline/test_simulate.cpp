// SPDX-License-Identifier: Apache-2.0
// The written world, read back with GDAL, NetCDF and our own package reader.
#include <gdal_priv.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ogrsf_frmts.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <netcdf>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "model/package.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

struct CloseDataset {
  void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
using Dataset = std::unique_ptr<GDALDataset, CloseDataset>;

Dataset open(const fs::path& path, unsigned kind = GDAL_OF_RASTER) {
  GDALAllRegister();
  return Dataset(static_cast<GDALDataset*>(
      GDALOpenEx(path.c_str(), kind | GDAL_OF_READONLY, nullptr, nullptr, nullptr)));
}

std::vector<double> values(GDALDataset& dataset) {
  GDALRasterBand* band = dataset.GetRasterBand(1);
  std::vector<double> v(static_cast<size_t>(band->GetXSize()) *
                        static_cast<size_t>(band->GetYSize()));
  EXPECT_EQ(CE_None,
            band->RasterIO(GF_Read, 0, 0, band->GetXSize(), band->GetYSize(), v.data(),
                           band->GetXSize(), band->GetYSize(), GDT_Float64, 0, 0, nullptr));
  return v;
}

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = read_file(entry.path().string());
  }
  return files;
}

class Simulate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root() = fs::path(testing::TempDir()) / ("fluxtile_world_" + std::to_string(getpid()));
    fs::remove_all(root());
    simulate("a", {});
  }
  static void TearDownTestSuite() { fs::remove_all(root()); }

  static fs::path& root() {
    static fs::path path;
    return path;
  }
  static std::string simulate(const std::string& name, const std::vector<std::string>& set) {
    std::ostringstream out;
    simulate_verb(FLUXTILE_WORLDS "/test.yaml", set, (root() / name).string(), out);
    return out.str();
  }
  static fs::path world() { return root() / "a"; }
};

TEST_F(Simulate, WritesEveryInputOfARun) {
  std::map<std::string, int> count;
  for (const auto& [path, bytes] : contents(world())) {
    EXPECT_FALSE(bytes.empty()) << path;
    ++count[fs::path(path).begin()->string()];
  }
  EXPECT_EQ(count["gpp"], 92);
  EXPECT_EQ(count["climate"], 14);
  EXPECT_EQ(count["soil"], 9);
  EXPECT_EQ(count["crop"], 2);
  EXPECT_EQ(count["models"], 4);
  for (const char* file : {"regions.geojson", "run.yaml", "world.yaml"}) EXPECT_EQ(count[file], 1);
}

TEST_F(Simulate, SameSeedSameBytesOtherSeedOtherBytes) {
  EXPECT_EQ(simulate("b", {}), (root() / "b" / "run.yaml").string() + "\n");
  const auto first = contents(world()), second = contents(root() / "b");
  ASSERT_EQ(first.size(), second.size());
  for (const auto& [path, bytes] : first) EXPECT_TRUE(second.at(path) == bytes) << path;

  simulate("c", {"seed=8"});
  const auto third = contents(root() / "c");
  for (const char* path : {"gpp/gpp_2018201.tif", "climate/pr_2018.nc", "soil/soc.tif",
                           "crop/crop_2018.tif", "truth/East_reco_annual.tif"})
    EXPECT_FALSE(third.at(path) == first.at(path)) << path;
}

TEST_F(Simulate, EveryFileIsMarkedAsSynthetic) {
  for (const auto& [path, bytes] : contents(world())) {
    const fs::path file = world() / path;
    if (file.extension() == ".tif") {
      const auto dataset = open(file);  // which owns its metadata
      EXPECT_STREQ(dataset->GetMetadataItem("FLUXTILE_SYNTHETIC"), "YES") << path;
    } else if (file.extension() == ".nc") {
      std::string mark;
      netCDF::NcFile(file.string(), netCDF::NcFile::read)
          .getAtt("fluxtile_synthetic")
          .getValues(mark);
      EXPECT_EQ(mark, "yes") << path;
    } else if (file.filename() == "regions.geojson") {
      EXPECT_THAT(bytes, HasSubstr("\"fluxtile_synthetic\":\"yes\""));
    } else if (file.filename() == "model.yaml") {
      EXPECT_TRUE(load_package(file.parent_path().string())->synthetic) << path;
    }
  }
}

TEST_F(Simulate, GppIsModisLike) {
  const Dataset d = open(world() / "gpp/gpp_2018201.tif");
  ASSERT_TRUE(d);
  double g[6];
  d->GetGeoTransform(g);
  EXPECT_NEAR(g[1], 463.3127, 1e-4);
  EXPECT_NEAR(std::remainder(g[0] + 20015109.354, 463.312716528), 0, 1e-3);
  EXPECT_NEAR(std::remainder(g[3] - 10007554.677, 463.312716528), 0, 1e-3);
  EXPECT_EQ(d->GetSpatialRef()->GetSemiMajor(), 6371007.181);
  GDALRasterBand* band = d->GetRasterBand(1);
  EXPECT_EQ(band->GetRasterDataType(), GDT_Int16);
  EXPECT_EQ(band->GetNoDataValue(), -9999);
  EXPECT_EQ(band->GetScale(), 0.01);
  EXPECT_STREQ(band->GetUnitType(), "gC m-2 d-1");
  int block_x = 0, block_y = 0;
  band->GetBlockSize(&block_x, &block_y);
  EXPECT_EQ(block_x, 256);
  double most = 0;
  for (const double v : values(*d)) most = std::max(most, v * 0.01);
  EXPECT_GT(most, 10);
  EXPECT_LT(most, 30);
}

TEST_F(Simulate, CloudsHideAboutTheShareAsked) {
  double hidden = 0, all = 0, winter_hidden = 0;
  for (const auto& entry : fs::directory_iterator(world() / "gpp")) {
    const int doy = std::stoi(entry.path().stem().string().substr(8));
    for (const double v : values(*open(entry.path()))) {
      if (doy >= 61 && doy <= 330) {
        all += 1;
        hidden += v == -9999 ? 1 : 0;
      } else {
        winter_hidden += v == -9999 ? 1 : 0;
      }
    }
  }
  EXPECT_NEAR(hidden / all, 0.1, 0.04);
  EXPECT_EQ(winter_hidden, 0);
}

TEST_F(Simulate, ClimateHasGridmetsLayout) {
  for (const auto& [file, name] :
       std::map<std::string, std::string>{{"tmmx", "air_temperature"},
                                          {"tmmn", "air_temperature"},
                                          {"rmax", "relative_humidity"},
                                          {"rmin", "relative_humidity"},
                                          {"vs", "wind_speed"},
                                          {"pr", "precipitation_amount"},
                                          {"srad", "surface_downwelling_shortwave_flux_in_air"}}) {
    const netCDF::NcFile nc((world() / "climate" / (file + "_2018.nc")).string(),
                            netCDF::NcFile::read);
    const netCDF::NcVar variable = nc.getVar(name);
    ASSERT_FALSE(variable.isNull()) << file;
    EXPECT_EQ(variable.getType(), netCDF::ncUshort);
    ASSERT_EQ(variable.getDimCount(), 3);
    EXPECT_EQ(variable.getDim(0).getName(), "day");
    EXPECT_EQ(variable.getDim(0).getSize(), 365U);
    EXPECT_EQ(variable.getDim(1).getName(), "lat");
    EXPECT_EQ(variable.getDim(2).getName(), "lon");
    bool filled = false;
    uint16_t fill = 0;
    variable.getFillModeParameters(filled, fill);
    EXPECT_EQ(fill, 32767);
    std::string long_name;
    variable.getAtt("long_name").getValues(long_name);
    EXPECT_EQ(long_name, file);

    std::vector<double> lat(variable.getDim(1).getSize()), lon(variable.getDim(2).getSize());
    nc.getVar("lat").getVar(lat.data());
    nc.getVar("lon").getVar(lon.data());
    EXPECT_GT(lat.front(), lat.back());
    EXPECT_LT(lon.front(), lon.back());
    EXPECT_NEAR(std::remainder(lon[0] + 124.7666666333333, 1.0 / 24), 0, 1e-9);
    std::vector<double> day(365);
    nc.getVar("day").getVar(day.data());
    EXPECT_EQ(day.front(), 43099);  // 1 January 2018 in days since 1900-01-01

    // The attribute names the centre of the first cell, although it should name its corner.
    std::string transform;
    nc.getVar("crs").getAtt("GeoTransform").getValues(transform);
    double x0 = 0, dx = 0, zero = 1, y0 = 0, dy = 0;
    std::istringstream(transform) >> x0 >> dx >> zero >> y0 >> dy;
    EXPECT_NEAR(x0, lon[0], 1e-9);
    EXPECT_NEAR(y0, lat[0], 1e-9);
    EXPECT_NEAR(dy, -1.0 / 24, 1e-9);
    EXPECT_EQ(zero, 0);
  }
}

TEST_F(Simulate, SoilIsShiftedAndHasHoles) {
  double nodata_cells = 0;
  for (const auto& entry : fs::directory_iterator(world() / "soil")) {
    const Dataset d = open(entry.path());
    double g[6];
    d->GetGeoTransform(g);
    EXPECT_EQ(g[1], 250);
    EXPECT_EQ(std::fmod(g[0], 250), 90);
    EXPECT_EQ(std::fmod(g[3], 250), 90);
    EXPECT_EQ(d->GetRasterBand(1)->GetRasterDataType(), GDT_Float32);
    EXPECT_EQ(d->GetRasterBand(1)->GetNoDataValue(), -9999);
    EXPECT_STREQ(d->GetSpatialRef()->GetAuthorityCode(nullptr), "5070");
    for (const double v : values(*d)) nodata_cells += v == -9999 ? 1 : 0;
  }
  EXPECT_GT(nodata_cells, 0);
}

TEST_F(Simulate, CropMapsAreCodesWithColours) {
  for (const char* name : {"crop_2017.tif", "crop_2018.tif"}) {
    const Dataset d = open(world() / "crop" / name);
    double g[6];
    d->GetGeoTransform(g);
    EXPECT_EQ(g[1], 30);
    EXPECT_EQ(std::fmod(g[0], 30), 15);
    GDALRasterBand* band = d->GetRasterBand(1);
    EXPECT_EQ(band->GetRasterDataType(), GDT_Byte);
    ASSERT_NE(band->GetColorTable(), nullptr);
    EXPECT_EQ(band->GetColorTable()->GetColorEntry(1)->c1, 255);
    const std::vector<double> v = values(*d);
    const std::set<double> codes(v.begin(), v.end());
    EXPECT_TRUE(codes.count(1) == 1 && codes.count(5) == 1);
    for (const double code : codes) EXPECT_THAT(code, testing::AnyOf(1, 5, 111, 121, 141, 176));
  }
}

TEST_F(Simulate, RegionsAreValidAndNamed) {
  const Dataset d = open(world() / "regions.geojson", GDAL_OF_VECTOR);
  ASSERT_TRUE(d);
  OGRLayer* layer = d->GetLayer(0);
  EXPECT_STREQ(layer->GetSpatialRef()->GetAuthorityCode(nullptr), "4269");
  std::set<std::string> names;
  double area = 0;
  OGREnvelope all;
  for (const OGRFeatureUniquePtr& feature : *layer) {
    names.insert(feature->GetFieldAsString("region"));
    OGRGeometry* shape = feature->GetGeometryRef();
    EXPECT_TRUE(shape->IsValid());
    area += shape->toMultiPolygon()->get_Area();
    OGREnvelope box;
    shape->getEnvelope(&box);
    all.Merge(box);
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("North", "East", "South"));
  // The three fill the square but for the notch (1/64 of it) and the lake (an octagon).
  const double square = (all.MaxX - all.MinX) * (all.MaxY - all.MinY);
  const double lake = 2 * std::sqrt(2.0) * 0.16 * 0.16 / 4;
  EXPECT_NEAR(area / square, 1 - 1.0 / 64 - lake, 1e-4);
}

TEST_F(Simulate, CopiesThePackagesThatItsDescriptionNames) {
  const fs::path packages = fs::path(FLUXTILE_WORLDS) / "../../examples/models";
  for (const char* file : {"demo-global/model.yaml", "demo-global/weights.safetensors",
                           "demo-iowa/model.yaml", "demo-iowa/weights.safetensors"}) {
    EXPECT_TRUE(read_file((world() / "models" / file).string()) ==
                read_file((packages / file).string()))
        << file;
  }
  const std::string run = read_file((world() / "run.yaml").string());
  EXPECT_THAT(run, HasSubstr("  default: demo-global\n  regions: {North: demo-iowa}\n"));
  // Its own description makes it again, packages included.
  std::ostringstream out;
  simulate_verb((world() / "world.yaml").string(), {}, (root() / "again").string(), out);
  const auto first = contents(world()), second = contents(root() / "again");
  ASSERT_EQ(first.size(), second.size());
  for (const auto& [path, bytes] : first) EXPECT_TRUE(second.at(path) == bytes) << path;
}

TEST_F(Simulate, RefusesAPackageThatIsNotThereBeforeItWritesAnything) {
  try {
    simulate("n", {"models={directory: nowhere, default: global}"});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::data);
    EXPECT_EQ(e.key(), "models.default");
    EXPECT_THAT(e.what(), HasSubstr("nowhere/global"));
  }
  EXPECT_FALSE(fs::exists(root() / "n"));
}

TEST_F(Simulate, GppCellsOfAnySizeLieOnTheModisLattice) {
  simulate("g", {"gpp.multiple=3", "gpp.error=satellite"});
  const Dataset d = open(root() / "g/gpp/gpp_2018201.tif");
  double g[6];
  d->GetGeoTransform(g);
  EXPECT_NEAR(g[1], 3 * 463.312716528, 1e-4);
  EXPECT_NEAR(std::remainder(g[0] + 20015109.354, 3 * 463.312716528), 0, 1e-3);
  // The same field of bias and errors, less detail: the mean hardly changes.
  const auto mean = [](GDALDataset& dataset) {
    double sum = 0, count = 0;
    for (const double v : values(dataset)) {
      if (v == -9999) continue;
      sum += v;
      count += 1;
    }
    return sum / count;
  };
  EXPECT_NEAR(mean(*d) / mean(*open(world() / "gpp/gpp_2018201.tif")), 1, 0.25);
}

// In the sinusoidal projection meridians lean: the raster's corners lie far beside the regions.
TEST_F(Simulate, ALargeWorldHasWeatherAtTheCornersOfItsComposites) {
  EXPECT_NO_THROW(simulate("large", {"size_km=64", "gpp.multiple=8", "grid.resolution=4000"}));
  EXPECT_NO_THROW(simulate("north west", {"size_km=64", "gpp.multiple=8", "grid.resolution=4000",
                                          "centre.latitude=47.9", "centre.longitude=-121.9"}));
}

TEST_F(Simulate, RefusesAFolderThatIsNotEmpty) {
  try {
    simulate("a", {});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::cannot_create);
    EXPECT_THAT(e.what(), HasSubstr("not empty"));
  }
}

}  // namespace
}  // namespace fluxtile
