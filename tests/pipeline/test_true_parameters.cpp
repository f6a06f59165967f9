// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "pipeline/world/true_parameters.h"

namespace fluxtile::world {
namespace {

using delta_carbon::parameter;

ParameterPlace place_in(const std::string& region, double longitude = -89, double latitude = 40,
                        double x = 0) {
  return {region, climate_at(longitude, latitude), Soil(Random(3)).at(x, 1.9e6)};
}

constexpr std::array<Heterogeneity, 5> kAll = {Heterogeneity::none, Heterogeneity::explained,
                                               Heterogeneity::small_jump, Heterogeneity::large_jump,
                                               Heterogeneity::other_structure};

TEST(TrueParameters, StayInTheirRanges) {
  for (const Heterogeneity kind : kAll) {
    for (uint64_t seed = 1; seed < 8; ++seed) {
      const TrueParameters truth(Random(seed), kind);
      for (const char* region : {"Illinois", "Iowa", "Indiana", "North"}) {
        for (int i = 0; i < 5; ++i) {
          const std::vector<float> values =
              truth.at(place_in(region, -96 + 2.5 * i, 37.5 + i, 4e5 * i));
          ASSERT_EQ(values.size(), delta_carbon::parameters().size());
          for (size_t p = 0; p < values.size(); ++p) {
            const delta_carbon::Parameter& known = delta_carbon::parameters()[p];
            EXPECT_GE(double{values[p]}, known.low * (1 - 1e-6)) << known.name;
            EXPECT_LE(double{values[p]}, known.high * (1 + 1e-6)) << known.name;
          }
        }
      }
    }
  }
}

TEST(TrueParameters, RegionMattersOnlyWhereThereAreJumps) {
  for (const Heterogeneity kind : kAll) {
    const TrueParameters truth(Random(4), kind);
    const std::vector<float> illinois = truth.at(place_in("Illinois"));
    const bool jumps = kind != Heterogeneity::none && kind != Heterogeneity::explained;
    EXPECT_EQ(truth.at(place_in("Iowa")) == illinois, !jumps) << to_text(kind);
    EXPECT_EQ(truth.at(place_in("Indiana")) == illinois, !jumps) << to_text(kind);
    EXPECT_EQ(truth.at(place_in("Illinois")), illinois);
  }
}

// In worlds with jumps soils say nothing about parameters, so no input explains what is different.
TEST(TrueParameters, SoilMattersOnlyWhereItIsMeantTo) {
  for (const Heterogeneity kind : kAll) {
    const TrueParameters truth(Random(4), kind);
    EXPECT_EQ(truth.at(place_in("Iowa", -93, 42, 0)) == truth.at(place_in("Iowa", -93, 42, 3e5)),
              kind != Heterogeneity::explained)
        << to_text(kind);
  }
}

TEST(TrueParameters, ExplainedOnesChangeSmoothlyAndMatter) {
  const TrueParameters truth(Random(4), Heterogeneity::explained);
  const size_t rate = parameter("soil.slow_rate");
  double low = 1e9, high = 0;
  for (int i = 0; i < 200; ++i) {
    const double a = double{truth.at(place_in("Iowa", -93, 42, 4000.0 * i))[rate]};
    const double b = double{truth.at(place_in("Iowa", -93, 42, 4000.0 * i + 50))[rate]};
    EXPECT_NEAR(a, b, 0.08 * a);
    low = std::min(low, a);
    high = std::max(high, a);
  }
  EXPECT_GT(high, 1.8 * low);
}

TEST(TrueParameters, LargeJumpsAreTwoAndAHalfSmallOnes) {
  for (uint64_t seed = 1; seed < 10; ++seed) {
    for (const char* region : {"Illinois", "Iowa", "Indiana"}) {
      const TrueParameters none(Random(seed), Heterogeneity::none),
          small(Random(seed), Heterogeneity::small_jump),
          large(Random(seed), Heterogeneity::large_jump);
      for (const char* name : {"soil.fast_rate", "corn.maintenance"}) {
        const size_t p = parameter(name);
        const double base = double{none.at(place_in(region))[p]};
        const double one = std::log(double{small.at(place_in(region))[p]} / base);
        const double two = std::log(double{large.at(place_in(region))[p]} / base);
        EXPECT_NEAR(two, 2.5 * one, 1e-4) << name;
      }
    }
  }
}

TEST(TrueParameters, EveryWorldHasContrastAndWorldsDiffer) {
  const size_t p = parameter("soil.fast_rate");
  std::vector<float> of_iowa;
  for (uint64_t seed = 1; seed < 20; ++seed) {
    const TrueParameters truth(Random(seed), Heterogeneity::small_jump);
    const float a = truth.at(place_in("Illinois"))[p], b = truth.at(place_in("Iowa"))[p],
                c = truth.at(place_in("Indiana"))[p];
    EXPECT_GT(std::max({a, b, c}), 1.3F * std::min({a, b, c}));
    for (const float earlier : of_iowa) EXPECT_NE(earlier, b);
    of_iowa.push_back(b);
  }
}

TEST(TrueParameters, TheCropsCalendarFollowsTheClimate) {
  const TrueParameters truth(Random(4), Heterogeneity::none);
  const std::vector<float> north = truth.at(place_in("Iowa", -93, 43.4)),
                           south = truth.at(place_in("Illinois", -89, 37.2));
  for (const char* crop : {"corn", "soybean"}) {
    const size_t planting = parameter(std::string(crop) + ".planting_day"),
                 maturity = parameter(std::string(crop) + ".maturity_gdd");
    EXPECT_GT(north[planting], south[planting] + 10);
    EXPECT_LT(north[maturity], south[maturity] - 100);
  }
  EXPECT_EQ(north[parameter("soil.slow_rate")], south[parameter("soil.slow_rate")]);
}

TEST(Heterogeneity, NamesAreReadAndWritten) {
  for (const Heterogeneity kind : kAll) EXPECT_EQ(parse_heterogeneity(to_text(kind)), kind);
  try {
    parse_heterogeneity("small-jump");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("small_jump"));
  }
}

}  // namespace
}  // namespace fluxtile::world
