// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "geo/calendar.h"
#include "model/kgml_ag_c.h"
#include "pipeline/training/tower_files.h"
#include "pipeline/training/tower_inputs.h"

namespace fluxtile {
namespace {

constexpr size_t kDays = SiteYears::days, kMonths = SiteYears::months,
                 kFeatures = kgml_ag_c::feature_count, kGpp = kgml_ag_c::gpp_feature;
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr int kBridgedDays = 32;     // as inputs.gpp.max_gap of a run
constexpr double kLeastShare = 0.1;  // of a year's days (months) with labels, in a site's best year

using Years = std::map<int, std::vector<float>>;

/// First day of a month (0..11) and of the next in a table's year, which ends on day 365.
std::pair<size_t, size_t> days_of_month(int year, int month) {
  const int first = day_of_year({year, month + 1, 1});
  const int end = std::min(first + days_in_month(year, month + 1), static_cast<int>(kDays));
  return {static_cast<size_t>(first), static_cast<size_t>(end)};
}

/// Calls `visit(year, first day, end day, value)` for every value of a tower.
template <typename Visit>
void each_value(const TowerFluxes& fluxes, Visit visit) {
  for (const auto& [stamp, value] : fluxes.values) {
    if (fluxes.monthly) {
      const int year = static_cast<int>(stamp / 12), month = static_cast<int>(stamp % 12);
      const auto [first, end] = days_of_month(year, month);
      visit(year, first, end, value);
    } else {
      const Date date = from_days(stamp);
      const auto day = static_cast<size_t>(day_of_year(date));
      visit(date.year, day, std::min(day + 1, kDays), value);
    }
  }
}

/// Gives days without GPP the tower's own: what its file says, else Reco - NEE; below zero is zero.
void take_tower_gpp(const TowerFluxes& fluxes, Years& years) {
  each_value(fluxes, [&](int year, size_t first, size_t end, const TowerFluxes::Value& value) {
    const auto found = years.find(year);
    const double gpp = std::isnan(value.gpp) ? value.reco - value.nee : value.gpp;
    if (found == years.end() || std::isnan(gpp)) return;
    for (size_t day = first; day < end; ++day)
      found->second[day * kFeatures + kGpp] = static_cast<float>(std::max(0.0, gpp));
  });
}

/// Bridges gaps of GPP linearly over consecutive years, holding the record's ends; drops years with
/// a longer gap and says so in `lacking`.
void bridge_gpp(Years& years, std::string& lacking) {
  std::vector<float*> days;
  const auto close = [&] {
    size_t last = days.size();  // the last day with a value
    for (size_t i = 0; i <= days.size(); ++i) {
      if (i < days.size() && std::isnan(*days[i])) continue;
      const size_t first = last == days.size() ? 0 : last + 1;  // of the gap before day i
      const bool from = last < days.size(), to = i < days.size();
      if (i > first && i - first <= kBridgedDays && (from || to)) {
        const float a = from ? *days[last] : *days[i], b = to ? *days[i] : a;
        for (size_t k = first; k < i; ++k) {
          const float way = static_cast<float>(k + 1 - first) / static_cast<float>(i + 1 - first);
          *days[k] = a + (b - a) * way;
        }
      }
      last = i;
    }
    days.clear();
  };
  int before = 0;
  for (auto& [year, values] : years) {
    if (!days.empty() && year != before + 1) close();
    for (size_t day = 0; day < kDays; ++day) days.push_back(&values[day * kFeatures + kGpp]);
    before = year;
  }
  close();
  for (auto it = years.begin(); it != years.end();) {
    bool whole = true;
    for (size_t day = 0; day < kDays; ++day)
      whole = whole && !std::isnan(it->second[day * kFeatures + kGpp]);
    if (!whole)
      lacking += (lacking.empty() ? "" : ", ") + std::to_string(it->first) +
                 " (GPP has gaps of more than " + std::to_string(kBridgedDays) + " days)";
    it = whole ? std::next(it) : years.erase(it);
  }
}

/// GPP = Reco - NEE where both are known, negative values kept, as the model was published.
void replace_gpp(const TowerFluxes& fluxes, Years& years) {
  each_value(fluxes, [&](int year, size_t first, size_t end, const TowerFluxes::Value& value) {
    const auto found = years.find(year);
    const double gpp = value.reco - value.nee;
    if (found == years.end() || std::isnan(gpp)) return;
    for (size_t day = first; day < end; ++day)
      found->second[day * kFeatures + kGpp] = static_cast<float>(gpp);
  });
}

/// Largest share of a year's days (months) with Reco or NEE among the years with inputs.
double best_share(const TowerFluxes& fluxes, const Years& years) {
  std::map<int, size_t> count;
  each_value(fluxes, [&](int year, size_t first, size_t end, const TowerFluxes::Value& value) {
    const bool any = !std::isnan(value.reco) || !std::isnan(value.nee);
    if (any && end > first && years.count(year) > 0) ++count[year];
  });
  size_t most = 0;
  for (const auto& [year, n] : count) most = std::max(most, n);
  return static_cast<double>(most) / static_cast<double>(fluxes.monthly ? kMonths : kDays);
}

/// One tower that has passed.
struct Passed {
  size_t site = 0;
  const TowerFluxes* fluxes = nullptr;
  Years* years = nullptr;
};

void write_inputs(SiteYears& table, size_t row, const Years& years) {
  for (const auto& [year, values] : years) {
    const auto y = static_cast<size_t>(year - table.years.front());
    std::copy(values.begin(), values.end(),
              table.inputs.data() + table.site_year(row, y) * kDays * kFeatures);
  }
}

void write_labels(SiteYears& table, size_t row, const Passed& tower) {
  const bool monthly = tower.fluxes->monthly;
  const size_t steps = monthly ? kMonths : kDays;
  auto& variables = monthly ? table.monthly : table.daily;
  for (const char* name : {"Reco", "NEE"})
    variables.try_emplace(name, table.sites.size() * table.years.size() * steps, kNone);
  for (const auto& [stamp, value] : tower.fluxes->values) {
    const Date date = monthly ? Date{static_cast<int>(stamp / 12), 1, 1} : from_days(stamp);
    const auto step = static_cast<size_t>(monthly ? stamp % 12 : day_of_year(date));
    if (tower.years->count(date.year) == 0 || step >= steps) continue;
    const auto y = static_cast<size_t>(date.year - table.years.front());
    const size_t at = table.site_year(row, y) * steps + step;
    variables.at("Reco")[at] = static_cast<float>(value.reco);
    variables.at("NEE")[at] = static_cast<float>(value.nee);
  }
}

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::lround(share * 100))) + " %";
}

}  // namespace

Towers collect_towers(const std::string& path, const std::vector<std::string>& overrides) {
  const TowersConfig config = read_towers_config(path, overrides);
  std::vector<TowerFluxes> fluxes = read_site_fluxes(config);
  TowerInputs inputs = config.run.empty() ? table_inputs(config) : raster_inputs(config);
  Towers towers;
  SiteYears& table = towers.table;
  towers.warnings = inputs.warnings;
  std::vector<Passed> passed;
  bool replaced = false;
  for (size_t s = 0; s < config.sites.size(); ++s) {
    const TowerSite& site = config.sites[s];
    Years& years = inputs.sites[s].years;
    towers.warnings.insert(towers.warnings.end(), fluxes[s].warnings.begin(),
                           fluxes[s].warnings.end());
    if (!inputs.gpp_given) take_tower_gpp(fluxes[s], years);
    bridge_gpp(years, inputs.sites[s].lacking);
    if (years.empty())
      throw config.lines
          .locate(Error(Code::data, "site " + site.name + " has no year with all inputs"), site.key)
          .found(inputs.sites[s].lacking)
          .expected("at least one calendar year with weather and GPP on every day and a crop");
    if (!inputs.sites[s].lacking.empty())
      towers.warnings.push_back("site " + site.name + ": years without all inputs are not used: " +
                                inputs.sites[s].lacking);
    const double share = best_share(fluxes[s], years);
    if (share < kLeastShare) {
      towers.warnings.push_back("site " + site.name +
                                " is left out: its best year has labels on only " + percent(share) +
                                " of the " + (fluxes[s].monthly ? "months" : "days") + " (" +
                                std::to_string(fluxes[s].below_quality) +
                                " rows are below min_qc; " + fluxes[s].file + ")");
      continue;
    }
    if (config.fluxes.gpp_from_labels.value_or(config.run.empty() && !fluxes[s].monthly)) {
      replace_gpp(fluxes[s], years);
      replaced = true;
    }
    passed.push_back({s, &fluxes[s], &years});
  }
  if (passed.empty())
    throw config.lines
        .locate(Error(Code::data, "no tower has enough labels to learn from"), "fluxes")
        .found(towers.warnings.back())
        .expected("Reco or NEE on at least " + percent(kLeastShare) +
                  " of the days (months) of some year with inputs")
        .hint("look at fluxes.min_qc, and whether years of labels and of inputs meet");

  table.features = inputs.features;
  if (replaced) {
    table.features[kGpp].source = config.fluxes.source + ", Reco - NEE";
  } else if (!inputs.gpp_given) {
    table.features[kGpp].source = config.fluxes.source + ", GPP";
  }
  int first = std::numeric_limits<int>::max(), last = 0;
  for (const Passed& tower : passed) {
    first = std::min(first, tower.years->begin()->first);
    last = std::max(last, tower.years->rbegin()->first);
  }
  for (int year = first; year <= last; ++year) table.years.push_back(year);
  for (const Passed& tower : passed) {
    const TowerSite& site = config.sites[tower.site];
    const std::string& region = site.region.empty() ? inputs.sites[tower.site].region : site.region;
    if (region.empty())
      throw config.lines.locate(Error(Code::data, "nothing tells the region of site " + site.name),
                                site.key);
    table.sites.push_back(
        {site.name, region, site.block, site.latitude, site.longitude, config.fluxes.source});
  }
  table.inputs.assign(passed.size() * table.years.size() * kDays * kFeatures, kNone);
  for (size_t row = 0; row < passed.size(); ++row) {
    write_inputs(table, row, *passed[row].years);
    write_labels(table, row, passed[row]);
  }
  table.origin = "towers of " + std::filesystem::path(config.path).filename().string() +
                 ", fluxes " + config.fluxes.source + ", inputs " +
                 (config.run.empty() ? "from tables" : "from " + config.run);
  table.check();
  return towers;
}

SiteYears read_towers(const std::string& path, const std::vector<std::string>& overrides) {
  Towers towers = collect_towers(path, overrides);
  for (const auto& warning : towers.warnings) spdlog::warn("{}", warning);
  return std::move(towers.table);
}

}  // namespace fluxtile
