// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "model/training/random_draws.h"
#include "model/training/site_years.h"

namespace fluxtile {
namespace {

bool contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string text_of(const std::vector<int>& years) {
  std::string text;
  for (const int year : years) text += (text.empty() ? "" : ", ") + std::to_string(year);
  return text;
}

void check_years(const SiteYears& table, std::vector<int> years, const std::string& what) {
  const std::string found = text_of(years);
  std::sort(years.begin(), years.end());
  for (size_t i = 0; i < years.size(); ++i) {
    if (!contains(table.years, years[i]))
      throw Error(Code::data, what + ": the table has no year " + std::to_string(years[i]))
          .found(found)
          .expected(std::to_string(table.years.front()) + " to " +
                    std::to_string(table.years.back()));
    if (i > 0 && years[i] != years[i - 1] + 1)
      throw Error(Code::data, what + " follow each other, each once")
          .found(found)
          .hint("days of neighbouring years are alike: scattered years would make a test too easy");
  }
}

/// A site without a block is a block of its own.
const std::string& block_of(const SiteYears::Site& site) {
  return site.block.empty() ? site.name : site.block;
}

/// Blocks that are test. The draw of a region depends on the seed, its name and its blocks alone.
std::set<std::string> draw_test_blocks(const SiteYears& table, const SplitRule& rule) {
  std::set<std::string> drawn;
  if (!(rule.test_blocks > 0)) return drawn;
  for (const std::string& region : table.regions()) {
    std::set<std::string> names;
    for (const size_t site : table.sites_of(region)) names.insert(block_of(table.sites[site]));
    std::vector<std::string> blocks(names.begin(), names.end());
    RandomDraws(rule.seed, "test blocks of " + region).shuffle(blocks);
    const auto wanted =
        static_cast<size_t>(std::lround(rule.test_blocks * static_cast<double>(blocks.size())));
    const size_t count = std::clamp<size_t>(wanted, 1, std::max<size_t>(1, blocks.size() - 1));
    drawn.insert(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return drawn;
}

}  // namespace

Roles roles_of(const SiteYears& table, const SplitRule& rule) {
  if (!(rule.test_blocks >= 0 && rule.test_blocks < 1))
    throw Error(Code::data, "the share of test blocks is at least 0 and below 1")
        .found(std::to_string(rule.test_blocks));
  check_years(table, rule.validation_years, "validation years");
  check_years(table, rule.test_years, "test years");
  for (const int year : rule.validation_years)
    if (contains(rule.test_years, year))
      throw Error(Code::data, "year " + std::to_string(year) +
                                  " is asked for as a validation year and as a test year");

  const std::set<std::string> test_blocks = draw_test_blocks(table, rule);
  const bool any_test = !test_blocks.empty() || !rule.test_years.empty();
  Roles roles(table.sites.size() * table.years.size(), Role::none);
  size_t count[4] = {};
  for (size_t site = 0; site < table.sites.size(); ++site)
    for (size_t y = 0; y < table.years.size(); ++y) {
      const bool test_block = test_blocks.count(block_of(table.sites[site])) > 0;
      const bool test_year = contains(rule.test_years, table.years[y]);
      Role role = Role::none;
      if (any_test && (test_blocks.empty() || test_block) && (rule.test_years.empty() || test_year))
        role = Role::test;
      else if (!test_block && !test_year)
        role = contains(rule.validation_years, table.years[y]) ? Role::validation : Role::train;
      roles[table.site_year(site, y)] = role;
      ++count[static_cast<size_t>(role)];
    }

  const auto need = [&](Role role, bool asked, const char* name) {
    if (asked && count[static_cast<size_t>(role)] == 0)
      throw Error(Code::data, std::string("no site-year is left for ") + name)
          .found(std::to_string(table.sites.size()) + " sites, years " +
                 std::to_string(table.years.front()) + " to " + std::to_string(table.years.back()) +
                 ", test years " + text_of(rule.test_years) + ", validation years " +
                 text_of(rule.validation_years) + ", " + std::to_string(test_blocks.size()) +
                 " test blocks")
          .hint("give fewer test blocks or years");
  };
  need(Role::train, true, "training");
  need(Role::validation, !rule.validation_years.empty(), "validation");
  need(Role::test, any_test, "testing");
  return roles;
}

}  // namespace fluxtile
