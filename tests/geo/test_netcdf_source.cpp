// SPDX-License-Identifier: Apache-2.0
#include "geo/netcdf_source.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "geo/raster_source.h"
#include "geo/unit.h"
#include "netcdf_fixture.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

const NetcdfVariable& variable(const NetcdfInfo& info, const std::string& name) {
  for (const NetcdfVariable& v : info.variables)
    if (v.name == name) return v;
  throw Error(Code::data, "no variable " + name);
}

bool warned(const NetcdfInfo& info, const std::string& words) {
  for (const std::string& w : info.warnings)
    if (w.find(words) != std::string::npos) return true;
  return false;
}

std::string all(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string day(const CfTime& t) { return to_text(Date{t.year, t.month, t.day}); }

class NetcdfSource : public TemporaryDirectory {
 protected:
  void TearDown() override { close_netcdf_files(); }

  /// A 3 x 4 latitude/longitude grid with a variable `v` whose attributes `decorate` adds.
  template <typename Decorate>
  std::string grid_file(const std::string& name, nc_type type, const std::vector<double>& values,
                        Decorate decorate) {
    NcDraft nc(file(name));
    nc.axis("lat", {41, 40, 39}, "degrees_north").axis("lon", {-96, -95, -94, -93}, "degrees_east");
    nc.variable("v", type, {"lat", "lon"});
    decorate(nc);
    nc.values("v", values);
    return file(name);
  }
  std::string grid_file(const std::string& name, nc_type type, const std::vector<double>& values) {
    return grid_file(name, type, values, [](NcDraft&) {});
  }
};

// ---- reading --------------------------------------------------------------------------------

struct Order {
  const char* name;
  std::vector<std::string> dimensions;
};

class DimensionOrder : public NetcdfSource, public testing::WithParamInterface<Order> {};

TEST_P(DimensionOrder, IsAlwaysStepRowColumn) {
  const std::vector<std::string> dims = GetParam().dimensions;
  const std::map<std::string, size_t> sizes = {{"time", 5}, {"lat", 3}, {"lon", 4}, {"height", 1}};
  {
    NcDraft nc(file("a.nc"));
    nc.axis("time", counted(5), "days since 2018-01-01");
    nc.axis("lat", {39, 40, 41}, "degrees_north");
    nc.axis("lon", {-96, -95, -94, -93}, "degrees_east");
    nc.dimension("height", 1);
    nc.variable("v", NC_DOUBLE, dims);
    size_t total = 1;
    for (const std::string& d : dims) total *= sizes.at(d);
    std::vector<double> values(total);
    for (size_t i = 0; i < total; ++i) {
      size_t rest = i;
      double code = 0;
      for (size_t k = dims.size(); k-- > 0;) {
        const size_t at = rest % sizes.at(dims[k]);
        rest /= sizes.at(dims[k]);
        code += static_cast<double>(at) * (dims[k] == "time"  ? 100
                                           : dims[k] == "lat" ? 10
                                           : dims[k] == "lon" ? 1
                                                              : 0);
      }
      values[i] = code;
    }
    nc.values("v", values);
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const NetcdfVariable& v = variable(info, "v");
  const bool timed = v.time_dimension >= 0;
  const size_t first = timed ? 2 : 0, count = timed ? 3 : 1;
  const auto block = read_netcdf_block(info, v, first, count, {1, 1, 3, 2});
  ASSERT_EQ(block.size(), count * 6);
  size_t i = 0;
  for (size_t t = first; t < first + count; ++t)
    for (size_t r = 1; r < 3; ++r)
      for (size_t c = 1; c < 4; ++c)
        EXPECT_EQ(block[i++], static_cast<double>((timed ? t * 100 : 0) + r * 10 + c));
  // One step and one cell.
  const auto cell = read_netcdf_block(info, v, timed ? 4 : 0, 1, {3, 0, 1, 1});
  EXPECT_EQ(cell.at(0), timed ? 403 : 3);
}

INSTANTIATE_TEST_SUITE_P(
    Orders, DimensionOrder,
    testing::Values(Order{"tyx", {"time", "lat", "lon"}}, Order{"txy", {"time", "lon", "lat"}},
                    Order{"yxt", {"lat", "lon", "time"}}, Order{"xyt", {"lon", "lat", "time"}},
                    Order{"ytx", {"lat", "time", "lon"}}, Order{"xty", {"lon", "time", "lat"}},
                    Order{"yx", {"lat", "lon"}}, Order{"xy", {"lon", "lat"}},
                    Order{"tzyx", {"time", "height", "lat", "lon"}},
                    Order{"zxyt", {"height", "lon", "lat", "time"}}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(NetcdfSource, EveryWindowEqualsTheWhole) {
  const size_t nt = 6, ny = 20, nx = 30;
  {
    NcDraft nc(file("a.nc"));
    nc.axis("time", counted(nt), "days since 2018-01-01");
    nc.axis("lat", counted(ny, 45, -0.25), "degrees_north");
    nc.axis("lon", counted(nx, -100, 0.25), "degrees_east");
    nc.variable("v", NC_SHORT, {"time", "lat", "lon"});
    nc.number("scale_factor", NC_DOUBLE, {0.5}).chunked({4, 7, 8});
    nc.values("v", counted(nt * ny * nx));
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const NetcdfVariable& v = variable(info, "v");
  const auto whole = read_netcdf_block(info, v, 0, nt, {0, 0, 30, 20});
  EXPECT_EQ(whole[nt * ny * nx - 1], 0.5 * static_cast<double>(nt * ny * nx - 1));
  for (size_t t = 0; t < nt; ++t)
    for (int64_t row = 0; row < 20; row += 3)
      for (int64_t column = 0; column < 30; column += 7) {
        const SourceWindow w{column, row, std::min<int64_t>(9, 30 - column),
                             std::min<int64_t>(5, 20 - row)};
        const auto part = read_netcdf_block(info, v, t, 1, w);
        for (int64_t r = 0; r < w.height; ++r)
          for (int64_t c = 0; c < w.width; ++c)
            ASSERT_EQ(part[static_cast<size_t>(r * w.width + c)],
                      whole[t * ny * nx + static_cast<size_t>((row + r) * 30 + column + c)]);
      }
}

TEST_F(NetcdfSource, RefusesWhatLiesOutside) {
  const std::string path = grid_file("a.nc", NC_FLOAT, counted(12));
  const NetcdfInfo info = read_netcdf_info(path);
  const NetcdfVariable& v = variable(info, "v");
  EXPECT_THROW(read_netcdf_block(info, v, 0, 1, {0, 0, 5, 1}), Error);
  EXPECT_THROW(read_netcdf_block(info, v, 0, 1, {4, 0, 1, 1}), Error);
  EXPECT_THROW(read_netcdf_block(info, v, 0, 1, {0, 2, 1, 2}), Error);
  EXPECT_THROW(read_netcdf_block(info, v, 0, 1, {-1, 0, 1, 1}), Error);
  EXPECT_THROW(read_netcdf_block(info, v, 1, 1, {0, 0, 1, 1}), Error);
  EXPECT_THROW(read_netcdf_block(info, v, 0, 2, {0, 0, 1, 1}), Error);
  EXPECT_THROW(read_netcdf_block(info, v, 0, 1, {0, 0, int64_t{1} << 62, int64_t{1} << 1}), Error);
  EXPECT_TRUE(read_netcdf_block(info, v, 0, 1, {0, 0, 0, 1}).empty());
}

// ---- masks and packing ------------------------------------------------------------------------

TEST_F(NetcdfSource, MasksInTheStoredTypeThenUnpacks) {
  const std::string path = grid_file(
      "a.nc", NC_SHORT, {0, 1, 2, -1, -32767, 100, 101, 99, 7, 8, -3, 50}, [](NcDraft& nc) {
        nc.number("_FillValue", NC_SHORT, {-32767});
        nc.number("missing_value", NC_DOUBLE, {7, 8});
        nc.number("valid_range", NC_SHORT, {-1, 100});
        nc.number("scale_factor", NC_DOUBLE, {0.5}).number("add_offset", NC_DOUBLE, {10});
        nc.text("units", "K").text("long_name", "something");
      });
  const NetcdfInfo info = read_netcdf_info(path);
  const NetcdfVariable& v = variable(info, "v");
  EXPECT_EQ(v.type, "short");
  EXPECT_EQ(v.units, "K");
  EXPECT_EQ(v.scale, 0.5);
  EXPECT_EQ(v.offset, 10);
  EXPECT_EQ(v.fill_values, (std::vector<double>{-32767, 7, 8}));
  EXPECT_EQ(*v.valid_min, -1);
  EXPECT_EQ(*v.valid_max, 100);
  const auto b = read_netcdf_block(info, v, 0, 1, {0, 0, 4, 3});
  const double none = std::nan("");
  const std::vector<double> expected = {10,   10.5, 11,   9.5,  none, 60,
                                        none, 59.5, none, none, none, 35};
  for (size_t i = 0; i < b.size(); ++i) {
    if (std::isnan(expected[i]))
      EXPECT_TRUE(std::isnan(b[i])) << i << " " << b[i];
    else
      EXPECT_EQ(b[i], expected[i]) << i;
  }
}

TEST_F(NetcdfSource, UnsignedShortsOfTheClassicFormat) {
  // Stored -1 stands for 65535, -9536 for 56000; the limits are written the same way.
  const std::string path =
      grid_file("a.nc", NC_SHORT, {0, 1, -1, -9536, 9199, 9200, -9535, 32767, -32768, 9201, 1, 1},
                [](NcDraft& nc) {
                  nc.text("_Unsigned", "true").number("_FillValue", NC_SHORT, {-1});
                  nc.number("valid_range", NC_SHORT, {9200, -9536});
                });
  const NetcdfInfo info = read_netcdf_info(path);
  const auto b = read_netcdf_block(info, variable(info, "v"), 0, 1, {0, 0, 4, 3});
  EXPECT_TRUE(std::isnan(b[0]));
  EXPECT_TRUE(std::isnan(b[2]));
  EXPECT_EQ(b[3], 56000);
  EXPECT_TRUE(std::isnan(b[4]));
  EXPECT_EQ(b[5], 9200);
  EXPECT_TRUE(std::isnan(b[6]));
  EXPECT_EQ(b[7], 32767);
  EXPECT_EQ(b[8], 32768);
}

TEST_F(NetcdfSource, FillOfAnotherType) {
  // -9999.9 as a double is no float: it must still be found among floats.
  const std::string path =
      grid_file("a.nc", NC_FLOAT, {-9999.9, 1, 2, 9.969209968386869e36, 4, 5, 6, 7, 8, 9, 10, NAN},
                [](NcDraft& nc) { nc.number("missing_value", NC_DOUBLE, {-9999.9}); });
  const NetcdfInfo info = read_netcdf_info(path);
  const auto b = read_netcdf_block(info, variable(info, "v"), 0, 1, {0, 0, 4, 3});
  EXPECT_TRUE(std::isnan(b[0]));
  EXPECT_EQ(b[1], 1);
  EXPECT_TRUE(std::isnan(b[3])) << "NetCDF's own fill value, as no _FillValue is set";
  EXPECT_TRUE(std::isnan(b[11])) << "not a number";

  const std::string endless =
      grid_file("c.nc", NC_DOUBLE, {INFINITY, -INFINITY, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const NetcdfInfo third = read_netcdf_info(endless);
  const auto c = read_netcdf_block(third, variable(third, "v"), 0, 1, {0, 0, 3, 1});
  EXPECT_TRUE(std::isnan(c[0]) && std::isnan(c[1])) << "not finite";
  EXPECT_EQ(c[2], 2);

  const std::string text = grid_file("b.nc", NC_SHORT, {-99, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                                     [](NcDraft& nc) { nc.text("missing_value", "-99"); });
  const NetcdfInfo second = read_netcdf_info(text);
  EXPECT_TRUE(std::isnan(read_netcdf_block(second, variable(second, "v"), 0, 1, {0, 0, 1, 1})[0]));
}

TEST_F(NetcdfSource, TheConfigurationReplacesWhatTheFileSays) {
  const std::string path =
      grid_file("a.nc", NC_FLOAT, {-1.1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -9999}, [](NcDraft& nc) {
        nc.number("_FillValue", NC_FLOAT, {-9999});
        nc.number("scale_factor", NC_DOUBLE, {10});
      });
  const NetcdfInfo info = read_netcdf_info(path);
  Packing packing;
  EXPECT_EQ(repacked(variable(info, "v"), packing).fill_values, (std::vector<double>{-9999}));
  packing.scale = 0.5;
  packing.nodata = -1.1;  // no float has this value
  packing.fill_values = {3};
  const auto b =
      read_netcdf_block(info, repacked(variable(info, "v"), packing), 0, 1, {0, 0, 4, 3});
  EXPECT_TRUE(std::isnan(b[0]));
  EXPECT_EQ(b[1], 0.5);
  EXPECT_TRUE(std::isnan(b[3]));
  EXPECT_EQ(b[11], -4999.5);
}

TEST_F(NetcdfSource, LimitsOfUnpackedValues) {
  const std::string path = grid_file("a.nc", NC_SHORT, counted(12), [](NcDraft& nc) {
    nc.number("scale_factor", NC_FLOAT, {0.5}).number("add_offset", NC_FLOAT, {10});
    nc.number("valid_min", NC_FLOAT, {11}).number("valid_max", NC_FLOAT, {14});
  });
  const NetcdfInfo info = read_netcdf_info(path);
  const auto b = read_netcdf_block(info, variable(info, "v"), 0, 1, {0, 0, 4, 3});
  EXPECT_TRUE(std::isnan(b[1]));
  EXPECT_EQ(b[2], 11);
  EXPECT_EQ(b[8], 14);
  EXPECT_TRUE(std::isnan(b[9]));
}

// ---- place ------------------------------------------------------------------------------------

TEST_F(NetcdfSource, AxesKeepTheirDirection) {
  for (const bool up : {false, true}) {
    const std::string path = file(up ? "up.nc" : "down.nc");
    {
      NcDraft nc(path);
      nc.axis("lat", up ? std::vector<double>{39, 40, 41} : std::vector<double>{41, 40, 39},
              "degrees_north");
      nc.axis("lon", {-96, -95}, "degrees_east");
      nc.variable("v", NC_FLOAT, {"lat", "lon"});
      nc.values("v", counted(6));
    }
    const NetcdfInfo info = read_netcdf_info(path);
    const NetcdfVariable& v = variable(info, "v");
    EXPECT_EQ(v.grid.y_axis.front(), up ? 39 : 41);
    EXPECT_EQ(v.grid.width, 2);
    EXPECT_EQ(v.grid.height, 3);
    double x = -95, y = 39.25;
    v.grid.to_index(&x, &y, 1);
    EXPECT_NEAR(x, 1, 1e-12);
    EXPECT_NEAR(y, up ? 0.25 : 1.75, 1e-12);
  }
}

TEST_F(NetcdfSource, LatitudeAndLongitudeAloneAreWgs84) {
  const std::string path = grid_file("a.nc", NC_FLOAT, counted(12));
  const NetcdfInfo info = read_netcdf_info(path);
  const NetcdfVariable& v = variable(info, "v");
  EXPECT_TRUE(v.grid.crs.same_as(Crs::from_user_input("EPSG:4326")));
  EXPECT_NE(v.crs_source.find("EPSG:4326"), std::string::npos);
  EXPECT_FALSE(v.grid.wraps);
  EXPECT_TRUE(v.times.empty());
  EXPECT_TRUE(info.warnings.empty()) << all(info.warnings);
}

TEST_F(NetcdfSource, LongitudesWrap) {
  const auto wraps = [&](const std::string& name, const std::vector<double>& lon) {
    {
      NcDraft nc(file(name));
      nc.axis("lat", {41, 40}, "degrees_north").axis("lon", lon, "degrees_east");
      nc.variable("v", NC_FLOAT, {"lat", "lon"});
      nc.values("v", counted(2 * lon.size()));
    }
    const NetcdfInfo info = read_netcdf_info(file(name));
    const SourceGrid grid = variable(info, "v").grid;
    double x = -96, y = 41;
    grid.to_index(&x, &y, 1);
    return std::make_pair(grid.wraps, x);
  };
  EXPECT_EQ(wraps("west.nc", counted(10, -100, 1)), std::make_pair(false, 4.0));
  EXPECT_EQ(wraps("east.nc", counted(10, 260, 1)), std::make_pair(true, 4.0));
  EXPECT_EQ(wraps("global.nc", counted(360, 0, 1)), std::make_pair(true, 264.0));
  EXPECT_EQ(wraps("global180.nc", counted(360, -179.5, 1)), std::make_pair(true, 83.5));
  // Across the date line, as many Pacific grids are written.
  EXPECT_TRUE(wraps("dateline.nc", {178, 179, -180, -179}).first);
}

TEST_F(NetcdfSource, ProjectedKilometres) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("y", {10, 9, 8}, "km").axis("x", {-2, -1, 0, 1}, "km");
    nc.variable("v", NC_FLOAT, {"y", "x"});
    nc.text("grid_mapping", "albers");
    nc.values("v", counted(12));
    nc.variable("albers", NC_INT, {});
    nc.text("grid_mapping_name", "albers_conical_equal_area");
    nc.number("standard_parallel", NC_DOUBLE, {29.5, 45.5});
    nc.number("latitude_of_projection_origin", NC_DOUBLE, {23});
    nc.number("longitude_of_central_meridian", NC_DOUBLE, {-96});
    nc.number("false_easting", NC_DOUBLE, {0}).number("false_northing", NC_DOUBLE, {0});
    nc.number("semi_major_axis", NC_DOUBLE, {6378137});
    nc.number("inverse_flattening", NC_DOUBLE, {298.257222101});
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const NetcdfVariable& v = variable(info, "v");
  EXPECT_EQ(v.grid.x_axis, (std::vector<double>{-2000, -1000, 0, 1000}));
  EXPECT_EQ(v.grid.y_axis, (std::vector<double>{10000, 9000, 8000}));
  EXPECT_FALSE(v.grid.crs.geographic());
  // The same place as in EPSG:5070.
  const Operation op = choose_operation(Crs::from_user_input("EPSG:5070"), v.grid.crs);
  double x = -500000, y = 2000000;
  Transform(op).forward(&x, &y, 1);
  EXPECT_NEAR(x, -500000, 1e-6);
  EXPECT_NEAR(y, 2000000, 1e-6);
}

struct Mapping {
  const char* name;
  std::vector<std::pair<std::string, std::vector<double>>> parameters;
  const char* same_as;  ///< a definition that puts points in the same place
};

class GridMapping : public NetcdfSource, public testing::WithParamInterface<Mapping> {};

TEST_P(GridMapping, PutsPointsWhereItShould) {
  const Mapping m = GetParam();
  {
    NcDraft nc(file("a.nc"));
    nc.axis("y", {10, 9, 8}, "m").axis("x", {-2, -1, 0, 1}, "m");
    nc.variable("v", NC_FLOAT, {"y", "x"});
    nc.text("grid_mapping", "crs");
    nc.values("v", counted(12));
    nc.variable("crs", NC_INT, {});
    nc.text("grid_mapping_name", m.name);
    for (const auto& [name, values] : m.parameters) nc.number(name, NC_DOUBLE, values);
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const NetcdfVariable& v = variable(info, "v");
  ASSERT_TRUE(v.unusable.empty()) << v.unusable;
  const Crs wgs = Crs::from_user_input("EPSG:4326");
  const Transform ours(choose_operation(wgs, v.grid.crs));
  const Transform theirs(choose_operation(wgs, Crs::from_user_input(m.same_as)));
  const bool polar = std::string(m.name) == "polar_stereographic";
  for (const double lon : {-97.5, -80.0, -60.0})
    for (double lat : {31.0, 48.0}) {
      if (polar) lat += 30;
      double x = lon, y = lat, u = lon, w = lat;
      ours.forward(&x, &y, 1);
      theirs.forward(&u, &w, 1);
      EXPECT_NEAR(x, u, 1e-4);
      EXPECT_NEAR(y, w, 1e-4);
      EXPECT_GT(std::abs(x) + std::abs(y), 1000) << "not transformed at all";
    }
}

INSTANTIATE_TEST_SUITE_P(
    Mappings, GridMapping,
    testing::Values(
        Mapping{"lambert_conformal_conic",
                {{"standard_parallel", {25, 60}},
                 {"latitude_of_projection_origin", {42.5}},
                 {"longitude_of_central_meridian", {-100}},
                 {"false_easting", {1000}},
                 {"semi_major_axis", {6378137}},
                 {"inverse_flattening", {298.257223563}}},
                "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +x_0=1000 +datum=WGS84"},
        Mapping{"lambert_conformal_conic",
                {{"standard_parallel", {38.5}},
                 {"latitude_of_projection_origin", {38.5}},
                 {"longitude_of_central_meridian", {-97.5}},
                 {"earth_radius", {6370000}}},
                "+proj=lcc +lat_1=38.5 +lat_0=38.5 +lon_0=-97.5 +R=6370000"},
        Mapping{"albers_conical_equal_area",
                {{"standard_parallel", {29.5, 45.5}},
                 {"latitude_of_projection_origin", {23}},
                 {"longitude_of_central_meridian", {-96}}},
                "+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +datum=WGS84"},
        Mapping{"transverse_mercator",
                {{"latitude_of_projection_origin", {0}},
                 {"longitude_of_central_meridian", {-93}},
                 {"scale_factor_at_central_meridian", {0.9996}},
                 {"false_easting", {500000}},
                 {"false_northing", {0}}},
                "EPSG:32615"},
        Mapping{"polar_stereographic",
                {{"straight_vertical_longitude_from_pole", {-45}},
                 {"latitude_of_projection_origin", {90}},
                 {"standard_parallel", {70}},
                 {"semi_major_axis", {6378137}},
                 {"inverse_flattening", {298.257223563}}},
                "EPSG:3413"},
        Mapping{"sinusoidal",
                {{"longitude_of_projection_origin", {0}}, {"earth_radius", {6371007.181}}},
                "+proj=sinu +lon_0=0 +R=6371007.181"},
        Mapping{"lambert_azimuthal_equal_area",
                {{"latitude_of_projection_origin", {45}},
                 {"longitude_of_projection_origin", {-100}},
                 {"semi_major_axis", {6370997}},
                 {"semi_minor_axis", {6370997}}},
                "+proj=laea +lat_0=45 +lon_0=-100 +R=6370997"},
        Mapping{"lambert_cylindrical_equal_area",
                {{"longitude_of_central_meridian", {0}}, {"standard_parallel", {30}}},
                "EPSG:6933"},
        Mapping{"mercator",
                {{"longitude_of_projection_origin", {-90}}, {"standard_parallel", {40}}},
                "+proj=merc +lon_0=-90 +lat_ts=40 +datum=WGS84"}),
    [](const auto& p) { return std::string(p.param.name) + std::to_string(p.index); });

TEST_F(NetcdfSource, CrsFromManyAttributes) {
  const Crs albers = Crs::from_user_input("EPSG:5070");
  const std::vector<std::pair<std::string, std::string>> ways = {{"crs_wkt", albers.wkt()},
                                                                 {"spatial_ref", albers.wkt()},
                                                                 {"epsg_code", "EPSG:5070"},
                                                                 {"epsg_code", "5070"}};
  int n = 0;
  for (const auto& [name, value] : ways)
    for (const bool extended : {false, true}) {
      const std::string path = file("a" + std::to_string(n++) + ".nc");
      {
        NcDraft nc(path);
        nc.axis("y", {10, 9, 8}, "m").axis("x", {-2, -1, 0, 1}, "m");
        nc.variable("v", NC_FLOAT, {"y", "x"});
        nc.text("grid_mapping", extended ? "crs: x y" : "crs");
        nc.values("v", counted(12));
        nc.variable("crs", NC_CHAR, {});
        nc.text(name, value);
      }
      const NetcdfInfo info = read_netcdf_info(path);
      EXPECT_TRUE(variable(info, "v").grid.crs.same_as(albers)) << name;
      EXPECT_NE(variable(info, "v").crs_source.find(name), std::string::npos);
    }
  {
    NcDraft nc(file("loose.nc"));
    nc.axis("y", {10, 9, 8}, "metre").axis("x", {-2, -1, 0, 1}, "metre");
    nc.variable("v", NC_FLOAT, {"y", "x"});
    nc.text("crs", "+proj=sinu +R=6371007.181 +units=m");
    nc.values("v", counted(12));
    nc.variable("w", NC_FLOAT, {"y", "x"});
    nc.values("w", counted(12));
    nc.variable("wrong", NC_FLOAT, {"y", "x"});
    nc.text("grid_mapping", "nothing_there");
    nc.values("wrong", counted(12));
  }
  const NetcdfInfo info = read_netcdf_info(file("loose.nc"));
  EXPECT_FALSE(variable(info, "v").grid.crs.empty());
  EXPECT_TRUE(variable(info, "w").grid.crs.empty());
  EXPECT_EQ(variable(info, "w").crs_source, "none found");
  EXPECT_TRUE(warned(info, "nothing_there")) << all(info.warnings);
}

TEST_F(NetcdfSource, TheOnlyGridMappingOfAFile) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("y", {10, 9, 8}, "m").axis("x", {-2, -1, 0, 1}, "m");
    nc.variable("v", NC_FLOAT, {"y", "x"});
    nc.values("v", counted(12));
    nc.variable("spatial_ref", NC_INT, {});
    nc.text("crs_wkt", Crs::from_user_input("EPSG:5070").wkt());
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  EXPECT_TRUE(variable(info, "v").grid.crs.same_as(Crs::from_user_input("EPSG:5070")));
  EXPECT_NE(variable(info, "v").crs_source.find("does not name it"), std::string::npos);
}

TEST_F(NetcdfSource, RotatedPoleIsRefusedOnlyWhenUsed) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("rlat", {10, 9, 8}, "degrees").text("standard_name", "grid_latitude");
    nc.axis("rlon", {-2, -1, 0, 1}, "degrees").text("standard_name", "grid_longitude");
    nc.variable("v", NC_FLOAT, {"rlat", "rlon"});
    nc.text("grid_mapping", "rotated_pole");
    nc.values("v", counted(12));
    nc.variable("rotated_pole", NC_CHAR, {});
    nc.text("grid_mapping_name", "rotated_latitude_longitude");
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const NetcdfVariable& v = variable(info, "v");
  EXPECT_TRUE(warned(info, "rotated pole"));
  try {
    read_netcdf_block(info, v, 0, 1, {0, 0, 1, 1});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::data);
    EXPECT_NE(std::string(e.what()).find("rotated pole"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("a.nc"), std::string::npos);
  }
}

TEST_F(NetcdfSource, CurvilinearIsListedButUnusable) {
  {
    NcDraft nc(file("a.nc"));
    nc.dimension("j", 2);
    nc.dimension("i", 3);
    nc.variable("lat", NC_FLOAT, {"j", "i"});
    nc.text("units", "degrees_north");
    nc.values("lat", counted(6, 40, 0.1));
    nc.variable("lon", NC_FLOAT, {"j", "i"});
    nc.text("units", "degrees_east");
    nc.values("lon", counted(6, -96, 0.1));
    nc.variable("v", NC_FLOAT, {"j", "i"});
    nc.text("coordinates", "lat lon");
    nc.values("v", counted(6));
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  EXPECT_EQ(variable(info, "v").grid.width, 3);
  EXPECT_TRUE(warned(info, "curvilinear")) << all(info.warnings);
  EXPECT_THROW(require_usable(info, variable(info, "v")), Error);
}

TEST_F(NetcdfSource, CoordinateVariablesWinOverAGeoTransform) {
  const auto with = [&](const std::string& name, const std::string& gt) {
    {
      NcDraft nc(file(name));
      nc.axis("lat", {39, 40, 41}, "degrees_north").axis("lon", {-96, -95, -94}, "degrees_east");
      nc.variable("v", NC_FLOAT, {"lat", "lon"});
      nc.text("grid_mapping", "crs");
      nc.values("v", counted(9));
      nc.variable("crs", NC_INT, {});
      nc.text("grid_mapping_name", "latitude_longitude").text("GeoTransform", gt);
    }
    return read_netcdf_info(file(name));
  };
  const NetcdfInfo good = with("good.nc", "-96.5 1 0 41.5 0 -1 ");
  EXPECT_TRUE(good.warnings.empty()) << all(good.warnings);
  const NetcdfInfo off = with("off.nc", "-96 1 0 41 0 -1");
  EXPECT_TRUE(warned(off, "GeoTransform")) << all(off.warnings);
  EXPECT_EQ(variable(off, "v").grid.x_axis, variable(good, "v").grid.x_axis);
}

TEST_F(NetcdfSource, BrokenAxes) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("lat", {39, 41, 40}, "degrees_north").axis("lon", {-96, -95, -94}, "degrees_east");
    nc.variable("v", NC_FLOAT, {"lat", "lon"});
    nc.values("v", counted(9));
    nc.axis("latitude", {139, 141}, "degrees_north");
    nc.variable("w", NC_FLOAT, {"latitude", "lon"});
    nc.values("w", counted(6));
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  EXPECT_THROW(require_usable(info, variable(info, "v")), Error);
  EXPECT_THROW(require_usable(info, variable(info, "w")), Error);
}

TEST_F(NetcdfSource, OneRow) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("lat", {40}, "degrees_north").axis("lon", {-96, -95, -94}, "degrees_east");
    nc.variable("v", NC_FLOAT, {"lat", "lon"});
    nc.values("v", counted(3));
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const SourceGrid& grid = variable(info, "v").grid;
  double x = -95, y = 40;
  grid.to_index(&x, &y, 1);
  EXPECT_NEAR(x, 1, 1e-9);
  EXPECT_NEAR(y, 0, 1e-9);
  EXPECT_TRUE(warned(info, "square")) << all(info.warnings);
}

// ---- time and what else is in a file -----------------------------------------------------------

TEST_F(NetcdfSource, TimeAxes) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("time", {58, 59}, "days since 2016-01-01", NC_INT64).text("calendar", "noleap");
    nc.axis("month", {0, 1}, "months since 2016-01-01");
    nc.axis("lat", {39, 40}, "degrees_north").axis("lon", {-96, -95}, "degrees_east");
    nc.variable("v", NC_FLOAT, {"time", "lat", "lon"});
    nc.values("v", counted(8));
    nc.variable("m", NC_FLOAT, {"month", "lat", "lon"});
    nc.values("m", counted(8));
    nc.variable("stamp", NC_DOUBLE, {});
    nc.text("units", "hours since 2018-07-14 12:00");
    nc.values("stamp", {6});
    nc.variable("s", NC_FLOAT, {"lat", "lon"});
    nc.text("coordinates", "stamp");
    nc.values("s", counted(4));
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  const NetcdfVariable& v = variable(info, "v");
  EXPECT_EQ(v.calendar, Calendar::noleap);
  ASSERT_EQ(v.times.size(), 2U);
  EXPECT_EQ(day(v.times[0]), "2016-02-28");
  EXPECT_EQ(day(v.times[1]), "2016-03-01");
  EXPECT_THROW(require_usable(info, variable(info, "m")), Error);
  const NetcdfVariable& s = variable(info, "s");
  ASSERT_EQ(s.times.size(), 1U);
  EXPECT_EQ(s.time_dimension, -1);
  EXPECT_EQ(day(s.times[0]), "2018-07-14");
  EXPECT_EQ(s.times[0].day_fraction, 0.75);
}

TEST_F(NetcdfSource, WhatIsNoMap) {
  {
    NcDraft nc(file("a.nc"));
    nc.axis("lat", {39, 40}, "degrees_north").axis("lon", {-96, -95}, "degrees_east");
    nc.dimension("band", 3);
    nc.dimension("letters", 5);
    nc.variable("cube", NC_FLOAT, {"band", "lat", "lon"});
    nc.values("cube", counted(12));
    nc.variable("label", NC_CHAR, {"letters"});
    nc.variable("names", NC_STRING, {"lat", "lon"});
    nc.variable("series", NC_FLOAT, {"lat"});
    nc.values("series", counted(2));
    nc.global().text("title", "a title").number("version", NC_DOUBLE, {1.5, 2});
  }
  const NetcdfInfo info = read_netcdf_info(file("a.nc"));
  EXPECT_TRUE(info.variables.empty());
  EXPECT_EQ(info.other_variables, (std::vector<std::string>{"cube", "label", "names", "series"}));
  EXPECT_TRUE(warned(info, "band"));
  EXPECT_EQ(info.attributes.at("title"), "a title");
  EXPECT_EQ(info.attributes.at("version"), "1.5, 2");
  EXPECT_EQ(info.format, "NetCDF-4");
}

TEST_F(NetcdfSource, ClassicFormats) {
  for (const int mode : {0, NC_64BIT_OFFSET, NC_CLASSIC_MODEL | NC_NETCDF4}) {
    const std::string path = file("a" + std::to_string(mode) + ".nc");
    {
      NcDraft nc(path, mode);
      nc.axis("lat", {39, 40}, "degrees_north").axis("lon", {-96, -95}, "degrees_east");
      nc.variable("v", NC_FLOAT, {"lat", "lon"});
      nc.values("v", counted(4));
    }
    const NetcdfInfo info = read_netcdf_info(path);
    EXPECT_EQ(read_netcdf_block(info, variable(info, "v"), 0, 1, {0, 0, 2, 2}), counted(4));
  }
}

// ---- files ------------------------------------------------------------------------------------

TEST_F(NetcdfSource, UnreadableFilesAreNamed) {
  std::ofstream(file("text.nc")) << "not NetCDF";
  std::ofstream(file("empty.nc")).flush();
  const std::string whole = grid_file("whole.nc", NC_FLOAT, counted(12));
  std::filesystem::copy_file(whole, file("cut.nc"));
  std::filesystem::resize_file(file("cut.nc"), std::filesystem::file_size(whole) / 2);
  for (const char* name : {"text.nc", "empty.nc", "cut.nc", "missing.nc", "http.nc"}) {
    try {
      read_netcdf_info(file(name));
      FAIL() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data) << name;
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos);
    }
  }
  EXPECT_THROW(read_netcdf_info("http://example.invalid/x.nc"), Error);
  EXPECT_THROW(read_netcdf_info(testing::TempDir()), Error);
}

TEST_F(NetcdfSource, AReplacedFileIsReadAnew) {
  const std::string path = grid_file("a.nc", NC_FLOAT, counted(12));
  const NetcdfInfo before = read_netcdf_info(path);
  const std::string other = grid_file("b.nc", NC_FLOAT, counted(12, 100));
  std::filesystem::rename(other, path);
  EXPECT_EQ(read_netcdf_block(before, variable(before, "v"), 0, 1, {0, 0, 4, 3}), counted(12, 100));
}

TEST_F(NetcdfSource, MoreFilesThanTheCacheHolds) {
  std::vector<NetcdfInfo> infos;
  for (int i = 0; i < 25; ++i)
    infos.push_back(read_netcdf_info(
        grid_file("f" + std::to_string(i) + ".nc", NC_FLOAT, counted(12, 100.0 * i))));
  for (int round = 0; round < 2; ++round)
    for (size_t i = 0; i < infos.size(); ++i)
      EXPECT_EQ(read_netcdf_block(infos[i], variable(infos[i], "v"), 0, 1, {1, 1, 1, 1}).at(0),
                100.0 * static_cast<double>(i) + 5);
}

TEST_F(NetcdfSource, ThreadsReadTheSameFilesAtOnce) {
  std::vector<NetcdfInfo> infos;
  for (int i = 0; i < 12; ++i)
    infos.push_back(read_netcdf_info(
        grid_file("f" + std::to_string(i) + ".nc", NC_FLOAT, counted(12, 100.0 * i))));
  close_netcdf_files();
  testing::internal::CaptureStderr();
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (size_t k = 0; k < 100; ++k) {
        const size_t i = (k * (t + 1)) % infos.size();
        const auto b = read_netcdf_block(infos[i], variable(infos[i], "v"), 0, 1, {0, 0, 4, 3});
        if (b != counted(12, 100.0 * static_cast<double>(i))) ++wrong[t];
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "HDF5 talks in every new thread";
  for (const int n : wrong) EXPECT_EQ(n, 0);
}

// ---- real files: the expected numbers were read off with ncdump and GDAL
// -------------------------

class RealNetcdf : public test::NeedsFolder<test::kRealData> {
 protected:
  void TearDown() override { close_netcdf_files(); }
  [[nodiscard]] NetcdfInfo open(const std::string& name) const {
    return read_netcdf_info(given_folder() + "/" + name);
  }
  static double at(const NetcdfInfo& info, const NetcdfVariable& v, size_t step, int64_t row,
                   int64_t column) {
    return read_netcdf_block(info, v, step, 1, {column, row, 1, 1}).at(0);
  }
};

TEST_F(RealNetcdf, GridMet) {
  const NetcdfInfo info = open("gridmet-tmmx-conus/tmmx_20190121.nc");
  const NetcdfVariable& v = variable(info, "air_temperature");
  EXPECT_EQ(v.long_name, "tmmx");
  EXPECT_EQ(v.units, "K");
  EXPECT_EQ(v.type, "ushort");
  EXPECT_EQ(v.grid.width, 1386);
  EXPECT_EQ(v.grid.height, 585);
  EXPECT_NEAR(v.grid.x_axis[0], -124.766666633333, 1e-9);
  EXPECT_NEAR(v.grid.y_axis[0], 49.4, 1e-12);
  EXPECT_TRUE(v.grid.crs.geographic());
  EXPECT_TRUE(warned(info, "GeoTransform")) << all(info.warnings);
  ASSERT_EQ(v.times.size(), 1U);
  EXPECT_EQ(day(v.times[0]), "2019-01-21");
  EXPECT_TRUE(std::isnan(at(info, v, 0, 0, 0)));
  EXPECT_NEAR(at(info, v, 0, 192, 800), 268.9, 1e-9);
  EXPECT_NEAR(at(info, v, 0, 300, 1000), 269.3, 1e-9);
  const auto whole = read_netcdf_block(info, v, 0, 1, {0, 0, 1386, 585});
  EXPECT_EQ(std::count_if(whole.begin(), whole.end(), [](double x) { return !std::isnan(x); }),
            483879);
}

TEST_F(RealNetcdf, NclimGridDailyUpMonthlyDown) {
  const NetcdfInfo daily = open("nclimgrid-conus/tmax-202201-grd-scaled.nc");
  const NetcdfVariable& tmax = variable(daily, "tmax");
  EXPECT_LT(tmax.grid.y_axis.front(), tmax.grid.y_axis.back());
  EXPECT_TRUE(tmax.grid.crs.same_as(Crs::from_user_input("EPSG:4326")));
  EXPECT_EQ(convert_unit(parse_unit(tmax.units), parse_unit("K")).offset, 273.15);
  ASSERT_EQ(tmax.times.size(), 2U);
  EXPECT_EQ(day(tmax.times[0]), "2022-01-01");
  EXPECT_EQ(day(tmax.times[1]), "2022-01-02");
  EXPECT_TRUE(std::isnan(at(daily, tmax, 0, 0, 0)));
  EXPECT_EQ(at(daily, tmax, 0, 415, 750), -0.900390625);
  EXPECT_EQ(at(daily, tmax, 1, 415, 750), -14.259765625);
  EXPECT_EQ(at(daily, tmax, 0, 180, 750), 27);
  const NetcdfInfo tmin = open("nclimgrid-conus/tmin-202201-grd-scaled.nc");
  EXPECT_EQ(at(tmin, variable(tmin, "tmin"), 1, 415, 750), -21.0498046875);

  const NetcdfInfo monthly = open("nclimgrid-conus/nclimgrid_prcp.nc");
  const NetcdfVariable& prcp = variable(monthly, "prcp");
  EXPECT_GT(prcp.grid.y_axis.front(), prcp.grid.y_axis.back());
  EXPECT_EQ(day(prcp.times[1]), "1895-02-01");
  EXPECT_EQ(at(monthly, prcp, 0, 415, 750), 104.91015625);
  EXPECT_EQ(at(monthly, prcp, 1, 415, 750), 35.8896484375);
}

TEST_F(RealNetcdf, Era5) {
  const NetcdfInfo info = open("era5-conus-19950714/era5_1995-07-14T12.nc");
  const NetcdfVariable& t2m = variable(info, "t2m");
  EXPECT_EQ(t2m.grid.x_axis.front(), -125);
  EXPECT_EQ(t2m.grid.y_axis.front(), 50);
  ASSERT_EQ(t2m.times.size(), 1U);
  EXPECT_EQ(day(t2m.times[0]), "1995-07-14");
  EXPECT_EQ(t2m.times[0].day_fraction, 0.5);
  EXPECT_NEAR(at(info, t2m, 0, 50, 120), 298.7498508586263, 1e-9);
  EXPECT_NEAR(at(info, variable(info, "sp"), 0, 104, 236), 101495.77688817085, 1e-6);
  EXPECT_EQ(at(info, variable(info, "t2m_C"), 0, 50, 120), 25.599853515625);
  EXPECT_DOUBLE_EQ(
      convert_unit(parse_unit(variable(info, "u10").units), parse_unit("km d-1")).factor, 86.4);
}

TEST_F(RealNetcdf, Calendars) {
  const std::string tail = "_rcp85_r1i1p1_na10kgrid_qm-moving-50bins-detrend_2095.nc";
  const NetcdfInfo hadgem = open("xclim-calendars/tasmax_day_HadGEM2-CC" + tail);
  const NetcdfVariable& a = variable(hadgem, "tasmax");
  EXPECT_EQ(a.calendar, Calendar::day_360);
  ASSERT_EQ(a.times.size(), 360U);
  EXPECT_EQ(day(a.times[0]), "2095-01-01");
  EXPECT_EQ(day(a.times[59]), "2095-02-30");
  EXPECT_EQ(day(a.times[359]), "2095-12-30");
  EXPECT_THROW(to_real_dates(a.times, a.calendar, false), Error);
  EXPECT_EQ(*to_real_dates(a.times, a.calendar, true).back(), (Date{2095, 12, 31}));
  EXPECT_EQ(at(hadgem, a, 59, 10, 20), 281.46734619140625);
  EXPECT_EQ(at(hadgem, a, 359, 35, 35), 283.1268005371094);
  EXPECT_TRUE(warned(hadgem, "time_vectors")) << all(hadgem.warnings);

  const NetcdfInfo canesm = open("xclim-calendars/tasmax_day_CanESM2" + tail);
  const NetcdfVariable& b = variable(canesm, "tasmax");
  EXPECT_EQ(b.calendar, Calendar::noleap);
  EXPECT_EQ(day(b.times[0]), "2095-01-01");
  EXPECT_EQ(day(b.times[59]), "2095-03-01");
  EXPECT_EQ(day(b.times[364]), "2095-12-31");
  EXPECT_EQ(at(canesm, b, 59, 10, 20), 277.7579650878906);

  const NetcdfInfo global = open("xclim-calendars/tas_Amon_CanESM2_rcp85_r1i1p1_200701-200712.nc");
  const NetcdfVariable& c = variable(global, "tas");
  EXPECT_TRUE(c.grid.wraps);
  EXPECT_EQ(day(c.times[0]), "2006-12-16");
  EXPECT_EQ(c.times[0].day_fraction, 0.5);
  EXPECT_EQ(at(global, c, 6, 40, 90), 301.3838195800781);
  double x = -90, y = c.grid.y_axis[40];
  c.grid.to_index(&x, &y, 1);
  EXPECT_NEAR(x, 96, 1e-9);  // 270 / 2.8125
  EXPECT_NEAR(y, 40, 1e-9);
}

TEST_F(RealNetcdf, DaymetInKilometres) {
  const NetcdfInfo info = open("daymet-lcc-km-nc/lcc_km.nc");
  const NetcdfVariable& v = variable(info, "prcp");
  EXPECT_EQ(v.grid.x_axis.front(), -778250);
  EXPECT_EQ(v.grid.y_axis.front(), -120000);
  EXPECT_EQ(v.grid.y_axis.back(), -688000);
  EXPECT_EQ(v.fill_values, (std::vector<double>{-9999}));
  EXPECT_EQ(day(v.times[0]), "1980-07-01");
  EXPECT_EQ(at(info, v, 0, 300, 300), 0);
  // Its south-west cell, by gdaltransform from a PROJ string written by hand.
  const Operation op = choose_operation(v.grid.crs, Crs::from_user_input("EPSG:4326"));
  double x = v.grid.x_axis.front(), y = v.grid.y_axis.back();
  Transform(op).forward(&x, &y, 1);
  EXPECT_NEAR(y, 35.628321, 1e-5);
  EXPECT_NEAR(x, -108.949154, 1e-5);
}

TEST_F(RealNetcdf, ModisSinusoidal) {
  const NetcdfInfo info = open("modis-250m-minnesota/MODIS_ARRAY.nc");
  const NetcdfVariable& v = variable(info, "__xarray_dataarray_variable__");
  EXPECT_NE(v.crs_source.find("crs"), std::string::npos);
  EXPECT_EQ(v.grid.x_axis.front(), -7273893.821307159);
  EXPECT_TRUE(std::isnan(at(info, v, 0, 0, 0)));
  EXPECT_EQ(at(info, v, 0, 100, 50), 679);
  const Operation op = choose_operation(v.grid.crs, Crs::from_user_input("EPSG:4326"));
  double x = v.grid.x_axis.front(), y = v.grid.y_axis.front();
  Transform(op).forward(&x, &y, 1);
  EXPECT_NEAR(y, 45.416, 0.002);  // sphere: y / R
  EXPECT_NEAR(x, -93.19, 0.01);

  const NetcdfInfo sst = open("modis-250m-minnesota/nonstandard_dim.nc");
  const NetcdfVariable& s = variable(sst, "analysed_sst");
  EXPECT_EQ(day(s.times[0]), "2020-02-15");
  EXPECT_NEAR(s.times[0].day_fraction, 9.0 / 24, 1e-12);
  EXPECT_EQ(at(sst, s, 0, 5, 5), 293.9469909667969);

  const NetcdfInfo goes = open("modis-250m-minnesota/unicode.nc");
  const NetcdfVariable& lst = variable(goes, "LST");
  EXPECT_EQ(*lst.valid_min, 9200);
  EXPECT_EQ(*lst.valid_max, 56000);
  EXPECT_THROW(require_usable(goes, lst), Error);  // a geostationary view
}

TEST_F(RealNetcdf, Mead) {
  const NetcdfInfo info = open("mead-ne/climate/mead_2001.nc");
  EXPECT_EQ(info.variables.size(), 7U);
  const NetcdfVariable& tmax = variable(info, "tmax");
  ASSERT_EQ(tmax.times.size(), 365U);
  EXPECT_EQ(day(tmax.times.front()), "2001-01-01");
  EXPECT_EQ(day(tmax.times.back()), "2001-12-31");
  EXPECT_EQ(at(info, tmax, 194, 2, 3), 301.29998779296875);
  EXPECT_EQ(at(info, variable(info, "srad"), 364, 4, 4), 107.85600280761719);
  EXPECT_EQ(at(info, variable(info, "srad"), 0, 0, 0), 88.24565887451172);
}

}  // namespace
}  // namespace fluxtile
