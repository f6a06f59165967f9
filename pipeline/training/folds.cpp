// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/folds.h"

#include <cmath>

namespace fluxtile {
namespace {

template <typename T>
void append(std::vector<T>& all, const std::vector<T>& part) {
  all.insert(all.end(), part.begin(), part.end());
}

void append(std::map<std::string, std::vector<float>>& all,
            const std::map<std::string, std::vector<float>>& part) {
  for (const auto& [name, values] : part) append(all[name], values);
}

}  // namespace

void copy_sites(const Predictions& part, const SiteYears& table, const std::vector<size_t>& sites,
                Predictions& all) {
  const auto copy = [&](const auto& from, auto& to) {
    for (const auto& [variable, values] : from) {
      std::vector<float>& whole = to[variable];
      whole.resize(values.size(), std::nanf(""));
      const size_t each = values.size() / table.sites.size();
      for (const size_t site : sites) {
        for (size_t k = site * each; k < (site + 1) * each; ++k) whole[k] = values[k];
      }
    }
  };
  copy(part.daily, all.daily);
  copy(part.annual, all.annual);
}

FoldsTable::FoldsTable(const std::vector<const Experiment*>& folds) : experiment(*folds.front()) {
  for (size_t k = 1; k < folds.size(); ++k) {
    const SiteYears& part = folds[k]->table;
    SiteYears& all = experiment.table;
    for (SiteYears::Site site : part.sites) {
      site.fold = static_cast<int>(k);
      all.sites.push_back(std::move(site));
    }
    append(all.inputs, part.inputs);
    append(all.daily, part.daily);
    append(all.monthly, part.monthly);
    append(all.annual, part.annual);
    append(all.truth, part.truth);
    append(experiment.roles, folds[k]->roles);
  }
}

Predictions FoldsTable::join(const std::vector<const Predictions*>& folds) const {
  Predictions all = *folds.front();
  for (size_t k = 1; k < folds.size(); ++k) {
    append(all.daily, folds[k]->daily);
    append(all.annual, folds[k]->annual);
  }
  return all;
}

}  // namespace fluxtile
