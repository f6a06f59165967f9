// SPDX-License-Identifier: Apache-2.0
#include "stages/layer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/error.h"
#include "tests/stages/drawn_inputs.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;
using testing::NanSensitiveDoubleEq;
using testing::Pointwise;

const double kNan = std::nan("");

class LayerReaderTest : public StageTest {
 protected:
  std::string netcdf(const std::string& name) const {
    NcDraft draft(file(name));
    draft.axis("time", {0, 1}, "days since 2018-01-01");
    draft.axis("lat", {41, 40}, "degrees_north");
    draft.axis("lon", {-91, -90, -89}, "degrees_east");
    draft.variable("gpp", NC_SHORT, {"time", "lat", "lon"});
    draft.text("units", "g m-2 d-1");
    draft.number("scale_factor", NC_DOUBLE, {0.5}).number("_FillValue", NC_SHORT, {-1});
    draft.values("gpp", {2, 4, -1, 8, 10, 12, 14, 16, 18, 20, 22, 24});
    draft.close();
    return file(name);
  }
  LayerReader reader_;
};

TEST_F(LayerReaderTest, ReadsBandsOfRasters) {
  const auto path = draw("a.tif", {2, 2, {1, 2, 3, -9999, 5, 6, 7, 8}});
  EXPECT_THAT(reader_.read({path, 1, "", 0}, {}, {0, 0, 2, 2}),
              Pointwise(NanSensitiveDoubleEq(), {1.0, 2.0, 3.0, kNan}));
  EXPECT_THAT(reader_.read({path, 2, "", 0}, {}, {1, 0, 1, 2}),
              Pointwise(NanSensitiveDoubleEq(), {6.0, 8.0}));
  EXPECT_EQ(reader_.grid({path, 1, "", 0}, {}).width, 2);
}

TEST_F(LayerReaderTest, ReadsStepsOfNetcdfVariables) {
  const auto path = netcdf("a.nc");
  EXPECT_THAT(reader_.read({path, 1, "gpp", 0}, {}, {0, 0, 3, 2}),
              Pointwise(NanSensitiveDoubleEq(), {1.0, 2.0, kNan, 4.0, 5.0, 6.0}));
  EXPECT_THAT(reader_.read({path, 1, "gpp", 1}, {}, {1, 1, 2, 1}),
              Pointwise(NanSensitiveDoubleEq(), {11.0, 12.0}));
}

TEST_F(LayerReaderTest, TheConfigurationReplacesWhatTheFileSays) {
  const auto path = netcdf("a.nc");
  Packing packing;
  packing.scale = 10.0;
  packing.nodata = 4.0;
  packing.fill_values = {8.0};
  EXPECT_THAT(reader_.read({path, 1, "gpp", 0}, packing, {0, 0, 3, 2}),
              Pointwise(NanSensitiveDoubleEq(), {20.0, kNan, -10.0, kNan, 100.0, 120.0}));
  const auto raster = draw("a.tif", {3, 1, {1, 2, 3}, 0, 0, 10, GDT_Int16, 2.0, 0.5});
  EXPECT_THAT(reader_.read({raster, 1, "", 0}, packing, {0, 0, 3, 1}),
              Pointwise(NanSensitiveDoubleEq(), {10.0, 20.0, 30.0}));
}

TEST_F(LayerReaderTest, SmallScalesAreNotMixedUp) {
  const auto path = draw("a.tif", {1, 1, {3}});
  Packing one, two;
  one.scale = 1e-8;
  two.scale = 2e-8;
  EXPECT_DOUBLE_EQ(reader_.read({path, 1, "", 0}, one, {0, 0, 1, 1}).front(), 3e-8);
  EXPECT_DOUBLE_EQ(reader_.read({path, 1, "", 0}, two, {0, 0, 1, 1}).front(), 6e-8);
}

TEST_F(LayerReaderTest, CodesAreNotScaled) {
  const auto path = draw("crop.tif", {3, 1, {1, 5, 0}, 0, 0, 10, GDT_Byte, 0.0, 0.1});
  EXPECT_THAT(reader_.read_codes({path, 1, "", 0}, {}, {0, 0, 3, 1}),
              Pointwise(NanSensitiveDoubleEq(), {1.0, 5.0, kNan}));
}

TEST_F(LayerReaderTest, AVariableThatIsNotThereIsNamedWithItsNearest) {
  const auto path = netcdf("a.nc");
  try {
    (void)reader_.grid({path, 1, "gp", 0}, {});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), path);
    EXPECT_THAT(error.hint(), HasSubstr("gpp"));
  }
}

TEST_F(LayerReaderTest, ManyThreadsSeeOneHeader) {
  const auto path = draw("a.tif", {64, 64, std::vector<double>(64 * 64, 4)});
  std::vector<const SourceGrid*> grids(8);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < grids.size(); ++t) {
    threads.emplace_back([&, t] {
      grids[t] = &reader_.grid({path, 1, "", 0}, {});
      EXPECT_EQ(reader_.read({path, 1, "", 0}, {}, {8, 8, 4, 4}), std::vector<double>(16, 4));
      close_thread_datasets();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto* grid : grids) EXPECT_EQ(grid, grids.front());
}

}  // namespace
}  // namespace fluxtile
