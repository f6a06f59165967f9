// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "model/training/training.h"
#include "pipeline/training/experiment.h"

namespace fluxtile {

/// Copies some sites' predictions into `all`; the others' places are NaN until they are copied.
void copy_sites(const Predictions& part, const SiteYears& table, const std::vector<size_t>& sites,
                Predictions& all);

/// The folds of a cross-validation as one table: every fold's sites one after the other, so that a
/// site-year may be training in one fold and test in another. Sites keep block and region, so that
/// the bootstrap still draws a site's years together.
class FoldsTable {
 public:
  explicit FoldsTable(const std::vector<const Experiment*>& folds);
  /// Predictions of the folds, in the same order.
  [[nodiscard]] Predictions join(const std::vector<const Predictions*>& folds) const;

  Experiment experiment;
};

}  // namespace fluxtile
