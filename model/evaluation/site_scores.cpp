// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation/site_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "base/error.h"

namespace fluxtile {
namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int kDaysOfMonth = 15, kDaysOfYear = 330;

/// The part of `values` that belongs to a site-year; empty where the variable or every value is
/// missing.
std::vector<float> part(const std::map<std::string, std::vector<float>>& values,
                        const std::string& variable, size_t site_year, size_t length) {
  const auto found = values.find(variable);
  if (found == values.end() || found->second.size() < (site_year + 1) * length) return {};
  const auto begin = found->second.begin() + static_cast<std::ptrdiff_t>(site_year * length);
  std::vector<float> out(begin, begin + static_cast<std::ptrdiff_t>(length));
  if (std::all_of(out.begin(), out.end(), [](float v) { return std::isnan(v); })) return {};
  return out;
}

std::vector<float> part_or_sum(const std::map<std::string, std::vector<float>>& values,
                               const std::string& variable, size_t site_year, size_t length) {
  std::vector<float> out = part(values, variable, site_year, length);
  if (!out.empty() || variable != "Reco") return out;
  out = part(values, "Ra", site_year, length);
  const std::vector<float> rh = part(values, "Rh", site_year, length);
  if (out.empty() || rh.empty()) return {};
  for (size_t i = 0; i < length; ++i) out[i] += rh[i];
  return out;
}

/// What is predicted for a site-year, beside its observations.
struct PairedYear {
  size_t site = 0;
  int fold = 0, year = 0, crop = 0;
  Observations observed;
  const float* predicted = nullptr;  ///< [365]
};

/// The first row of the same site: folds of a cross-validation repeat a site under its name.
size_t first_row_of(const SiteYears& table, size_t site) {
  const SiteYears::Site& own = table.sites[site];
  for (size_t s = 0; s < site; ++s)
    if (table.sites[s].name == own.name && table.sites[s].region == own.region) return s;
  return site;
}

std::set<int> folds_of(const SiteYears& table) {
  std::set<int> folds;
  for (const SiteYears::Site& site : table.sites) folds.insert(site.fold);
  return folds;
}

/// Roles of the rows of one fold; the rest has none.
Roles only_fold(const SiteYears& table, Roles roles, int fold) {
  for (size_t s = 0; s < table.sites.size(); ++s) {
    if (table.sites[s].fold == fold) continue;
    for (size_t y = 0; y < table.years.size(); ++y) roles[table.site_year(s, y)] = Role::none;
  }
  return roles;
}

std::vector<PairedYear> paired_years(const SiteYears& table, const Roles& roles, Role role,
                                     const Predictions& predictions, const std::string& variable,
                                     bool against_truth) {
  std::vector<PairedYear> out;
  const auto predicted = predictions.daily.find(variable);
  if (predicted == predictions.daily.end()) return out;
  if (predicted->second.size() != roles.size() * SiteYears::days)
    throw Error(Code::internal, "predictions of " + variable + " belong to another table");
  for (size_t s = 0; s < table.sites.size(); ++s) {
    for (size_t y = 0; y < table.years.size(); ++y) {
      const size_t site_year = table.site_year(s, y);
      if (roles[site_year] != role) continue;
      PairedYear pair;
      pair.observed = observations(table, variable, s, y, against_truth);
      if (pair.observed.none()) continue;
      pair.site = first_row_of(table, s);
      pair.fold = table.sites[s].fold;
      pair.year = table.years[y];
      pair.crop = crop_of(table, s, y);
      pair.predicted = predicted->second.data() + site_year * SiteYears::days;
      out.push_back(std::move(pair));
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const PairedYear& a, const PairedYear& b) {
    return std::tie(a.site, a.year) < std::tie(b.site, b.year);
  });
  return out;
}

MonthlyMeans predicted_months(const PairedYear& pair) {
  return monthly_means(pair.predicted,
                       pair.observed.daily.empty() ? pair.predicted : pair.observed.daily.data(),
                       pair.year);
}
MonthlyMeans observed_months(const PairedYear& pair) {
  if (pair.observed.daily.empty()) return monthly_means(pair.observed, pair.year);
  return monthly_means(pair.observed.daily.data(), pair.predicted, pair.year);
}

void add_days(const PairedYear& pair, std::vector<ScaledValue>& out) {
  if (pair.observed.daily.empty()) return;
  for (size_t d = 0; d < SiteYears::days; ++d) {
    const double predicted = pair.predicted[d], observed = pair.observed.daily[d];
    if (!std::isnan(predicted) && !std::isnan(observed))
      out.push_back({pair.site, pair.year, static_cast<int>(d), pair.crop, predicted, observed});
  }
}

void add_months(const PairedYear& pair, const std::map<int, MonthlyMeans>* climatology,
                std::vector<ScaledValue>& out) {
  const MonthlyMeans predicted = predicted_months(pair), observed = observed_months(pair);
  for (size_t m = 0; m < SiteYears::months; ++m) {
    double normal = 0;
    if (climatology != nullptr) {
      const auto found = climatology->find(pair.crop);
      normal = found == climatology->end() ? kNone : found->second[m];
    }
    ScaledValue value{
        pair.site,           pair.year, static_cast<int>(m), pair.crop, predicted[m] - normal,
        observed[m] - normal};
    if (!std::isnan(value.predicted) && !std::isnan(value.observed)) out.push_back(value);
  }
}

void add_year(const PairedYear& pair, std::vector<ScaledValue>& out) {
  double predicted = 0, observed = 0;
  if (!pair.observed.daily.empty()) {
    int days = 0;
    for (size_t d = 0; d < SiteYears::days; ++d) {
      if (std::isnan(pair.predicted[d]) || std::isnan(pair.observed.daily[d])) continue;
      predicted += pair.predicted[d];
      observed += pair.observed.daily[d];
      ++days;
    }
    if (days < kDaysOfYear) return;
    predicted *= static_cast<double>(SiteYears::days) / days;
    observed *= static_cast<double>(SiteYears::days) / days;
  } else {
    const MonthlyMeans p = predicted_months(pair), o = observed_months(pair);
    const std::vector<int>& begin = SiteYears::month_begin(pair.year);
    for (size_t m = 0; m < SiteYears::months; ++m) {
      const int length = begin[m + 1] - begin[m];
      predicted += p[m] * length;
      observed += o[m] * length;
    }
    if (std::isnan(predicted) || std::isnan(observed)) return;
  }
  out.push_back({pair.site, pair.year, 0, pair.crop, predicted, observed});
}

/// Means over the years of a site; `annual` comes site by site.
std::vector<ScaledValue> site_means(const std::vector<ScaledValue>& annual) {
  std::vector<ScaledValue> out;
  for (size_t i = 0; i < annual.size();) {
    ScaledValue mean{annual[i].site, 0, 0, annual[i].crop, 0, 0};
    size_t years = 0;
    for (; i < annual.size() && annual[i].site == mean.site; ++i, ++years) {
      mean.predicted += annual[i].predicted;
      mean.observed += annual[i].observed;
    }
    mean.predicted /= static_cast<double>(years);
    mean.observed /= static_cast<double>(years);
    out.push_back(mean);
  }
  return out;
}

/// Scores of a region from the values of its sites.
RegionScores scored(const SiteYears& table, const std::string& region, const std::string& variable,
                    Scale scale, const std::vector<ScaledValue>& values) {
  RegionScores out;
  out.region = region;
  out.variable = variable;
  out.scale = scale;
  std::vector<double> predicted, observed;
  std::map<size_t, std::pair<std::vector<double>, std::vector<double>>> by_site;
  for (const ScaledValue& value : values) {
    if (!region.empty() && table.sites[value.site].region != region) continue;
    predicted.push_back(value.predicted);
    observed.push_back(value.observed);
    by_site[value.site].first.push_back(value.predicted);
    by_site[value.site].second.push_back(value.observed);
  }
  // A ratio of means says nothing about values that are spread around zero.
  const auto score = [scale](const std::vector<double>& p, const std::vector<double>& o) {
    Scores of_pairs = scores(p, o);
    if (scale == Scale::anomaly) of_pairs.kge = kNone;
    return of_pairs;
  };
  out.all = score(predicted, observed);
  out.sites = by_site.size();
  std::vector<double> nse, rmse;
  for (const auto& [site, pair] : by_site) {
    SiteScores own{table.sites[site].name, score(pair.first, pair.second)};
    if (own.scores.pairs == 1) {
      own.scores.bias = pair.first[0] - pair.second[0];
      own.scores.rmse = std::fabs(own.scores.bias);
      own.scores.mse = own.scores.bias * own.scores.bias;
    }
    nse.push_back(own.scores.nse);
    rmse.push_back(own.scores.rmse);
    out.by_site.push_back(std::move(own));
  }
  out.nse_median = quantile(nse, 0.5);
  out.nse_q25 = quantile(nse, 0.25);
  out.nse_q75 = quantile(nse, 0.75);
  out.rmse_median = quantile(rmse, 0.5);
  out.rmse_q25 = quantile(rmse, 0.25);
  out.rmse_q75 = quantile(rmse, 0.75);
  return out;
}

}  // namespace

const std::vector<std::string>& scored_variables() {
  static const std::vector<std::string> variables{"Ra", "Rh", "Reco", "NEE"};
  return variables;
}

Observations observations(const SiteYears& table, const std::string& variable, size_t site,
                          size_t year, bool against_truth) {
  const size_t site_year = table.site_year(site, year);
  Observations out;
  if (against_truth) out.daily = part_or_sum(table.truth, variable, site_year, SiteYears::days);
  if (out.none()) out.daily = part_or_sum(table.daily, variable, site_year, SiteYears::days);
  if (out.none()) out.monthly = part_or_sum(table.monthly, variable, site_year, SiteYears::months);
  return out;
}

MonthlyMeans monthly_means(const float* values, const float* counted, int year) {
  const std::vector<int>& begin = SiteYears::month_begin(year);
  MonthlyMeans means{};
  for (size_t m = 0; m < SiteYears::months; ++m) {
    double sum = 0;
    int days = 0;
    for (int d = begin[m]; d < begin[m + 1]; ++d) {
      if (std::isnan(values[d]) || std::isnan(counted[d])) continue;
      sum += values[d];
      ++days;
    }
    means[m] = days >= kDaysOfMonth ? sum / days : kNone;
  }
  return means;
}

MonthlyMeans monthly_means(const Observations& observed, int year) {
  if (!observed.daily.empty())
    return monthly_means(observed.daily.data(), observed.daily.data(), year);
  MonthlyMeans means{};
  means.fill(kNone);
  std::copy(observed.monthly.begin(), observed.monthly.end(), means.begin());
  return means;
}

int crop_of(const SiteYears& table, size_t site, size_t year) {
  for (size_t f = 0; f < table.features.size(); ++f)
    if (table.features[f].name == "Crop_Type")
      return static_cast<int>(std::lround(table.input(site, year)[f]));
  return 0;
}

std::map<int, MonthlyMeans> month_crop_means(const SiteYears& table, const Roles& roles, Role role,
                                             const std::string& variable, bool against_truth) {
  std::map<int, std::pair<MonthlyMeans, MonthlyMeans>> sums;  // sum and count
  for (size_t s = 0; s < table.sites.size(); ++s) {
    for (size_t y = 0; y < table.years.size(); ++y) {
      if (roles[table.site_year(s, y)] != role) continue;
      const Observations observed = observations(table, variable, s, y, against_truth);
      if (observed.none()) continue;
      const MonthlyMeans months = monthly_means(observed, table.years[y]);
      auto& [sum, count] = sums[crop_of(table, s, y)];
      for (size_t m = 0; m < SiteYears::months; ++m) {
        if (std::isnan(months[m])) continue;
        sum[m] += months[m];
        count[m] += 1;
      }
    }
  }
  std::map<int, MonthlyMeans> out;
  for (const auto& [crop, pair] : sums)
    for (size_t m = 0; m < SiteYears::months; ++m)
      out[crop][m] = pair.second[m] > 0 ? pair.first[m] / pair.second[m] : kNone;
  return out;
}

std::vector<ScaledValue> scaled_values(const SiteYears& table, const Roles& roles, Role role,
                                       const Predictions& predictions, const std::string& variable,
                                       Scale scale, bool against_truth) {
  std::map<int, std::map<int, MonthlyMeans>> climatology;  // of a fold
  if (scale == Scale::anomaly) {
    for (const int fold : folds_of(table))
      climatology[fold] = month_crop_means(table, only_fold(table, roles, fold), Role::train,
                                           variable, against_truth);
  }
  std::vector<ScaledValue> out;
  for (const PairedYear& pair :
       paired_years(table, roles, role, predictions, variable, against_truth)) {
    switch (scale) {
      case Scale::daily:
        add_days(pair, out);
        break;
      case Scale::monthly:
        add_months(pair, nullptr, out);
        break;
      case Scale::anomaly:
        add_months(pair, &climatology.at(pair.fold), out);
        break;
      case Scale::annual:
      case Scale::between_site:
        add_year(pair, out);
        break;
    }
  }
  return scale == Scale::between_site ? site_means(out) : out;
}

std::vector<RegionScores> region_scores(const SiteYears& table, const Roles& roles, Role role,
                                        const Predictions& predictions, bool against_truth) {
  std::vector<std::string> regions{""};
  for (const std::string& region : table.regions())
    if (!region.empty()) regions.push_back(region);
  std::map<std::pair<std::string, Scale>, std::vector<ScaledValue>> values;
  for (const std::string& variable : scored_variables())
    for (const Scale scale : all_scales())
      values[{variable, scale}] =
          scaled_values(table, roles, role, predictions, variable, scale, against_truth);
  std::vector<RegionScores> out;
  for (const std::string& region : regions) {
    for (const std::string& variable : scored_variables()) {
      for (const Scale scale : all_scales()) {
        RegionScores row = scored(table, region, variable, scale, values.at({variable, scale}));
        if (row.sites > 0) out.push_back(std::move(row));
      }
    }
  }
  return out;
}

std::vector<BlockError> block_errors(const SiteYears& table, const Roles& roles, Role role,
                                     const Predictions& first, const Predictions& second,
                                     const std::string& variable, Scale scale, bool against_truth) {
  using Key = std::tuple<size_t, int, int>;  // site, year, period
  const auto values = [&](const Predictions& predictions) {
    return scaled_values(table, roles, role, predictions, variable, scale, against_truth);
  };
  std::map<Key, double> error_of_second;
  for (const ScaledValue& v : values(second))
    error_of_second[{v.site, v.year, v.period}] = v.predicted - v.observed;
  std::map<std::pair<size_t, int>, BlockError> sums;
  for (const ScaledValue& v : values(first)) {
    const auto found = error_of_second.find({v.site, v.year, v.period});
    if (found == error_of_second.end()) continue;
    BlockError& sum = sums[{v.site, v.year}];
    const SiteYears::Site& site = table.sites[v.site];
    sum.block = site.block.empty() ? "site " + site.name : site.block;
    sum.site = v.site;
    sum.year = v.year;
    sum.first += (v.predicted - v.observed) * (v.predicted - v.observed);
    sum.second += found->second * found->second;
    sum.pairs += 1;
  }
  std::vector<BlockError> out;
  out.reserve(sums.size());
  for (auto& [key, sum] : sums) out.push_back(std::move(sum));
  return out;
}

}  // namespace fluxtile
