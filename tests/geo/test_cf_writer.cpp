// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <netcdf.h>
#include <sys/resource.h>

#include <csignal>
#include <netcdf>

#include "base/error.h"
#include "product_fixture.h"

namespace fluxtile {
namespace {
using testing::ElementsAre;

class CfWriterTest : public ProductTest {
 protected:
  static std::vector<ProductVariable> variables() {
    return {{"reco", "ecosystem respiration, carbon", "", "gC m-2 d-1", "g m-2 d-1", "time: mean",
             "positive: release to the atmosphere"},
            {"gpp", "gross primary productivity, carbon",
             "gross_primary_productivity_of_biomass_expressed_as_carbon", "gC m-2 d-1", "g m-2 d-1",
             "time: mean", ""}};
  }
  /// Plane after plane in strips of `cut` rows.
  void write(const std::string& name, const ProductGrid& grid, int64_t cut) const {
    const auto steps = months(3);
    CfWriter writer(path(name), grid, variables(), steps,
                    {{"title", "demo"}, {"FLUXTILE_RESULT", "abc"}});
    for (size_t v = 0; v < 2; ++v)
      for (size_t s = 0; s < steps.size(); ++s) {
        const auto values = field(grid, static_cast<int>(10 * v + s));
        for (int64_t row = 0; row < grid.window.height; row += cut)
          writer.write_strip(v, s, row, std::min(cut, grid.window.height - row),
                             values.data() + row * grid.window.width);
      }
    writer.finish();
  }
  static std::string text(const netCDF::NcVar& variable, const std::string& name) {
    std::string value;
    variable.getAtt(name).getValues(value);
    return value;
  }
  static std::vector<double> numbers(const netCDF::NcVar& variable) {
    size_t n = 1;
    for (const auto& d : variable.getDims()) n *= d.getSize();
    std::vector<double> values(n);
    variable.getVar(values.data());
    return values;
  }
};

TEST_F(CfWriterTest, AxesTimeAndGridMapping) {
  const ProductGrid grid = albers(20, 12);
  write("p.nc", grid, 12);
  const netCDF::NcFile file(path("p.nc"), netCDF::NcFile::read);
  std::string conventions;
  file.getAtt("Conventions").getValues(conventions);
  EXPECT_EQ(conventions, "CF-1.8");
  EXPECT_TRUE(file.getAtt("history").isNull());

  const netCDF::NcVar time = file.getVar("time");
  EXPECT_EQ(text(time, "units"), "days since 1970-01-01");
  EXPECT_EQ(text(time, "calendar"), "proleptic_gregorian");
  EXPECT_EQ(text(time, "bounds"), "time_bnds");
  EXPECT_THAT(numbers(time), ElementsAre(17547.5, 17577, 17606.5));
  EXPECT_THAT(numbers(file.getVar("time_bnds")),
              ElementsAre(17532, 17563, 17563, 17591, 17591, 17622));

  const std::vector<double> x = numbers(file.getVar("x")), y = numbers(file.getVar("y"));
  EXPECT_EQ(x.front(), 200125);
  EXPECT_EQ(x.back(), 204875);
  EXPECT_EQ(y.front(), 2149875);
  EXPECT_EQ(y.back(), 2147125);
  EXPECT_EQ(text(file.getVar("x"), "standard_name"), "projection_x_coordinate");
  EXPECT_EQ(text(file.getVar("y"), "units"), "m");

  const netCDF::NcVar crs = file.getVar("crs");
  EXPECT_EQ(text(crs, "grid_mapping_name"), "albers_conical_equal_area");
  EXPECT_EQ(text(crs, "GeoTransform"), "200000 250 0 2150000 0 -250");
  EXPECT_THAT(text(crs, "crs_wkt"), testing::HasSubstr("ID[\"EPSG\",5070]"));
  EXPECT_THAT(text(crs, "spatial_ref"), testing::StartsWith("PROJCS["));

  const netCDF::NcVar reco = file.getVar("reco");
  EXPECT_EQ(text(reco, "grid_mapping"), "crs");
  EXPECT_EQ(text(reco, "units"), "g m-2 d-1");
  EXPECT_EQ(text(reco, "cell_methods"), "time: mean");
  EXPECT_EQ(text(reco, "comment"), "positive: release to the atmosphere");
  EXPECT_TRUE(reco.getAtts().count("standard_name") == 0);
  EXPECT_EQ(text(file.getVar("gpp"), "standard_name"),
            "gross_primary_productivity_of_biomass_expressed_as_carbon");
  float fill = 0;
  reco.getAtt("_FillValue").getValues(&fill);
  EXPECT_EQ(fill, kNodata);
  bool shuffle = false, deflate = false;
  int level = 0;
  reco.getCompressionParameters(shuffle, deflate, level);
  EXPECT_TRUE(shuffle && deflate);
  EXPECT_EQ(level, 4);
  EXPECT_THAT(names(), ElementsAre("p.nc"));
}

TEST_F(CfWriterTest, GivesBackTheValues) {
  const ProductGrid grid = albers(300, 150);
  write("p.nc", grid, 37);
  const netCDF::NcFile file(path("p.nc"), netCDF::NcFile::read);
  std::vector<float> read(static_cast<size_t>(3 * grid.window.cells()));
  file.getVar("gpp").getVar(read.data());
  for (size_t s = 0; s < 3; ++s) {
    const auto expected = field(grid, static_cast<int>(10 + s));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                           read.begin() + static_cast<long>(s * expected.size())));
  }
}

TEST_F(CfWriterTest, GeographicGridHasLatAndLon) {
  ProductGrid grid;
  grid.lattice = {"EPSG:4326", 0.25, -180, 90};
  grid.window = {320, 180, 8, 4};
  write("p.nc", grid, 4);
  const netCDF::NcFile file(path("p.nc"), netCDF::NcFile::read);
  EXPECT_EQ(text(file.getVar("lat"), "units"), "degrees_north");
  EXPECT_EQ(text(file.getVar("lon"), "standard_name"), "longitude");
  EXPECT_EQ(numbers(file.getVar("lat")).front(), 44.875);
  EXPECT_EQ(numbers(file.getVar("lon")).front(), -99.875);
  EXPECT_EQ(text(file.getVar("crs"), "grid_mapping_name"), "latitude_longitude");
}

TEST_F(CfWriterTest, SameBytesForEveryCut) {
  const ProductGrid grid = albers(300, 300);
  write("all.nc", grid, 300);
  const std::string expected = read_file(path("all.nc"));
  for (const int64_t cut : {1, 17, 64, 128, 300}) {
    write("cut.nc", grid, cut);
    EXPECT_EQ(read_file(path("cut.nc")) == expected, true) << cut;
  }
}

TEST_F(CfWriterTest, RefusesMissingAndDisorderedRows) {
  const ProductGrid grid = albers(10, 10);
  const auto values = field(grid, 1);
  CfWriter writer(path("p.nc"), grid, variables(), months(1), {});
  writer.write_strip(0, 0, 0, 4, values.data());
  EXPECT_THROW(writer.write_strip(0, 0, 5, 2, values.data()), Error);
  EXPECT_THROW(writer.finish(), Error);
}

TEST_F(CfWriterTest, NothingRemainsWithoutFinish) {
  const ProductGrid grid = albers(10, 10);
  {
    CfWriter writer(path("p.nc"), grid, variables(), months(1), {});
    writer.write_strip(0, 0, 0, 10, field(grid, 1).data());
  }
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(CfWriterTest, AFullDiskIsAnIoErrorWithItsCause) {
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
    CfWriter writer(path("p.nc"), grid, {variables()[0]}, months(1), {});
    writer.write_strip(0, 0, 0, 600, noise.data());
    writer.finish();
  } catch (const Error& error) {
    message = error.what();
    code = error.code();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(code, Code::io);
  EXPECT_THAT(message, testing::HasSubstr("File too large"));
  EXPECT_THAT(names(), testing::IsEmpty());
}

}  // namespace
}  // namespace fluxtile
