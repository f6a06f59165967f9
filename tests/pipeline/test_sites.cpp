// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "model/kgml_ag_c.h"
#include "pipeline/world/sites.h"

namespace fluxtile::world {
namespace {

SiteWorld small_world(Heterogeneity kind = Heterogeneity::small_jump) {
  SiteWorld world;
  world.seed = 3;
  world.heterogeneity = kind;
  world.points = midwest_points(9, 3);
  world.first_year = 2003;
  world.years = 3;
  return world;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
bool same_labels(const SiteYears& a, const SiteYears& b) {
  for (const auto& [name, values] : a.daily) {
    if (!same_bits(values, b.daily.at(name))) return false;
  }
  return same_bits(a.annual.at("Yield"), b.annual.at("Yield"));
}
double year_sum(const std::vector<float>& values, size_t site_year) {
  double sum = 0;
  for (size_t d = 0; d < SiteYears::days; ++d)
    sum += double{values[site_year * SiteYears::days + d]};
  return sum;
}

class SimulatedSites : public testing::Test {
 protected:
  static const SiteYears& table() {
    static const SiteYears made = simulate_sites(small_world());
    return made;
  }
};

TEST_F(SimulatedSites, HaveTheInputsOfTheNetwork) {
  const SiteYears& t = table();
  ASSERT_EQ(t.features.size(), kgml_ag_c::feature_count);
  for (size_t i = 0; i < t.features.size(); ++i) {
    EXPECT_EQ(t.features[i].name, kgml_ag_c::input_names()[i]);
    EXPECT_FALSE(t.features[i].unit.empty());
  }
  ASSERT_EQ(t.inputs.size(), 9U * 3 * 365 * 19);
  EXPECT_TRUE(t.synthetic);
  EXPECT_EQ(t.years, (std::vector<int>{2003, 2004, 2005}));
  for (size_t s = 0; s < 9; ++s) {
    for (size_t y = 0; y < 3; ++y) {
      const float* first = t.input(s, y);
      const float crop = first[kgml_ag_c::crop_feature];
      EXPECT_TRUE(crop == 1 || crop == 5);
      EXPECT_EQ(first[kgml_ag_c::year_feature], static_cast<float>(t.years[y]));
      for (size_t d = 0; d < 365; ++d) {
        const float* row = first + d * 19;
        for (size_t i = 0; i < 19; ++i) ASSERT_TRUE(std::isfinite(row[i]));
        for (size_t i = 10; i < 19; ++i) ASSERT_EQ(row[i], first[i]);  // soil stays
        ASSERT_EQ(row[7], crop);
        ASSERT_GE(row[0], 0);
        ASSERT_LT(row[0], 36);
        ASSERT_GT(row[2], 0);
        ASSERT_GE(row[3], row[4]);
        ASSERT_GE(row[8], 0);
      }
    }
  }
}

TEST_F(SimulatedSites, LabelsCloseEveryDay) {
  const SiteYears& t = table();
  for (size_t i = 0; i < t.daily.at("NEE").size(); ++i) {
    const double ra = double{t.daily.at("Ra")[i]}, rh = double{t.daily.at("Rh")[i]},
                 gpp = double{t.daily.at("GPP")[i]};
    ASSERT_NEAR(double{t.daily.at("Reco")[i]}, ra + rh, 1e-5);
    ASSERT_NEAR(double{t.daily.at("NEE")[i]}, ra + rh - gpp, 1e-5);
    ASSERT_GE(ra, 0);
    ASSERT_GT(rh, 0);
  }
  EXPECT_EQ(t.truth.size(), t.daily.size());
  for (const auto& [name, values] : t.daily) EXPECT_TRUE(same_bits(values, t.truth.at(name)));
}

TEST_F(SimulatedSites, SumsAreThoseOfMidwestFields) {
  const SiteYears& t = table();
  int corn_years = 0;
  for (size_t i = 0; i < 27; ++i) {
    const bool corn = t.input(i / 3, i % 3)[kgml_ag_c::crop_feature] == 1;
    corn_years += corn ? 1 : 0;
    const double gpp = year_sum(t.daily.at("GPP"), i), reco = year_sum(t.daily.at("Reco"), i);
    EXPECT_NEAR(gpp, corn ? 1450 : 900, corn ? 550 : 400);
    EXPECT_GT(reco, 550);
    EXPECT_LT(reco, 1600);
    EXPECT_NEAR(year_sum(t.daily.at("Rh"), i), 380, 230);
    const double harvest_index = double{t.annual.at("Yield")[i]} / gpp;
    EXPECT_GT(harvest_index, 0.10);
    EXPECT_LT(harvest_index, 0.35);
  }
  EXPECT_GT(corn_years, 8);
  EXPECT_LT(corn_years, 25);
}

TEST_F(SimulatedSites, SameBytesForOneAndTwoThreads) {
  const SiteWorld world = small_world();
  SiteYears one, two;
  {
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 1);
    one = simulate_sites(world);
  }
  {
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 2);
    two = simulate_sites(world);
  }
  EXPECT_TRUE(same_bits(one.inputs, two.inputs));
  EXPECT_TRUE(same_labels(one, two));
}

TEST_F(SimulatedSites, DependOnSeedAndPlaceAlone) {
  SiteWorld fewer = small_world();
  fewer.points = {fewer.points[7], fewer.points[2]};
  const SiteYears some = simulate_sites(fewer), of_all = table().subset({7, 2});
  EXPECT_TRUE(same_bits(some.inputs, of_all.inputs));
  EXPECT_TRUE(same_labels(some, of_all));
  SiteWorld other = small_world();
  other.seed = 4;
  EXPECT_FALSE(same_bits(simulate_sites(other).inputs, table().inputs));
}

TEST_F(SimulatedSites, RegionsDifferOnlyInWorldsWithJumps) {
  for (const Heterogeneity kind : {Heterogeneity::none, Heterogeneity::explained,
                                   Heterogeneity::small_jump, Heterogeneity::large_jump}) {
    SiteWorld here = small_world(kind), moved = small_world(kind);
    here.points = moved.points = {here.points[0]};
    here.years = moved.years = 2;
    moved.points[0].region = "Indiana";
    const SiteYears a = simulate_sites(here), b = simulate_sites(moved);
    EXPECT_TRUE(same_bits(a.inputs, b.inputs));
    const bool jumps = kind == Heterogeneity::small_jump || kind == Heterogeneity::large_jump;
    EXPECT_EQ(same_labels(a, b), !jumps) << to_text(kind);
  }
}

TEST_F(SimulatedSites, KindsOfHeterogeneityDifferInLabelsNotInInputs) {
  const SiteYears none = simulate_sites(small_world(Heterogeneity::none)),
                  explained = simulate_sites(small_world(Heterogeneity::explained)),
                  other = simulate_sites(small_world(Heterogeneity::other_structure));
  EXPECT_TRUE(same_bits(none.inputs, explained.inputs));
  EXPECT_FALSE(same_bits(none.daily.at("Rh"), explained.daily.at("Rh")));
  EXPECT_TRUE(same_bits(none.daily.at("GPP"), other.daily.at("GPP")));
  EXPECT_FALSE(same_bits(none.daily.at("Ra"), other.daily.at("Ra")));
  // Another structure always comes with the satellite's GPP.
  EXPECT_FALSE(same_bits(none.inputs, other.inputs));
  EXPECT_EQ(other.features[kgml_ag_c::gpp_feature].source, "synthetic satellite");
}

TEST_F(SimulatedSites, SatelliteGppErrsAboutTheTruth) {
  SiteWorld world = small_world();
  world.gpp = "satellite";
  const SiteYears t = simulate_sites(world);
  EXPECT_TRUE(same_labels(t, table()));  // the process model runs on the true GPP
  double seen = 0, real = 0, difference = 0;
  for (size_t s = 0; s < 9; ++s) {
    for (size_t y = 0; y < 3; ++y) {
      for (size_t d = 0; d < 365; ++d) {
        const double a = double{t.input(s, y)[d * 19 + 8]},
                     b = double{table().input(s, y)[d * 19 + 8]};
        seen += a;
        real += b;
        difference += std::abs(a - b);
      }
    }
  }
  EXPECT_NEAR(seen / real, 1, 0.12);
  EXPECT_GT(difference / real, 0.05);
  EXPECT_LT(difference / real, 0.35);
}

TEST_F(SimulatedSites, MostFieldsRotate) {
  SiteWorld world = small_world();
  world.points = midwest_points(40, 9);
  const SiteYears t = simulate_sites(world);
  int corn = 0, rotations = 0;
  for (size_t s = 0; s < 40; ++s) {
    for (size_t y = 0; y < 3; ++y) corn += t.input(s, y)[7] == 1 ? 1 : 0;
    rotations += t.input(s, 0)[7] != t.input(s, 1)[7] ? 1 : 0;
  }
  EXPECT_GT(rotations, 24);
  EXPECT_LT(rotations, 40);
  EXPECT_GT(corn, 55);
}

TEST(SiteWorld, RefusesWhatMakesNoSense) {
  SiteWorld world;
  EXPECT_THROW(simulate_sites(world), Error);
  world.points = midwest_points(3, 1);
  world.years = 0;
  EXPECT_THROW(simulate_sites(world), Error);
  world.years = 1;
  world.gpp = "modis";
  EXPECT_THROW(simulate_sites(world), Error);
}

}  // namespace
}  // namespace fluxtile::world
