// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "pipeline/training/site_years_file.h"

namespace fluxtile {
namespace {

using Variables = std::map<std::string, std::vector<float>>;

// "a" and "b" become "a, b"; what is there already stays once.
void add_to_list(std::string& list, const std::string& item) {
  const std::string open = ", " + list + ", ";
  if (item.empty() || open.find(", " + item + ", ") != std::string::npos) return;
  list += (list.empty() ? "" : ", ") + item;
}

void check_features(const SiteYears& first, const SiteYears& other) {
  const auto refuse = [&](const std::string& message, const std::string& found,
                          const std::string& expected) {
    return Error(Code::data, message)
        .found(found)
        .expected(expected)
        .hint("tables that are joined need the same inputs in the same order and units");
  };
  if (first.features.size() != other.features.size()) {
    throw refuse("tables of training data have different inputs",
                 fmt::format("{} in '{}'", other.features.size(), other.origin),
                 fmt::format("{} as in '{}'", first.features.size(), first.origin));
  }
  for (size_t i = 0; i < first.features.size(); ++i) {
    const SiteYears::Feature &a = first.features[i], &b = other.features[i];
    if (a.name == b.name && a.unit == b.unit) continue;
    throw refuse(fmt::format("tables of training data differ in input {}", i + 1),
                 fmt::format("{} [{}] in '{}'", b.name, b.unit, other.origin),
                 fmt::format("{} [{}] as in '{}'", a.name, a.unit, first.origin));
  }
}

// Copies blocks of `size` values a site-year into `to`, whose years begin `shift` earlier.
void place(const std::vector<float>& from, size_t sites, size_t from_years, size_t first_site,
           size_t to_years, size_t shift, size_t size, std::vector<float>& to) {
  for (size_t s = 0; s < sites; ++s) {
    std::copy_n(
        from.begin() + static_cast<std::ptrdiff_t>(s * from_years * size), from_years * size,
        to.begin() + static_cast<std::ptrdiff_t>(((first_site + s) * to_years + shift) * size));
  }
}

}  // namespace

SiteYears join_site_years(const std::vector<SiteYears>& tables) {
  if (tables.empty()) throw Error(Code::data, "no table of training data to join");
  SiteYears all;
  all.features = tables.front().features;
  int first = 1 << 30, last = -(1 << 30);
  std::map<std::pair<std::string, std::string>, std::string> known;  // site -> origin
  for (const SiteYears& table : tables) {
    check_features(tables.front(), table);
    if (!table.years.empty()) {
      first = std::min(first, table.years.front());
      last = std::max(last, table.years.back());
    }
    for (const SiteYears::Site& site : table.sites) {
      const auto [it, is_new] = known.insert({{site.region, site.name}, table.origin});
      if (!is_new) {
        throw Error(Code::data, "a site is in the training data twice")
            .found(fmt::format("{} ({}) in '{}' and '{}'", site.name, site.region, it->second,
                               table.origin))
            .hint("leave it out of one table, or rename it");
      }
      all.sites.push_back(site);
    }
    for (size_t i = 0; i < all.features.size(); ++i)
      add_to_list(all.features[i].source, table.features[i].source);
    add_to_list(all.origin, table.origin);
    all.synthetic = all.synthetic || table.synthetic;
  }
  for (int year = first; year <= last; ++year) all.years.push_back(year);

  const size_t years = all.years.size(), site_years = all.sites.size() * years;
  const size_t row = SiteYears::days * all.features.size();
  all.inputs.assign(site_years * row, NAN);
  size_t first_site = 0;
  for (const SiteYears& table : tables) {
    const size_t sites = table.sites.size(), n = table.years.size();
    const size_t shift = n == 0 ? 0 : static_cast<size_t>(table.years.front() - first);
    place(table.inputs, sites, n, first_site, years, shift, row, all.inputs);
    const auto add = [&](const Variables& from, size_t size, Variables& to) {
      for (const auto& [name, values] : from) {
        const auto it = to.try_emplace(name, site_years * size, NAN).first;
        place(values, sites, n, first_site, years, shift, size, it->second);
      }
    };
    add(table.daily, SiteYears::days, all.daily);
    add(table.monthly, SiteYears::months, all.monthly);
    add(table.annual, 1, all.annual);
    add(table.truth, SiteYears::days, all.truth);
    first_site += sites;
  }
  return all;
}

}  // namespace fluxtile
