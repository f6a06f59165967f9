// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/error.h"
#include "model/evaluation/site_scores.h"
#include "pipeline/training/arms.h"
#include "pipeline/training/folds.h"
#include "tests/pipeline/drawn_site_years.h"

namespace fluxtile {
namespace {

using testing::drawn_site_years;
using ::testing::ElementsAre;

Role role_at(const Experiment& experiment, size_t site, int year) {
  return experiment.roles[experiment.table.site_year(
      site, static_cast<size_t>(year - experiment.table.years[0]))];
}

SplitRule last_years(const std::vector<int>& validation, const std::vector<int>& test) {
  SplitRule split;
  split.validation_years = validation;
  split.test_years = test;
  return split;
}

TEST(Experiment, ReferenceSitesAreScoredOnlyWhereNoTowerStands) {
  const SiteYears towers = drawn_site_years(3, 2010, 5);
  SiteYears reference = drawn_site_years(6, 2010, 5);
  for (SiteYears::Site& site : reference.sites) site.name = "reference-" + site.name;
  // Blocks 0 to 2 hold towers, 3 to 5 do not.
  const Experiment both =
      make_experiment(towers, &reference, last_years({2013}, {2014}), /*by_site=*/false);
  ASSERT_EQ(both.table.sites.size(), 9U);
  EXPECT_EQ(role_at(both, 0, 2010), Role::train);
  EXPECT_EQ(role_at(both, 0, 2013), Role::validation);
  EXPECT_EQ(role_at(both, 0, 2014), Role::none)
      << "a tower is not scored where there is a reference";
  EXPECT_EQ(role_at(both, 3, 2014), Role::none) << "its block holds a tower";
  EXPECT_EQ(role_at(both, 6, 2014), Role::test);
  EXPECT_EQ(role_at(both, 6, 2013), Role::none);
  EXPECT_THAT(both.sites_with(Role::test), ElementsAre(6, 7, 8));
  std::set<std::string> trained, scored;
  for (const size_t site : both.sites_with(Role::train))
    trained.insert(both.table.sites[site].block);
  for (const size_t site : both.sites_with(Role::test)) {
    EXPECT_EQ(trained.count(both.table.sites[site].block), 0U);
  }
}

TEST(Experiment, NoReferenceLeftIsAnError) {
  const SiteYears towers = drawn_site_years(3, 2010, 4);
  const SiteYears same = drawn_site_years(3, 2010, 4);
  EXPECT_THROW(make_experiment(towers, &same, last_years({}, {2013}), false), Error);
}

TEST(Experiment, OtherYearsInTheReferenceAreAnError) {
  const SiteYears towers = drawn_site_years(3, 2010, 4);
  const SiteYears other = drawn_site_years(6, 2011, 4);
  EXPECT_THROW(make_experiment(towers, &other, last_years({}, {2013}), false), Error);
}

TEST(Experiment, SiteYearsWithoutLabelsHaveNoRole) {
  SiteYears towers = drawn_site_years(3, 2010, 4);
  for (auto& [variable, values] : towers.daily) {
    for (size_t day = 0; day < SiteYears::days; ++day)
      values[day] = std::numeric_limits<float>::quiet_NaN();  // site 0, 2010
  }
  const Experiment experiment = make_experiment(towers, nullptr, last_years({}, {2013}), false);
  EXPECT_EQ(role_at(experiment, 0, 2010), Role::none);
  EXPECT_EQ(role_at(experiment, 0, 2011), Role::train);
  EXPECT_EQ(role_at(experiment, 1, 2010), Role::train);
}

TEST(Experiment, AModelASite) {
  const Experiment experiment =
      make_experiment(drawn_site_years(3, 2010, 4), nullptr, last_years({}, {2013}), true);
  EXPECT_THAT(experiment.table.regions(), ElementsAre("site-0", "site-1", "site-2"));
}

TEST(Experiment, FewerTrainingYearsKeepTheLatest) {
  const Experiment all =
      make_experiment(drawn_site_years(3, 2010, 6), nullptr, last_years({2014}, {2015}), false);
  const Experiment two = with_training_years(all, 2);
  EXPECT_EQ(role_at(two, 1, 2011), Role::none);
  EXPECT_EQ(role_at(two, 1, 2012), Role::train);
  EXPECT_EQ(role_at(two, 1, 2013), Role::train);
  EXPECT_EQ(role_at(two, 1, 2014), Role::validation);
  EXPECT_EQ(two.site_years(two.sites_with(Role::train), Role::train), 6U);
}

TEST(Experiment, PlaceboDealsSitesAnewAndKeepsCounts) {
  const Experiment experiment =
      make_experiment(drawn_site_years(12, 2010, 4), nullptr, last_years({}, {2013}), false);
  const auto dealt = placebo_regions(experiment, 5);
  std::set<size_t> seen;
  bool moved = false;
  for (const auto& [region, sites] : dealt) {
    EXPECT_EQ(sites.size(), 4U) << region;
    for (const size_t site : sites) {
      EXPECT_TRUE(seen.insert(site).second);
      moved = moved || experiment.table.sites[site].region != region;
    }
  }
  EXPECT_EQ(seen.size(), 12U);
  EXPECT_TRUE(moved);
  EXPECT_EQ(dealt, placebo_regions(experiment, 5));
  EXPECT_NE(dealt, placebo_regions(experiment, 6));
}

TEST(Experiment, FoldsStandOneAfterTheOther) {
  const SiteYears table = drawn_site_years(3, 2010, 4);
  const Experiment first = make_experiment(table, nullptr, last_years({}, {2012, 2013}), false);
  const Experiment second = make_experiment(table, nullptr, last_years({}, {2010, 2011}), false);
  const FoldsTable folds({&first, &second});
  folds.experiment.table.check();
  EXPECT_EQ(folds.experiment.table.sites.size(), 6U);
  EXPECT_EQ(role_at(folds.experiment, 0, 2012), Role::test);
  EXPECT_EQ(role_at(folds.experiment, 3, 2012), Role::train);
  EXPECT_EQ(role_at(folds.experiment, 3, 2010), Role::test);

  Predictions ones, twos;
  const size_t each = 3 * 4 * SiteYears::days;
  ones.daily["NEE"].assign(each, 1.0F);
  twos.daily["NEE"].assign(each, 2.0F);
  const Predictions joined = folds.join({&ones, &twos});
  ASSERT_EQ(joined.daily.at("NEE").size(), 2 * each);
  EXPECT_EQ(joined.daily.at("NEE")[each - 1], 1.0F);
  EXPECT_EQ(joined.daily.at("NEE")[each], 2.0F);
}

TEST(Experiment, FoldsDoNotMultiplySites) {
  const SiteYears table = drawn_site_years(3, 2010, 4);
  const Experiment first = make_experiment(table, nullptr, last_years({}, {2012, 2013}), false);
  const Experiment second = make_experiment(table, nullptr, last_years({}, {2010, 2011}), false);
  const FoldsTable folds({&first, &second});
  Predictions flat;
  flat.daily["NEE"].assign(folds.experiment.roles.size() * SiteYears::days, 0.5F);
  const auto errors = block_errors(folds.experiment.table, folds.experiment.roles, Role::test, flat,
                                   flat, "NEE", Scale::monthly, false);
  std::set<size_t> sites;
  for (const BlockError& error : errors) sites.insert(error.site);
  EXPECT_EQ(sites.size(), 3U);
  EXPECT_EQ(errors.size(), 3U * 4U) << "every site-year is tested once";
}

TEST(Arms, NamesAreReadBack) {
  for (const Arm arm : all_arms()) {
    EXPECT_EQ(parse_arm(to_text(arm)), arm);
    EXPECT_FALSE(meaning(arm).empty());
  }
  try {
    parse_arm("regionel");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("regional"));
  }
}

}  // namespace
}  // namespace fluxtile
