// SPDX-License-Identifier: Apache-2.0
#include "model/training/site_years.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/nearest_name.h"

namespace fluxtile {
namespace {

using Variables = std::map<std::string, std::vector<float>>;

void check_sizes(const Variables& variables, size_t expected, const std::string& what) {
  for (const auto& [name, values] : variables)
    if (values.size() != expected)
      throw Error(Code::data, "site-year table: " + what + " values of " + name +
                                  " do not fit the number of sites and years")
          .found(std::to_string(values.size()) + " values")
          .expected(std::to_string(expected));
}

/// Whether one of `variables` has a value among the `size` values of a site-year.
bool any_value(const Variables& variables, size_t site_year, size_t size) {
  for (const auto& [name, values] : variables) {
    const float* first = values.data() + site_year * size;
    if (std::any_of(first, first + size, [](float v) { return !std::isnan(v); })) return true;
  }
  return false;
}

void check_finite(const Variables& variables, const std::string& what) {
  for (const auto& [name, values] : variables)
    if (std::any_of(values.begin(), values.end(), [](float v) { return std::isinf(v); }))
      throw Error(Code::data, "site-year table: an infinite " + what + " value of " + name)
          .hint("write NaN where there is no value");
}

Variables chosen_rows(const Variables& variables, const std::vector<size_t>& sites, size_t row) {
  Variables out;
  for (const auto& [name, values] : variables) {
    std::vector<float>& to = out[name];
    to.reserve(sites.size() * row);
    for (const size_t site : sites)
      to.insert(to.end(), values.begin() + static_cast<std::ptrdiff_t>(site * row),
                values.begin() + static_cast<std::ptrdiff_t>((site + 1) * row));
  }
  return out;
}

}  // namespace

bool SiteYears::is_leap(int year) noexcept {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

const std::vector<int>& SiteYears::month_begin(int year) {
  static const std::vector<int> common = {0,   31,  59,  90,  120, 151, 181,
                                          212, 243, 273, 304, 334, days};
  static const std::vector<int> leap = {0,   31,  60,  91,  121, 152, 182,
                                        213, 244, 274, 305, 335, days};
  return is_leap(year) ? leap : common;
}

size_t SiteYears::feature(const std::string& name) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < features.size(); ++i) {
    if (features[i].name == name) return i;
    names.push_back(features[i].name);
  }
  throw Error(Code::data, "the site-year table has no input '" + name + "'")
      .key(name)
      .found([&names] {
        std::string text;
        for (const std::string& known : names) text += (text.empty() ? "" : ", ") + known;
        return text;
      }())
      .hint(suggestion(name, names));
}

SiteYears SiteYears::subset(const std::vector<size_t>& chosen) const {
  SiteYears out;
  for (const size_t site : chosen) {
    if (site >= sites.size())
      throw Error(Code::internal, "site " + std::to_string(site) + " is not in the table");
    out.sites.push_back(sites[site]);
  }
  out.years = years;
  out.features = features;
  out.synthetic = synthetic;
  out.origin = origin;
  const size_t n = years.size();
  out.inputs = std::move(chosen_rows({{"", inputs}}, chosen, n * days * features.size()).at(""));
  out.daily = chosen_rows(daily, chosen, n * days);
  out.monthly = chosen_rows(monthly, chosen, n * months);
  out.annual = chosen_rows(annual, chosen, n);
  out.truth = chosen_rows(truth, chosen, n * days);
  return out;
}

std::vector<std::string> SiteYears::regions() const {
  std::vector<std::string> names;
  for (const Site& site : sites)
    if (std::find(names.begin(), names.end(), site.region) == names.end())
      names.push_back(site.region);
  return names;
}

std::vector<size_t> SiteYears::sites_of(const std::string& region) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < sites.size(); ++i)
    if (sites[i].region == region) found.push_back(i);
  return found;
}

void SiteYears::check() const {
  if (sites.empty() || years.empty() || features.empty())
    throw Error(Code::data, "the site-year table is empty")
        .found(std::to_string(sites.size()) + " sites, " + std::to_string(years.size()) +
               " years, " + std::to_string(features.size()) + " inputs");
  for (size_t y = 1; y < years.size(); ++y)
    if (years[y] != years[y - 1] + 1)
      throw Error(Code::data, "years of a site-year table follow each other without holes")
          .found(std::to_string(years[y]) + " after " + std::to_string(years[y - 1]));
  for (size_t f = 0; f < features.size(); ++f)
    if (feature(features[f].name) != f)
      throw Error(Code::data, "input '" + features[f].name + "' is twice in the site-year table");

  const size_t n = sites.size() * years.size(), row = days * features.size();
  check_sizes({{"the inputs", inputs}}, n * row, "daily");
  check_sizes(daily, n * days, "daily");
  check_sizes(monthly, n * months, "monthly");
  check_sizes(annual, n, "annual");
  check_sizes(truth, n * days, "true daily");
  check_finite(daily, "daily");
  check_finite(monthly, "monthly");
  check_finite(annual, "annual");

  for (size_t i = 0; i < n; ++i) {
    if (!any_value(daily, i, days) && !any_value(monthly, i, months) && !any_value(annual, i, 1))
      continue;
    const float* values = inputs.data() + i * row;
    for (size_t k = 0; k < row; ++k)
      if (!std::isfinite(values[k]))
        throw Error(Code::data, "site " + sites[i / years.size()].name + ", year " +
                                    std::to_string(years[i % years.size()]) + ": input " +
                                    features[k % features.size()].name + " has no value on day " +
                                    std::to_string(k / features.size() + 1))
            .found(std::isnan(values[k]) ? "NaN" : "infinity")
            .expected("inputs on all days of a year that has a label")
            .hint("fill the gap, or leave out the labels of that year");
  }
}

}  // namespace fluxtile
