// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/package_record.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "model/kgml_ag_c.h"

#ifndef FLUXTILE_VERSION
#define FLUXTILE_VERSION "unknown"
#endif

namespace fluxtile {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<int, const char*>, 2> crops = {{{1, "corn"}, {5, "soybean"}}};

int crop_of(const SiteYears& table, size_t site, size_t year) {
  return static_cast<int>(std::lround(table.input(site, year)[table.feature("Crop_Type")]));
}

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

template <typename Visit>
void each_training_year(const Experiment& data, Visit&& visit) {
  for (size_t site = 0; site < data.table.sites.size(); ++site) {
    for (size_t year = 0; year < data.table.years.size(); ++year)
      if (data.roles[data.table.site_year(site, year)] == Role::train) visit(site, year);
  }
}

}  // namespace

std::map<std::string, std::vector<double>> gpp_monthly_means(const Experiment& data) {
  const SiteYears& table = data.table;
  const size_t gpp = table.feature("GPP"), features = table.features.size();
  std::map<std::string, std::vector<double>> means;
  for (const auto& [code, name] : crops) {
    std::vector<double> sum(SiteYears::months), count(SiteYears::months);
    each_training_year(data, [&, code = code](size_t site, size_t year) {
      if (crop_of(table, site, year) != code) return;
      const std::vector<int>& begin = SiteYears::month_begin(table.years[year]);
      for (size_t month = 0; month < SiteYears::months; ++month) {
        for (int day = begin[month]; day < begin[month + 1]; ++day) {
          const double value = table.input(site, year)[static_cast<size_t>(day) * features + gpp];
          if (!std::isfinite(value)) continue;
          sum[month] += value;
          count[month] += 1;
        }
      }
    });
    if (*std::min_element(count.begin(), count.end()) == 0) continue;
    for (size_t month = 0; month < SiteYears::months; ++month) sum[month] /= count[month];
    means[name] = std::move(sum);
  }
  return means;
}

void describe_training(Package& package, const Package* parent, const Experiment& data,
                       const TrainingFacts& facts, const std::vector<EpochRecord>& history) {
  package.name = facts.name;
  package.region = facts.region;
  package.directory.clear();
  if (parent != nullptr) {
    package.parent_name = parent->name;
    package.parent_sha256 = parent->weights_sha256;
  }
  package.synthetic = data.table.synthetic || (parent != nullptr && parent->synthetic);

  Json training;
  training["synthetic"] = package.synthetic;
  training["data"] = data.table.origin;
  std::set<std::string> sites, sources;
  std::set<int> years, codes;
  size_t site_years = 0;
  each_training_year(data, [&](size_t site, size_t year) {
    ++site_years;
    sites.insert(data.table.sites[site].name);
    if (!data.table.sites[site].source.empty()) sources.insert(data.table.sites[site].source);
    years.insert(data.table.years[year]);
    codes.insert(crop_of(data.table, site, year));
  });
  training["sites"] = sites.size();
  training["site_years"] = site_years;
  training["years"] = years;
  training["label_sources"] = sources;
  Json names = Json::array();
  for (const auto& [code, name] : crops)
    if (codes.count(code) != 0) names.push_back(name);
  training["crops"] = names;
  training["schedule"] = facts.schedule;
  if (!facts.arm.empty()) training["arm"] = facts.arm;
  training["rate_factor"] = facts.rate_factor;
  training["seed"] = facts.seed;
  if (!facts.kept_global.empty()) training["kept_global"] = "too few labels: " + facts.kept_global;
  for (auto record = history.rbegin(); record != history.rend(); ++record) {
    if (!record->best) continue;
    for (const auto& [term, value] : record->validation)
      if (std::isfinite(value)) training["validation"][term] = rounded(value);
    for (const auto& [variable, r2] : record->r2)
      if (std::isfinite(r2)) training["validation"]["R2_" + variable] = rounded(r2);
    break;
  }
  for (const auto& [crop, means] : gpp_monthly_means(data)) {
    for (const double value : means) training["gpp_monthly_means"][crop].push_back(rounded(value));
  }
  training["code_version"] = FLUXTILE_VERSION;
  package.training = training.dump();
}

Package region_package(const ArmModels& models, const std::string& region, const Package& global,
                       const Experiment& experiment, const std::string& name, uint64_t seed) {
  const bool pooled = models.arm == Arm::pooled || models.arm == Arm::pooled_corrected;
  std::vector<size_t> sites;
  for (const size_t site : experiment.sites_with(Role::train))
    if (pooled || experiment.table.sites[site].region == region) sites.push_back(site);
  TrainingFacts facts;
  facts.name = name;
  facts.region = pooled ? "" : region;
  facts.schedule = "fine-tuning";
  facts.arm = to_text(models.arm);
  facts.seed = seed;
  const auto kept = models.kept_global.find(region);
  if (kept != models.kept_global.end()) facts.kept_global = kept->second;
  const auto factor = models.rate_factor.find(region);
  if (factor != models.rate_factor.end()) facts.rate_factor = factor->second;
  Package package = models.by_region.at(region);
  describe_training(package, &global, experiment.subset(sites), facts, history_of(models, region));
  return package;
}

}  // namespace fluxtile
