// SPDX-License-Identifier: Apache-2.0
#include <gdal_priv.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "geo/netcdf_source.h"
#include "geo/raster_source.h"
#include "pipeline/inspect_report.h"
#include "pipeline/verbs.h"
#include "tests/geo/netcdf_fixture.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

void start_gdal() {
  static const bool once = [] {
    initialise_gdal(size_t{32} << 20);
    return true;
  }();
  static_cast<void>(once);
}

std::string text_of(const std::vector<std::string>& paths) {
  std::ostringstream out;
  EXPECT_EQ(inspect_verb(paths, false, out), 0);
  return out.str();
}

nlohmann::json json_of(const std::vector<std::string>& paths) {
  std::ostringstream out;
  EXPECT_EQ(inspect_verb(paths, true, out), 0);
  return nlohmann::json::parse(out.str());  // one document, nothing else
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Inspect : public TemporaryDirectory {
 protected:
  void SetUp() override { start_gdal(); }
  void TearDown() override {
    close_netcdf_files();
    close_thread_datasets();
  }

  /// A GeoTIFF of `bands` bands, 4 x 3 cells of 500 m.
  std::string tiff(const std::string& name, int bands, const std::string& crs,
                   const std::string& unit) {
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
    GDALDataset* dataset = driver->Create(file(name).c_str(), 4, 3, bands, GDT_Int16, nullptr);
    double gt[6] = {1000, 500, 0, 9000, 0, -500};
    dataset->SetGeoTransform(gt);
    if (!crs.empty()) {
      OGRSpatialReference reference;
      reference.SetFromUserInput(crs.c_str());
      dataset->SetSpatialRef(&reference);
    }
    for (int b = 1; b <= bands; ++b) {
      GDALRasterBand* band = dataset->GetRasterBand(b);
      band->SetUnitType(unit.c_str());
      band->SetScale(0.01);
      band->SetNoDataValue(-9999);
      band->SetDescription(("2018-0" + std::to_string(b)).c_str());
    }
    GDALClose(dataset);
    return file(name);
  }
};

TEST_F(Inspect, NetcdfTellsGridTimeAndValues) {
  {
    NcDraft nc(file("climate_2018.nc"));
    std::vector<double> days = counted(20);
    days.erase(days.begin() + 5, days.begin() + 7);  // 6 and 7 January are missing
    nc.axis("time", days, "days since 2018-01-01");
    nc.axis("lat", {41, 40.5, 40}, "degrees_north")
        .axis("lon", {264, 264.5, 265, 265.5}, "degrees_east");
    nc.variable("tasmax", NC_SHORT, {"time", "lat", "lon"});
    nc.text("units", "K").text("long_name", "maximum temperature");
    nc.number("scale_factor", NC_DOUBLE, {0.1}).number("add_offset", NC_DOUBLE, {220});
    nc.number("_FillValue", NC_SHORT, {-32768});
    nc.variable("tasmin", NC_FLOAT, {"time", "lat", "lon"});
    nc.text("units", "K");
    nc.variable("pr", NC_FLOAT, {"time", "lat", "lon"});
    nc.text("units", "kg m-2 s-1").text("standard_name", "precipitation_flux");
    nc.variable("yearly", NC_FLOAT, {"lat", "lon"});
    nc.text("units", "gC m-2 yr-1");
  }
  const auto doc = json_of({file("climate_2018.nc")});
  EXPECT_EQ(doc["fluxtile-inspect"], 1);
  const auto& r = doc["paths"][0];
  EXPECT_EQ(r["kind"], "netcdf");
  ASSERT_EQ(r["grids"].size(), 1U);
  const auto& grid = r["grids"][0];
  EXPECT_EQ(grid["width"], 4);
  EXPECT_EQ(grid["extent"]["x_min"], 263.75);
  EXPECT_EQ(grid["extent"]["y_max"], 41.25);
  EXPECT_EQ(grid["cell"][0], 0.5);
  EXPECT_EQ(grid["y"], "north to south");
  EXPECT_TRUE(grid["wraps"].get<bool>());
  EXPECT_TRUE(has(grid["crs"]["name"], "4326"));
  const auto& time = r["time_axes"][0];
  EXPECT_EQ(time["first"], "2018-01-01");
  EXPECT_EQ(time["last"], "2018-01-20");
  EXPECT_EQ(time["count"], 18);
  EXPECT_EQ(time["step"], "1 day");
  EXPECT_EQ(time["missing_days"], 2);
  EXPECT_EQ(time["missing"][0], "2018-01-06");
  EXPECT_EQ(r["variables"][0]["name"], "tasmax");
  EXPECT_EQ(r["variables"][0]["scale"], 0.1);
  EXPECT_EQ(r["variables"][0]["nodata"][0], -32768);
  EXPECT_FALSE(r["variables"][3].contains("time"));
  const std::string hints = r["hints"].dump();
  EXPECT_TRUE(has(hints, "0..360")) << hints;
  EXPECT_TRUE(has(hints, "max_gap")) << hints;
  EXPECT_TRUE(has(hints, "yr-1")) << hints;
  const std::string config = r["config"];
  EXPECT_TRUE(has(config, "TMAX_AIR: {variable: tasmax, unit: degC}")) << config;
  EXPECT_TRUE(has(config, "TDIF_AIR: {difference: [tasmax, tasmin], unit: K}")) << config;
  EXPECT_TRUE(has(config, "PRECN: {variable: pr, unit: mm d-1}")) << config;

  const std::string text = text_of({file("climate_2018.nc")});
  for (const char* part :
       {"climate_2018.nc", "EPSG:4326", "4 x 3 cells", "north to south", "stored x 0.1 + 220",
        "18 steps, 2018-01-01 to 2018-01-20", "2: 2018-01-06, 2018-01-07", "hint", "TMAX_AIR"})
    EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST_F(Inspect, CalendarsGiveHints) {
  for (const auto& [calendar, words] : std::vector<std::pair<std::string, std::string>>{
           {"360_day", "calendar: map"}, {"noleap", "29 February"}}) {
    {
      NcDraft nc(file(calendar + ".nc"));
      nc.axis("time", counted(100), "days since 2016-01-01").text("calendar", calendar);
      nc.axis("lat", {41, 40}, "degrees_north").axis("lon", {-96, -95}, "degrees_east");
      nc.variable("v", NC_FLOAT, {"time", "lat", "lon"});
    }
    const std::string text = text_of({file(calendar + ".nc")});
    EXPECT_TRUE(has(text, words)) << text;
    EXPECT_TRUE(has(text, "calendar " + calendar)) << text;
  }
}

TEST_F(Inspect, DailySumsAndDivisors) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("time", counted(3), "days since 2016-01-01");
    nc.axis("lat", {41, 40}, "degrees_north").axis("lon", {-96, -95}, "degrees_east");
    nc.variable("prcp", NC_FLOAT, {"time", "lat", "lon"});
    nc.text("units", "mm");
    nc.variable("ndvi", NC_SHORT, {"lat", "lon"});
    nc.number("scale_factor", NC_DOUBLE, {10000}).text("units", "1");
  }
  const auto r = json_of({file("a.nc")})["paths"][0];
  EXPECT_TRUE(has(r["config"], "PRECN: {variable: prcp, unit: mm d-1}")) << r["config"];
  EXPECT_TRUE(has(r["hints"].dump(), "`scale: 0.0001`")) << r["hints"];
}

TEST_F(Inspect, WhatCannotBeUsedIsSaid) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("time", counted(3), "months since 2016-01-01");
    nc.axis("lat", {41, 40}, "degrees_north").axis("lon", {-96, -95}, "degrees_east");
    nc.variable("v", NC_FLOAT, {"time", "lat", "lon"});
  }
  const std::string text = text_of({file("a.nc")});
  EXPECT_TRUE(has(text, "NOT USABLE")) << text;
  EXPECT_TRUE(has(text, "months")) << text;
}

TEST_F(Inspect, Rasters) {
  const std::string path = tiff("gpp_2018193.tif", 3, "EPSG:5070", "gC m-2 d-1");
  const auto r = json_of({path})["paths"][0];
  EXPECT_EQ(r["kind"], "raster");
  EXPECT_EQ(r["driver"], "GTiff");
  EXPECT_EQ(r["bands"].size(), 3U);
  EXPECT_EQ(r["bands"][1]["description"], "2018-02");
  EXPECT_EQ(r["bands"][0]["unit"], "gC m-2 d-1");
  EXPECT_EQ(r["bands"][0]["scale"], 0.01);
  EXPECT_EQ(r["bands"][0]["nodata"], -9999);
  EXPECT_EQ(r["grids"][0]["extent"]["x_max"], 3000);
  EXPECT_EQ(r["grids"][0]["extent"]["y_min"], 7500);
  EXPECT_TRUE(has(r["grids"][0]["crs"]["name"], "5070"));
  EXPECT_EQ(r["file_date"]["pattern"], "gpp_%Y%j");
  EXPECT_EQ(r["file_date"]["date"], "2018-07-12");
  EXPECT_TRUE(has(r["config"], "gpp_*.tif")) << r["config"];
  EXPECT_TRUE(has(r["config"], "gpp_%Y%j")) << r["config"];
  const std::string text = text_of({path});
  EXPECT_TRUE(has(text, "bands 1-3")) << text;
  EXPECT_TRUE(has(text, "500 x 500 m")) << text;
  EXPECT_TRUE(has(text, "2018-01 to 2018-03")) << text;

  const std::string bare = text_of({tiff("bare.tif", 1, "", "")});
  EXPECT_TRUE(has(bare, "no CRS")) << bare;
  EXPECT_TRUE(has(bare, "no unit")) << bare;
}

TEST_F(Inspect, Vectors) {
  const std::string path = file("fields.geojson");
  std::ofstream(path) << R"({"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"name": "Long Name A", "code": "010", "state": "NE"},
     "geometry": {"type": "Polygon", "coordinates": [[[-96, 41], [-95, 41], [-95, 42], [-96, 41]]]}},
    {"type": "Feature", "properties": {"name": "Long Name B", "code": "020", "state": "NE"},
     "geometry": {"type": "Polygon", "coordinates": [[[-94, 41], [-93, 41], [-93, 43], [-94, 41]]]}}
  ]})";
  const auto r = json_of({path})["paths"][0];
  EXPECT_EQ(r["kind"], "vector");
  ASSERT_EQ(r["layers"].size(), 1U);
  const auto& layer = r["layers"][0];
  EXPECT_EQ(layer["features"], 2);
  EXPECT_EQ(layer["geometry"], "Polygon");
  EXPECT_EQ(layer["extent"]["x_min"], -96);
  EXPECT_EQ(layer["extent"]["y_max"], 43);
  ASSERT_EQ(layer["attributes"].size(), 3U);
  EXPECT_EQ(layer["attributes"][1]["name"], "code");
  EXPECT_TRUE(layer["attributes"][1]["unique"].get<bool>());
  EXPECT_FALSE(layer["attributes"][2]["unique"].get<bool>());
  EXPECT_EQ(layer["attributes"][1]["examples"][0], "010");
  EXPECT_TRUE(has(r["config"], "key: code")) << r["config"];
  EXPECT_TRUE(has(r["config"], "select: [\"010\"]")) << "a code is text: " << r["config"];
  EXPECT_TRUE(has(text_of({path}), "2 features, Polygon"));
}

TEST_F(Inspect, SeveralPathsAreOneDocument) {
  const auto doc =
      json_of({tiff("a.tif", 1, "EPSG:5070", "K"), tiff("b.tif", 2, "EPSG:5070", "K")});
  ASSERT_EQ(doc["paths"].size(), 2U);
  EXPECT_EQ(doc["paths"][1]["bands"].size(), 2U);
}

TEST_F(Inspect, UnreadablePathsAreErrorsThatNameThem) {
  std::ofstream(file("nonsense.dat")) << "nothing anybody knows";
  std::ofstream(file("broken.nc")) << "CDF\x01 and then nothing";
  std::filesystem::create_directory(file("folder"));
  std::filesystem::create_directory(file("package"));
  std::ofstream(file("package") + "/model.yaml") << "fluxtile-model: 1\n";
  for (const char* name : {"nonsense.dat", "broken.nc", "folder", "package", "missing.tif"}) {
    std::ostringstream out;
    try {
      inspect_verb({file(name)}, false, out);
      FAIL() << name << "\n" << out.str();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data) << name;
      EXPECT_TRUE(has(e.what(), name)) << e.what();
    }
  }
}

struct PatternCase {
  const char* path;
  const char* pattern;
  const char* date;
};

class SuggestPattern : public testing::TestWithParam<PatternCase> {};

TEST_P(SuggestPattern, Finds) {
  const auto [pattern, date] = suggest_pattern(GetParam().path);
  EXPECT_EQ(pattern, GetParam().pattern);
  EXPECT_EQ(date ? to_text(*date) : "", GetParam().date);
}

INSTANTIATE_TEST_SUITE_P(
    Names, SuggestPattern,
    testing::Values(PatternCase{"/d/gpp_2018193.tif", "gpp_%Y%j", "2018-07-12"},
                    PatternCase{"MOD17A2H.A2018193.h10v05.006.2018204.hdf", "MOD17A2H.A%Y%j",
                                "2018-07-12"},
                    PatternCase{"gpp_20180712_v2.tif", "gpp_%Y%m%d", "2018-07-12"},
                    PatternCase{"gpp_2018-07-12.tif", "gpp_%Y-%m-%d", "2018-07-12"},
                    PatternCase{"gpp_201807.tif", "gpp_%Y%m", "2018-07-01"},
                    PatternCase{"gpp_2018_07.tif", "gpp_%Y_%m", "2018-07-01"},
                    PatternCase{"MOD13A1_NDVI_2016_049.tif", "MOD13A1_NDVI_%Y_%j", "2016-02-18"},
                    PatternCase{"crop_2018.tif", "crop_%Y", "2018-01-01"},
                    PatternCase{"soil_9999.tif", "", ""}, PatternCase{"soil.tif", "", ""},
                    PatternCase{"tile_1234567.tif", "", ""}));

// ---- real files -------------------------------------------------------------------------------

class InspectReal : public test::NeedsFolder<test::kRealData> {
 protected:
  void given() override {
    start_gdal();
    root_ = given_folder() + "/";
  }
  void TearDown() override {
    close_netcdf_files();
    close_thread_datasets();
  }
  std::string root_;
};

TEST_F(InspectReal, GridMet) {
  const auto r = json_of({root_ + "gridmet-tmmx-conus/tmmx_20190121.nc"})["paths"][0];
  EXPECT_TRUE(has(r["warnings"].dump(), "GeoTransform"));
  EXPECT_TRUE(has(r["config"], "recipe: gridmet")) << r["config"];
  EXPECT_NEAR(r["grids"][0]["cell"][0].get<double>(), 1.0 / 24, 1e-9);
  EXPECT_EQ(r["time_axes"][0]["first"], "2019-01-21");
}

TEST_F(InspectReal, Mead) {
  const auto doc = json_of({root_ + "mead-ne/climate/mead_2001.nc",
                            root_ + "mead-ne/fields.geojson", root_ + "mead-ne/soil/TBKDS.tif",
                            root_ + "mead-ne/gpp"
                                    "/gpp_200107.tif"});
  const std::string climate = doc["paths"][0]["config"];
  for (const char* part : {"TMAX_AIR: {variable: tmax", "TDIF_AIR: {difference: [tmax, tmin]",
                           "HMAX_AIR: {variable: vapmax", "RADN: {variable: srad",
                           "WIND: {variable: wind", "PRECN: {variable: precip"})
    EXPECT_TRUE(has(climate, part)) << part << "\n" << climate;
  EXPECT_EQ(doc["paths"][0]["time_axes"][0]["missing_days"], 0);
  EXPECT_TRUE(has(doc["paths"][1]["config"], "key: site")) << doc["paths"][1]["config"];
  EXPECT_TRUE(has(doc["paths"][2]["config"], "TBKDS")) << doc["paths"][2]["config"];
  EXPECT_EQ(doc["paths"][3]["file_date"]["date"], "2001-07-01");
}

TEST_F(InspectReal, HdfZipAndTopology) {
  const auto doc =
      json_of({root_ + "modis-c6-hdf4/MOD13A2.A2016145.h18v04.006.2016166145124.hdf",
               root_ + "modis-ndvi-timeseries/NDVI.zip", root_ + "us-atlas/states-10m.json"});
  const auto& hdf = doc["paths"][0];
  ASSERT_FALSE(hdf["subdatasets"].empty());
  EXPECT_TRUE(hdf["subdatasets"][0].contains("grid")) << hdf["subdatasets"][0];
  EXPECT_EQ(hdf["file_date"]["date"], "2016-05-24");
  const auto& zip = doc["paths"][1];
  EXPECT_EQ(zip["kind"], "archive");
  EXPECT_EQ(zip["first"]["kind"], "raster");
  EXPECT_TRUE(has(doc["paths"][2]["hints"].dump(), "region.crs"));
}

TEST_F(InspectReal, EveryGridOfTheCollectionIsReadable) {
  int seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
    const std::string extension = entry.path().extension();
    if (extension != ".nc" && extension != ".tif" && extension != ".hdf" && extension != ".geojson")
      continue;
    const std::string text = text_of({entry.path().string()});
    EXPECT_TRUE(has(text, "kind")) << entry.path();
    ++seen;
  }
  EXPECT_GT(seen, 100);
}

}  // namespace
}  // namespace fluxtile
