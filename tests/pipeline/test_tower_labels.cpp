// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "pipeline/world/sites.h"

namespace fluxtile::world {
namespace {

// Many sites with a plain seasonal cycle: enough for statistics, made at once.
SiteYears seasonal_table(size_t sites) {
  SiteYears t;
  for (size_t s = 0; s < sites; ++s)
    t.sites.push_back({"site " + std::to_string(s), "Iowa", "Iowa 42N 094W", 42, -93, "synthetic"});
  t.years = {2001, 2002, 2003, 2004};
  t.features = {{"GPP", "gC m-2 d-1", "synthetic"}};
  t.inputs.assign(sites * 4 * 365, 1.0F);
  for (const char* name : {"Ra", "Rh", "Reco", "NEE", "GPP"}) {
    std::vector<float>& values = t.daily[name];
    for (size_t i = 0; i < sites * 4 * 365; ++i) {
      const double season =
          0.5 - 0.5 * std::cos(2 * 3.14159265 * static_cast<double>(i % 365) / 365);
      const double reco = 0.5 + 7 * season, nee = 0.5 - 9 * season * season;
      values.push_back(static_cast<float>(std::string(name) == "NEE" ? nee : reco));
    }
  }
  t.annual["Yield"].assign(sites * 4, 300.0F);
  t.truth = t.daily;
  t.synthetic = true;
  return t;
}

TEST(TowerLabels, KeepRecoAndNeeAlone) {
  SiteYears t = seasonal_table(3);
  const SiteYears before = t;
  keep_tower_labels(t, {});
  EXPECT_EQ(t.daily.size(), 2U);
  EXPECT_EQ(t.daily.count("Reco"), 1U);
  EXPECT_EQ(t.daily.count("NEE"), 1U);
  EXPECT_TRUE(t.annual.empty());
  EXPECT_EQ(t.truth, before.truth);
  EXPECT_EQ(t.inputs, before.inputs);
  EXPECT_TRUE(t.synthetic);
  SiteYears bare = before;
  bare.daily.erase("NEE");
  EXPECT_THROW(keep_tower_labels(bare, {}), Error);
}

TEST(TowerLabels, GapsComeInBlocks) {
  SiteYears t = seasonal_table(20);
  keep_tower_labels(t, {});
  const std::vector<float>& nee = t.daily.at("NEE");
  int gaps = 0, blocks = 0;
  for (size_t i = 0; i < nee.size(); ++i) {
    EXPECT_EQ(std::isnan(nee[i]), std::isnan(t.daily.at("Reco")[i]));
    if (!std::isnan(nee[i])) continue;
    ++gaps;
    blocks += i == 0 || !std::isnan(nee[i - 1]) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(gaps) / static_cast<double>(nee.size()), 0.25, 0.03);
  EXPECT_GT(static_cast<double>(gaps) / blocks, 4);
  EXPECT_LT(static_cast<double>(gaps) / blocks, 20);
}

TEST(TowerLabels, ErrorsGrowWithTheFluxAndHaveHeavyTails) {
  SiteYears t = seasonal_table(40);
  TowerLabels towers;
  towers.systematic_error = 0;
  keep_tower_labels(t, towers);
  double summer = 0, winter = 0, summer_fourth = 0, mean = 0;
  int n_summer = 0, n_winter = 0;
  for (size_t i = 0; i < t.daily.at("NEE").size(); ++i) {
    const double e = double{t.daily.at("NEE")[i]} - double{t.truth.at("NEE")[i]};
    if (std::isnan(e)) continue;
    const size_t d = i % 365;
    if (d > 170 && d < 195) {
      summer += e * e;
      summer_fourth += e * e * e * e;
      mean += e;
      ++n_summer;
    } else if (d < 15 || d > 350) {
      winter += e * e;
      ++n_winter;
    }
  }
  const double summer_sd = std::sqrt(summer / n_summer), winter_sd = std::sqrt(winter / n_winter);
  EXPECT_NEAR(summer_sd, 0.25 + 0.15 * 8.4, 0.15);
  EXPECT_NEAR(winter_sd, 0.25 + 0.15 * 0.45, 0.05);
  EXPECT_NEAR(mean / n_summer, 0, 0.1);
  EXPECT_GT(summer_fourth / n_summer / std::pow(summer_sd, 4), 4.5);  // Laplace: 6, normal: 3
}

TEST(TowerLabels, ErrorsOfRecoLastForDays) {
  SiteYears t = seasonal_table(30);
  TowerLabels towers;
  towers.systematic_error = 0;
  towers.gap_share = 0;
  keep_tower_labels(t, towers);
  const auto lagged = [&t](const char* name) {
    double product = 0, square = 0;
    for (size_t i = 1; i < t.daily.at(name).size(); ++i) {
      const auto error = [&](size_t k) {
        return double{t.daily.at(name)[k]} - double{t.truth.at(name)[k]};
      };
      product += error(i) * error(i - 1);
      square += error(i) * error(i);
    }
    return product / square;
  };
  EXPECT_NEAR(lagged("Reco"), 0.72, 0.08);
  EXPECT_NEAR(lagged("NEE"), 0, 0.05);
}

TEST(TowerLabels, EverySiteHasItsOwnFactor) {
  SiteYears t = seasonal_table(60);
  TowerLabels towers;
  towers.random_error = 0;
  towers.gap_share = 0;
  keep_tower_labels(t, towers);
  double square = 0;
  for (size_t s = 0; s < 60; ++s) {
    const size_t i = t.site_year(s, 1) * 365 + 180, j = t.site_year(s, 3) * 365 + 200;
    const double a = double{t.daily.at("NEE")[i]} / double{t.truth.at("NEE")[i]} - 1;
    const double b = double{t.daily.at("NEE")[j]} / double{t.truth.at("NEE")[j]} - 1;
    EXPECT_NEAR(a, b, 1e-5);
    square += a * a / 60;
  }
  EXPECT_NEAR(std::sqrt(square), 0.05, 0.015);
}

TEST(TowerLabels, DependOnSeedSiteAndDateAlone) {
  SiteYears all = seasonal_table(5), again = seasonal_table(5), other = seasonal_table(5);
  SiteYears fewer = seasonal_table(5).subset({3});
  TowerLabels towers;
  towers.gap_share = 0;
  keep_tower_labels(all, towers);
  keep_tower_labels(again, towers);
  keep_tower_labels(fewer, towers);
  EXPECT_EQ(all.daily, again.daily);
  EXPECT_EQ(all.subset({3}).daily, fewer.daily);
  towers.seed = 2;
  keep_tower_labels(other, towers);
  EXPECT_NE(all.daily, other.daily);
}

TEST(TowerLabels, NothingChangesWithoutErrorsAndGaps) {
  SiteYears t = seasonal_table(2);
  TowerLabels towers;
  towers.random_error = towers.systematic_error = towers.gap_share = 0;
  keep_tower_labels(t, towers);
  EXPECT_EQ(t.daily.at("NEE"), t.truth.at("NEE"));
  EXPECT_EQ(t.daily.at("Reco"), t.truth.at("Reco"));
  towers.gap_share = 1;
  EXPECT_THROW(keep_tower_labels(t, towers), Error);
}

}  // namespace
}  // namespace fluxtile::world
