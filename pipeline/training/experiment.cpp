// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/experiment.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "pipeline/training/site_years_file.h"
#include "pipeline/training/tower.h"

namespace fluxtile {

bool Experiment::has(Role role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::vector<size_t> Experiment::sites_with(Role role) const {
  std::vector<size_t> found;
  for (size_t site = 0; site < table.sites.size(); ++site)
    if (site_years({site}, role) > 0) found.push_back(site);
  return found;
}

size_t Experiment::site_years(const std::vector<size_t>& sites, Role role) const {
  size_t count = 0;
  for (const size_t site : sites) {
    for (size_t year = 0; year < table.years.size(); ++year)
      if (roles[table.site_year(site, year)] == role) ++count;
  }
  return count;
}

Experiment Experiment::subset(const std::vector<size_t>& sites) const {
  Experiment part;
  part.table = table.subset(sites);
  for (const size_t site : sites) {
    for (size_t year = 0; year < table.years.size(); ++year)
      part.roles.push_back(roles[table.site_year(site, year)]);
  }
  return part;
}

SiteYears read_table(const TableConfig& source) {
  if (!source.towers.empty()) {
    std::vector<std::string> overrides;
    if (!source.folder.empty()) overrides.push_back("folder=" + source.folder);
    return read_towers(source.towers, overrides);
  }
  std::vector<SiteYears> tables;
  for (const std::string& path : source.tables) tables.push_back(read_site_years(path));
  return tables.size() == 1 ? std::move(tables.front()) : join_site_years(tables);
}

namespace {

template <typename Values>
bool any_value(const Values& by_variable, size_t site_year, size_t each) {
  for (const auto& [variable, values] : by_variable) {
    if (variable == "GPP") continue;  // an input, not a label
    for (size_t k = site_year * each; k < (site_year + 1) * each; ++k)
      if (std::isfinite(values[k])) return true;
  }
  return false;
}

bool has_labels(const SiteYears& table, size_t site_year) {
  return any_value(table.daily, site_year, SiteYears::days) ||
         any_value(table.monthly, site_year, SiteYears::months);
}

}  // namespace

Experiment make_experiment(SiteYears labelled, const SiteYears* reference, const SplitRule& split,
                           bool by_site) {
  Experiment experiment;
  experiment.roles = roles_of(labelled, split);
  for (size_t k = 0; k < experiment.roles.size(); ++k)
    if (!has_labels(labelled, k)) experiment.roles[k] = Role::none;
  if (reference == nullptr) {
    experiment.table = std::move(labelled);
  } else {
    if (labelled.years != reference->years) {
      throw Error(Code::data, "the sites that train and those that are scored have other years")
          .found(std::to_string(reference->years.front()) + " to " +
                 std::to_string(reference->years.back()))
          .expected(std::to_string(labelled.years.front()) + " to " +
                    std::to_string(labelled.years.back()));
    }
    std::set<std::string> trained;
    for (size_t site = 0; site < labelled.sites.size(); ++site) {
      for (size_t year = 0; year < labelled.years.size(); ++year) {
        Role& role = experiment.roles[labelled.site_year(site, year)];
        if (role == Role::train || role == Role::validation)
          trained.insert(labelled.sites[site].block);
        if (role == Role::test) role = Role::none;  // scored are the reference sites alone
      }
    }
    for (const SiteYears::Site& site : reference->sites) {
      for (const int year : reference->years) {
        const bool tested = split.test_years.empty() ||
                            std::find(split.test_years.begin(), split.test_years.end(), year) !=
                                split.test_years.end();
        experiment.roles.push_back(tested && trained.count(site.block) == 0 ? Role::test
                                                                            : Role::none);
      }
    }
    experiment.table = join_site_years({labelled, *reference});
    if (!experiment.has(Role::test)) {
      throw Error(Code::data, "no reference site is left to score")
          .found("every block of `finetune.reference` holds a training site")
          .hint("use sites in other blocks");
    }
  }
  if (by_site) {
    for (SiteYears::Site& site : experiment.table.sites) site.region = site.name;
  }
  return experiment;
}

Experiment with_training_years(Experiment experiment, size_t years) {
  for (size_t site = 0; site < experiment.table.sites.size(); ++site) {
    size_t kept = 0;
    for (size_t year = experiment.table.years.size(); year-- > 0;) {
      Role& role = experiment.roles[experiment.table.site_year(site, year)];
      if (role == Role::train && ++kept > years) role = Role::none;
    }
  }
  return experiment;
}

}  // namespace fluxtile
