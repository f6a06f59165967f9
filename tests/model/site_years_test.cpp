// SPDX-License-Identifier: Apache-2.0
#include "model/training/site_years.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "base/error.h"
#include "synthetic_site_years.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    return error.what();
  }
  return "";
}

/// Sites, years and regions alone: roles need no inputs.
SiteYears frame(size_t sites, size_t years, size_t regions, size_t sites_of_block) {
  SiteYears table;
  for (size_t s = 0; s < sites; ++s) {
    SiteYears::Site site;
    site.name = "s" + std::to_string(s);
    site.region = std::string(1, static_cast<char>('A' + s % regions));
    site.block = site.region + std::to_string(s / regions / sites_of_block);
    table.sites.push_back(site);
  }
  for (size_t y = 0; y < years; ++y) table.years.push_back(2001 + static_cast<int>(y));
  return table;
}

TEST(SiteYears, SubsetKeepsRowsOfTheChosenSites) {
  SiteYears table = test::crop_fields(3, 4, 2);
  table.monthly["NEE"].resize(4 * 2 * 12);
  for (size_t i = 0; i < table.monthly["NEE"].size(); ++i)
    table.monthly["NEE"][i] = static_cast<float>(i);
  const SiteYears part = table.subset({3, 1});
  part.check();
  EXPECT_EQ(part.sites[0].name, "site 3");
  EXPECT_EQ(part.sites[1].name, "site 1");
  const size_t row = SiteYears::days * table.features.size();
  for (size_t i = 0; i < row; ++i) ASSERT_EQ(part.input(0, 1)[i], table.input(3, 1)[i]);
  EXPECT_EQ(part.daily.at("Ra")[part.site_year(1, 1) * 365 + 200],
            table.daily.at("Ra")[table.site_year(1, 1) * 365 + 200]);
  EXPECT_EQ(part.monthly.at("NEE")[part.site_year(1, 0) * 12 + 4],
            table.monthly.at("NEE")[table.site_year(1, 0) * 12 + 4]);
  EXPECT_EQ(part.annual.at("Yield")[1], table.annual.at("Yield")[table.site_year(3, 1)]);
  EXPECT_THROW(table.subset({4}), Error);
}

TEST(SiteYears, CheckNamesSiteYearAndInputOfAGap) {
  SiteYears table = test::crop_fields(3, 2, 2);
  table.check();
  const size_t at = (table.site_year(1, 0) * 365 + 41) * table.features.size() + 6;
  table.inputs[at] = nan;
  const std::string text = message_of([&] { table.check(); });
  EXPECT_THAT(text, HasSubstr("site 1, year 2001: input PRECN has no value on day 42"));
  // A year without labels may have gaps.
  for (const char* name : {"Ra", "Rh", "Reco", "NEE"})
    for (size_t day = 0; day < 365; ++day)
      table.daily[name][table.site_year(1, 0) * 365 + day] = nan;
  EXPECT_THROW(table.check(), Error);  // its yield is still there
  table.annual["Yield"][table.site_year(1, 0)] = nan;
  table.check();
}

TEST(SiteYears, CheckRefusesArraysAndYearsThatDoNotFit) {
  SiteYears table = test::crop_fields(3, 2, 2);
  table.daily["Ra"].pop_back();
  EXPECT_THAT(message_of([&] { table.check(); }), HasSubstr("Ra"));
  table = test::crop_fields(3, 2, 2);
  table.years = {2001, 2003};
  EXPECT_THAT(message_of([&] { table.check(); }), HasSubstr("2003 after 2001"));
  table = test::crop_fields(3, 2, 2);
  table.features[4].name = "RADN";
  EXPECT_THAT(message_of([&] { table.check(); }), HasSubstr("RADN"));
  table = test::crop_fields(3, 2, 2);
  table.daily["NEE"][5] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(message_of([&] { table.check(); }), HasSubstr("NEE"));
}

TEST(SiteYears, FeatureNamesTheOnesThereAre) {
  const SiteYears table = test::crop_fields(3, 1, 2);
  EXPECT_EQ(table.feature("GPP"), 8U);
  const std::string text = message_of([&] { (void)table.feature("TMAX_AIRR"); });
  EXPECT_THAT(text, HasSubstr("TMAX_AIR"));
}

TEST(SiteYearRoles, KeepTrainAndTestApartByBlockAndYear) {
  for (const size_t sites : {7U, 12U, 41U})
    for (const size_t regions : {1U, 3U})
      for (const size_t per_block : {1U, 2U})
        for (uint64_t seed = 1; seed <= 5; ++seed) {
          const SiteYears table = frame(sites, 9, regions, per_block);
          SplitRule rule;
          rule.validation_years = {2006, 2007};
          rule.test_years = {2008, 2009};
          rule.test_blocks = 0.3;
          rule.seed = seed;
          const Roles roles = roles_of(table, rule);
          ASSERT_EQ(roles, roles_of(table, rule));
          ASSERT_EQ(roles.size(), sites * 9);
          std::map<Role, std::set<std::string>> blocks;
          std::map<Role, std::set<int>> years;
          std::map<std::string, std::set<std::string>> test_of_region, all_of_region;
          for (size_t s = 0; s < sites; ++s) {
            all_of_region[table.sites[s].region].insert(table.sites[s].block);
            for (size_t y = 0; y < 9; ++y) {
              const Role role = roles[table.site_year(s, y)];
              blocks[role].insert(table.sites[s].block);
              years[role].insert(table.years[y]);
              if (role == Role::test)
                test_of_region[table.sites[s].region].insert(table.sites[s].block);
            }
          }
          EXPECT_EQ(years[Role::train], (std::set<int>{2001, 2002, 2003, 2004, 2005}));
          EXPECT_EQ(years[Role::validation], (std::set<int>{2006, 2007}));
          EXPECT_EQ(years[Role::test], (std::set<int>{2008, 2009}));
          EXPECT_EQ(blocks[Role::train], blocks[Role::validation]);
          for (const std::string& block : blocks[Role::test])
            EXPECT_EQ(blocks[Role::train].count(block), 0U) << block;
          for (const auto& [region, all] : all_of_region) {
            EXPECT_GE(test_of_region[region].size(), 1U);
            EXPECT_LE(test_of_region[region].size(), std::max<size_t>(1, all.size() - 1));
          }
        }
}

TEST(SiteYearRoles, DrawOfARegionDoesNotDependOnTheOthers) {
  const SiteYears table = frame(40, 3, 4, 1);
  SplitRule rule;
  rule.test_blocks = 0.4;
  const Roles all = roles_of(table, rule);
  const std::vector<size_t> chosen = table.sites_of("C");
  SiteYears one;
  for (const size_t site : chosen) one.sites.push_back(table.sites[site]);
  one.years = table.years;
  const Roles alone = roles_of(one, rule);
  size_t tests = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    EXPECT_EQ(alone[i * 3], all[table.site_year(chosen[i], 0)]);
    tests += alone[i * 3] == Role::test ? 1U : 0U;
  }
  EXPECT_EQ(tests, 4U);
  rule.seed = 2;
  EXPECT_NE(roles_of(table, rule), all);
}

TEST(SiteYearRoles, WithoutTestBlocksTestYearsOfAllSites) {
  const SiteYears table = frame(3, 4, 1, 1);
  SplitRule rule;
  rule.validation_years = {2001};
  rule.test_years = {2004};
  const Roles roles = roles_of(table, rule);
  for (size_t s = 0; s < 3; ++s) {
    EXPECT_EQ(roles[table.site_year(s, 0)], Role::validation);
    EXPECT_EQ(roles[table.site_year(s, 1)], Role::train);
    EXPECT_EQ(roles[table.site_year(s, 3)], Role::test);
  }
}

TEST(SiteYearRoles, RefusesWhatCannotBeSplit) {
  const SiteYears table = frame(3, 4, 1, 1);
  SplitRule rule;
  rule.test_years = {2002, 2004};
  EXPECT_THAT(message_of([&] { roles_of(table, rule); }), HasSubstr("2002, 2004"));
  rule.test_years = {2009};
  EXPECT_THAT(message_of([&] { roles_of(table, rule); }), HasSubstr("no year 2009"));
  rule.test_years = {2004};
  rule.validation_years = {2004};
  EXPECT_THAT(message_of([&] { roles_of(table, rule); }), HasSubstr("2004"));
  rule.validation_years = {2001, 2002, 2003};
  EXPECT_THAT(message_of([&] { roles_of(table, rule); }), HasSubstr("for training"));
  const SiteYears single = frame(1, 4, 1, 1);
  rule = {};
  rule.test_blocks = 0.5;
  EXPECT_THAT(message_of([&] { roles_of(single, rule); }), HasSubstr("for training"));
}

}  // namespace
}  // namespace fluxtile
