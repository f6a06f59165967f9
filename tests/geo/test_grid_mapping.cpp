// SPDX-License-Identifier: Apache-2.0
#include "geo/grid_mapping.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace fluxtile {
namespace {

double number(const GridMapping& mapping, const std::string& name) {
  for (const auto& [key, value] : mapping.attributes)
    if (key == name)
      if (const auto* v = std::get_if<double>(&value)) return *v;
  return std::nan("");
}
std::vector<double> numbers(const GridMapping& mapping, const std::string& name) {
  for (const auto& [key, value] : mapping.attributes)
    if (key == name)
      if (const auto* v = std::get_if<std::vector<double>>(&value)) return *v;
  return {};
}

TEST(GridMapping, Albers) {
  const GridMapping m = describe_grid_mapping("EPSG:5070");
  EXPECT_EQ(m.name, "albers_conical_equal_area");
  EXPECT_EQ(m.epsg, 5070);
  EXPECT_EQ(m.unit, "m");
  EXPECT_FALSE(m.geographic);
  EXPECT_THAT(numbers(m, "standard_parallel"), testing::ElementsAre(29.5, 45.5));
  EXPECT_EQ(number(m, "longitude_of_central_meridian"), -96);
  EXPECT_EQ(number(m, "latitude_of_projection_origin"), 23);
  EXPECT_EQ(number(m, "semi_major_axis"), 6378137);
  EXPECT_NEAR(number(m, "inverse_flattening"), 298.257222101, 1e-9);
  EXPECT_EQ(m.wkt2.find('\n'), std::string::npos);
}

TEST(GridMapping, TransverseMercator) {
  const GridMapping m = describe_grid_mapping("EPSG:32615");
  EXPECT_EQ(m.name, "transverse_mercator");
  EXPECT_EQ(number(m, "scale_factor_at_central_meridian"), 0.9996);
  EXPECT_EQ(number(m, "longitude_of_central_meridian"), -93);
  EXPECT_EQ(number(m, "false_easting"), 500000);
}

TEST(GridMapping, LambertConformalConicInKilometres) {
  const GridMapping m = describe_grid_mapping(
      "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +x_0=1000 +datum=WGS84 +units=km");
  EXPECT_EQ(m.name, "lambert_conformal_conic");
  EXPECT_EQ(m.unit, "km");
  EXPECT_EQ(m.metres, 1000);
  EXPECT_THAT(numbers(m, "standard_parallel"), testing::ElementsAre(25, 60));
  EXPECT_DOUBLE_EQ(number(m, "false_easting"), 1);  // x_0 is in metres, CF's in the axis unit
}

TEST(GridMapping, FeetAndPolarAndAzimuthal) {
  EXPECT_EQ(describe_grid_mapping("EPSG:3418").unit, "US_survey_foot");
  const GridMapping polar = describe_grid_mapping("EPSG:3031");
  EXPECT_EQ(polar.name, "polar_stereographic");
  EXPECT_EQ(number(polar, "standard_parallel"), -71);
  EXPECT_EQ(number(polar, "latitude_of_projection_origin"), -90);
  EXPECT_EQ(describe_grid_mapping("EPSG:3035").name, "lambert_azimuthal_equal_area");
  EXPECT_EQ(describe_grid_mapping("EPSG:6933").name, "lambert_cylindrical_equal_area");
}

TEST(GridMapping, SinusoidalSphere) {
  const GridMapping m =
      describe_grid_mapping("+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m");
  EXPECT_EQ(m.name, "sinusoidal");
  EXPECT_EQ(number(m, "earth_radius"), 6371007.181);
  EXPECT_TRUE(std::isnan(number(m, "semi_major_axis")));
}

TEST(GridMapping, Geographic) {
  const GridMapping m = describe_grid_mapping("EPSG:4269");
  EXPECT_TRUE(m.geographic);
  EXPECT_EQ(m.name, "latitude_longitude");
  EXPECT_EQ(m.unit, "degrees");
}

TEST(GridMapping, UnknownProjectionHasWktOnly) {
  const GridMapping m = describe_grid_mapping("+proj=robin +datum=WGS84");
  EXPECT_EQ(m.name, "");
  EXPECT_FALSE(m.wkt2.empty());
  EXPECT_EQ(m.epsg, 0);
}

TEST(GridMapping, Refusals) {
  EXPECT_THROW(describe_grid_mapping("EPSG:1"), Error);
  EXPECT_THROW(describe_grid_mapping("no such thing"), Error);
}

}  // namespace
}  // namespace fluxtile
