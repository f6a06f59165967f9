// SPDX-License-Identifier: Apache-2.0
// What other people's programs say about the products. A program that is not installed is reported
// as skipped.
#include <gmock/gmock.h>

#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A judge: how to see that it is there, the files it looks at, and how to ask it about one.
struct Judge {
  std::string name;
  Words probe;
  std::string ending;
  Words ask;  ///< the file's path is appended
  std::string praise;
};

void PrintTo(const Judge& judge, std::ostream* stream) { *stream << judge.name; }

const std::string python = "/usr/bin/python3";

class Validators : public Workplace, public testing::WithParamInterface<Judge> {
 protected:
  void SetUp() override {
    if (execute(GetParam().probe).code != 0) GTEST_SKIP() << GetParam().name << " is not installed";
  }
  static const fs::path& outputs() {
    static const Folder place;
    static const bool made = [] {
      run(test_world(), place.path(),
          {"--set", "period.spinup=0", "--set", "region.select=[North]", "--set",
           "outputs.products.1.format=[geotiff, netcdf]"});
      return true;
    }();
    static_cast<void>(made);
    return place.path();
  }
};

TEST_P(Validators, AcceptsEveryProduct) {
  size_t judged = 0;
  for (const auto& [name, bytes] : products(outputs())) {
    if (fs::path(name).extension() != GetParam().ending) continue;
    Words words = GetParam().ask;
    words.push_back((outputs() / name).string());
    const Outcome said = execute(words);
    EXPECT_EQ(0, said.code) << name << ": " << said.out << said.err;
    EXPECT_THAT(said.out, HasSubstr(GetParam().praise)) << name;
    EXPECT_THAT(said.out + said.err, Not(HasSubstr("arning"))) << name;
    ++judged;
  }
  EXPECT_GE(judged, 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Programs, Validators,
    testing::Values(
        Judge{"CogValidator",
              {python, "-c", "import osgeo_utils.samples.validate_cloud_optimized_geotiff"},
              ".tif",
              {python, "-m", "osgeo_utils.samples.validate_cloud_optimized_geotiff",
               "--full-check=yes"},
              "is a valid cloud optimized GeoTIFF"},
        Judge{"Gdalinfo",
              {"gdalinfo", "--version"},
              ".tif",
              {"gdalinfo", "-checksum"},
              "ID[\"EPSG\",5070]"},
        Judge{"Cdo", {"cdo", "--version"}, ".nc", {"cdo", "sinfo"}, "proleptic_gregorian"},
        Judge{"Xarray",
              {python, "-c", "import xarray, netCDF4"},
              ".nc",
              {python, "-c",
               "import sys, xarray\n"
               "d = xarray.open_dataset(sys.argv[1])\n"
               "assert str(d.time.values[0]).startswith('2018'), d.time\n"
               "assert d.time.dt.year[-1] == 2018\n"
               "assert float(d.nee.min()) > -9000, 'fill value is not masked'\n"
               "assert d.nee.dims == ('time', 'y', 'x')\n"
               "assert d.sizes['bnds'] == 2\n"
               "print('opened')"},
              "opened"}),
    [](const testing::TestParamInfo<Judge>& one) { return one.param.name; });

}  // namespace
}  // namespace fluxtile::end_to_end
