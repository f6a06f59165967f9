// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/training/site_years.h"

namespace fluxtile {

/// A table and what each of its site-years is for. Sites that train and sites that are only scored
/// stand in one table.
struct Experiment {
  SiteYears table;
  Roles roles;  ///< [site][year]

  [[nodiscard]] bool has(Role role) const;
  /// Sites with at least one site-year of a role.
  [[nodiscard]] std::vector<size_t> sites_with(Role role) const;
  [[nodiscard]] size_t site_years(const std::vector<size_t>& sites, Role role) const;
  /// Some sites with their roles.
  [[nodiscard]] Experiment subset(const std::vector<size_t>& sites) const;
};

/// Where a table of site-years comes from.
struct TableConfig {
  std::vector<std::string> tables;  ///< NetCDF files, absolute
  std::string towers;               ///< or a description of towers (YAML), absolute
  std::string folder;               ///< replaces the description's own `folder`; empty: as it is
};
/// Reads the tables, one after the other. Throws Error(data).
SiteYears read_table(const TableConfig& source);

/// Sites that train (by the split's roles; a site-year without labels has none) and, where given,
/// sites that are only scored: those of `reference` are test in the split's test years (all years
/// if it names none), unless their block holds a training site. Regions become sites where
/// `by_site`.
Experiment make_experiment(SiteYears labelled, const SiteYears* reference, const SplitRule& split,
                           bool by_site);

/// The experiment with at most `years` training years a site, the latest ones.
Experiment with_training_years(Experiment experiment, size_t years);

}  // namespace fluxtile
