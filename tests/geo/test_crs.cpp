// SPDX-License-Identifier: Apache-2.0
#include "geo/crs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "base/error.h"

namespace fluxtile {
namespace {

using ::testing::HasSubstr;

const char* const modis =
    "PROJCS[\"unnamed\",GEOGCS[\"Unknown datum based upon the custom spheroid\","
    "DATUM[\"Not specified (based on custom spheroid)\","
    "SPHEROID[\"Custom spheroid\",6371007.181,0]],PRIMEM[\"Greenwich\",0],"
    "UNIT[\"degree\",0.0174532925199433]],PROJECTION[\"Sinusoidal\"],"
    "PARAMETER[\"longitude_of_center\",0],PARAMETER[\"false_easting\",0],"
    "PARAMETER[\"false_northing\",0],UNIT[\"Meter\",1]]";

Crs crs(const std::string& text) { return Crs::from_user_input(text); }

Code code_of(const std::string& definition) {
  try {
    crs(definition);
  } catch (const Error& error) {
    return error.code();
  }
  return Code::internal;
}

struct Place {
  double x, y;
};
Place moved(const std::string& from, const std::string& to, Place p) {
  Transform(choose_operation(crs(from), crs(to))).forward(&p.x, &p.y, 1);
  return p;
}

TEST(Crs, TellsNameKindAndUnit) {
  const Crs albers = crs("EPSG:5070");
  EXPECT_EQ(albers.name(), "EPSG:5070 NAD83 / Conus Albers");
  EXPECT_FALSE(albers.geographic());
  EXPECT_EQ(albers.unit_factor(), 1);
  EXPECT_TRUE(crs("EPSG:4269").geographic());
  EXPECT_EQ(crs("EPSG:4269").unit_factor(), 1);
  EXPECT_NEAR(crs("EPSG:2264").unit_factor(), 1200.0 / 3937, 1e-12);
  EXPECT_EQ(crs("+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +units=km").unit_factor(),
            1000);
  EXPECT_NEAR(crs("EPSG:4807").unit_factor(), 0.9, 1e-9);  // grads
  EXPECT_TRUE(Crs().empty());
}

TEST(Crs, SurvivesItsOwnText) {
  for (const char* text : {"EPSG:5070", "EPSG:4326", modis, "EPSG:27572"}) {
    const Crs once = crs(text);
    EXPECT_TRUE(crs(once.wkt()).same_as(once)) << text;
    EXPECT_EQ(crs(once.wkt()).wkt(), once.wkt()) << text;
  }
}

TEST(Crs, SameAsLooksThroughSpelling) {
  EXPECT_TRUE(crs("EPSG:4326").same_as(crs("OGC:CRS84")));
  EXPECT_TRUE(crs("EPSG:5070").same_as(crs("EPSG:5070")));
  EXPECT_FALSE(crs("EPSG:5070").same_as(crs("EPSG:4269")));
  EXPECT_FALSE(crs("EPSG:4326").same_as(crs("EPSG:4269")));
  EXPECT_FALSE(crs("EPSG:4326").same_as(Crs()));
}

TEST(Crs, RefusesWhatIsNoMapCrs) {
  EXPECT_EQ(code_of("EPSG:1"), Code::data);
  EXPECT_EQ(code_of(""), Code::data);
  EXPECT_EQ(code_of("nonsense"), Code::data);
  EXPECT_EQ(code_of("EPSG:4978"), Code::data);                     // geocentric
  EXPECT_EQ(code_of("+proj=helmert +x=1 +type=crs"), Code::data);  // no CRS
  EXPECT_EQ(crs("EPSG:4326+5773").name(), "EPSG:4326 WGS 84");     // the vertical part is dropped
}

// Reference coordinates: PROJ's own choice through pyproj 3.4, always_xy.
TEST(Operation, AgreesWithReferenceCoordinates) {
  struct Case {
    std::string from, to;
    Place at, expected;
    double tolerance;
  };
  const std::string lcc_km =
      "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +datum=WGS84 +units=km";
  const std::vector<Case> cases = {
      {"EPSG:5070", "EPSG:4326", {50000, 2100000}, {-95.39307272471837, 41.90102658920819}, 1e-9},
      {"EPSG:5070", "EPSG:4269", {50000, 2100000}, {-95.39307272471837, 41.90102658920819}, 1e-9},
      {"EPSG:5070", modis, {50000, 2100000}, {-7894962.553396089, 4659186.829462096}, 1e-6},
      {"EPSG:4269", "EPSG:2264", {-79, 35.5}, {1999999.999999999, 636902.6807819132}, 1e-6},
      {"EPSG:4326", lcc_km, {-95, 40}, {407.54387996874544, -252.7045848065986}, 1e-9},
      {"EPSG:27572", "EPSG:4807", {652709, 2469246}, {0.8032580832059527, 54.6876435640126}, 1e-9}};
  for (const Case& c : cases) {
    const Place p = moved(c.from, c.to, c.at);
    EXPECT_NEAR(p.x, c.expected.x, c.tolerance) << c.from << " " << c.to;
    EXPECT_NEAR(p.y, c.expected.y, c.tolerance) << c.from << " " << c.to;
    const Place back = moved(c.to, c.from, p);
    const double size = crs(c.from).geographic() ? 1e-9 : 1e-5;
    EXPECT_NEAR(back.x, c.at.x, size) << c.from << " " << c.to;
    EXPECT_NEAR(back.y, c.at.y, size) << c.from << " " << c.to;
  }
}

TEST(Operation, DatumStepIsNullBetweenNad83Wgs84AndSpheres) {
  const char* const definitions[] = {"EPSG:4326",
                                     "EPSG:4269",
                                     "EPSG:4035",
                                     "EPSG:6318",
                                     "EPSG:9057",
                                     "+proj=longlat +R=6371229",
                                     "+proj=longlat +ellps=clrk66"};
  for (const char* from : definitions) {
    for (const char* to : definitions) {
      const Operation operation = choose_operation(crs(from), crs(to));
      EXPECT_EQ(operation.pipeline, "") << from << " " << to;
      EXPECT_EQ(operation.accuracy_m, 0) << from << " " << to;
      EXPECT_NO_THROW(require_accuracy(operation, 0.01)) << from << " " << to;
    }
  }
}

TEST(Operation, EqualProjectionsOfDifferentSpellingCancelToIdentity) {
  const Operation operation =
      choose_operation(crs(modis), crs("+proj=sinu +R=6371007.181 +lon_0=0 +x_0=0 +y_0=0"));
  EXPECT_TRUE(Transform(operation).identity()) << operation.pipeline;
}

TEST(Operation, ShiftParametersAreNotANullStep) {
  const std::string bound =
      "+proj=longlat +ellps=bessel +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7";
  EXPECT_GT(std::abs(moved(bound, "EPSG:4326", {12, 50}).x - 12), 1e-3);
  const std::string zero = "+proj=longlat +ellps=GRS80 +towgs84=0,0,0";
  EXPECT_EQ(moved(zero, "EPSG:4326", {12, 50}).x, 12);
}

TEST(Operation, Nad27WithoutItsGridIsRefused) {
  for (const char* other : {"EPSG:5070", "EPSG:4326", "EPSG:4269"}) {
    const Operation operation = choose_operation(crs("EPSG:4267"), crs(other));
    try {
      require_accuracy(operation, 250);
      ADD_FAILURE() << other << ": accepted " << operation.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
    }
  }
}

TEST(Operation, RefusalNamesAccuracyLimitAndMissingGrid) {
  Operation operation;
  operation.pipeline = "+proj=noop";
  operation.name = "A to B";
  operation.accuracy_m = 20;
  operation.missing_grid = "a_grid.tif";
  EXPECT_NO_THROW(require_accuracy(operation, 80));
  try {
    require_accuracy(operation, 79);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("A to B"));
    EXPECT_THAT(error.found(), HasSubstr("20 m"));
    EXPECT_THAT(error.expected(), HasSubstr("19.75 m"));
    EXPECT_THAT(error.hint(), HasSubstr("a_grid.tif"));
  }
  operation.accuracy_m = -1;
  EXPECT_THROW(require_accuracy(operation, 1e9), Error);
  operation.accuracy_m = 0;
  operation.ballpark = true;
  EXPECT_THROW(require_accuracy(operation, 1e9), Error);
  EXPECT_NO_THROW(require_accuracy(Operation(), 1e-9));
}

TEST(Operation, DatumsWithAKnownShiftTellTheirAccuracy) {
  const Operation operation = choose_operation(crs("EPSG:4322"), crs("EPSG:4326"));  // WGS 72
  EXPECT_GT(operation.accuracy_m, 0);
  EXPECT_FALSE(operation.ballpark);
  EXPECT_NO_THROW(require_accuracy(operation, 250));
  EXPECT_THROW(require_accuracy(operation, 1), Error);
}

TEST(Transform, PointsOutsideAProjectionBecomeInfinite) {
  const Transform transform(choose_operation(crs("EPSG:5070"), crs(modis)));
  double x[] = {50000, 1e12, NAN}, y[] = {2100000, 1e12, 0};
  transform.forward(x, y, 3);
  EXPECT_TRUE(std::isfinite(x[0]));
  for (int i = 1; i < 3; ++i) {
    EXPECT_EQ(x[i], HUGE_VAL);
    EXPECT_EQ(y[i], HUGE_VAL);
  }
}

TEST(Transform, ABadPipelineIsAnErrorOfTheData) {
  double x = 0, y = 0;
  EXPECT_THROW(Transform(std::string("+proj=nonsense")).forward(&x, &y, 1), Error);
}

TEST(Transform, APointDoesNotDependOnItsCompanyOrItsThread) {
  const Transform transform(choose_operation(crs("EPSG:5070"), crs(modis)));
  constexpr size_t n = 500;
  std::vector<double> x(n), y(n);
  for (size_t i = 0; i < n; ++i) {
    x[i] = -2e6 + 8123.7 * static_cast<double>(i);
    y[i] = 4e5 + 5011.3 * static_cast<double>(i);
  }
  auto all_x = x, all_y = y;
  transform.forward(all_x.data(), all_y.data(), n);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (size_t i = 0; i < n; ++i) {
        double px = x[i], py = y[i];
        transform.forward(&px, &py, 1);
        EXPECT_EQ(px, all_x[i]);
        EXPECT_EQ(py, all_y[i]);
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST(Ellipsoid, AreaOfKnownPolygons) {
  double a = 0, inverse_flattening = 0;
  ellipsoid_of(crs("EPSG:5070"), a, inverse_flattening);
  EXPECT_EQ(a, 6378137);
  EXPECT_NEAR(inverse_flattening, 298.257222101, 1e-9);
  ellipsoid_of(crs(modis), a, inverse_flattening);
  EXPECT_EQ(a, 6371007.181);
  EXPECT_EQ(inverse_flattening, 0);
  const double octant_x[] = {0, 90, 0}, octant_y[] = {0, 0, 90};
  EXPECT_NEAR(geodesic_area(octant_x, octant_y, 3, a, 0) / (M_PI / 2 * a * a), 1, 1e-12);
  const double x[] = {-96, -95, -95, -96}, y[] = {40, 40, 41, 41};
  EXPECT_NEAR(geodesic_area(x, y, 4, 6378137, 298.257223563), 9412788745.688965, 1e-3);
  const double back_x[] = {-96, -96, -95, -95}, back_y[] = {41, 40, 40, 41};
  EXPECT_NEAR(geodesic_area(back_x, back_y, 4, 6378137, 298.257223563), 9412788745.688965, 1e-3);
}

TEST(Ellipsoid, GeodeticBaseIsTheCrsUnderTheProjection) {
  EXPECT_EQ(geodetic_base(crs("EPSG:5070")).name(), "EPSG:4269 NAD83");
  EXPECT_TRUE(geodetic_base(crs("EPSG:4326")).same_as(crs("EPSG:4326")));
  EXPECT_TRUE(geodetic_base(crs(modis)).geographic());
}

}  // namespace
}  // namespace fluxtile
