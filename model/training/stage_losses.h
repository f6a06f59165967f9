// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/flux_network.h"
#include "model/training/r2_sums.h"
#include "model/training/schedule.h"
#include "model/training/site_year_tensors.h"

namespace fluxtile {

/// A loss to back-propagate, its terms for reports, and what R2 needs.
struct StageLoss {
  at::Tensor total;  ///< undefined: nothing counts here
  std::map<std::string, double> terms;
  R2Sums r2;
};

/// How many samples a mean runs over: those of the whole batch, of which a chunk is a part.
struct SampleCounts {
  double all = 0;                ///< site-years; masked ones stay in the mean
  double corn = 0, soybean = 0;  ///< labelled yields
};

/// The losses of a stage's objective (docs/training.md), from what networks give and a table's
/// labels. Thread-safe.
class StageLosses {
 public:
  /// `has_yield`: the network gives one. Without it, objectives leave their yield part out.
  StageLosses(const Stage& stage, const SiteYearTensors& data, bool has_yield);

  /// The network and the table have all that the objective cannot do without.
  [[nodiscard]] bool possible() const { return possible_; }
  /// Site-years with a label that the objective uses.
  [[nodiscard]] const std::vector<bool>& labelled() const { return labelled_; }
  /// Counts of site-years for a mean over `all`.
  [[nodiscard]] SampleCounts counts(const std::vector<int64_t>& rows) const;

  /// Loss of one year of some sites. `counted`: whether a row's labels count. `threshold` of
  /// self-paced learning, 0 off.
  [[nodiscard]] StageLoss year(const FluxNetwork::YearOutput& out, const std::vector<int64_t>& rows,
                               const std::vector<bool>& counted, const SampleCounts& counts,
                               double threshold) const;
  /// L_tower + L_MB of one site over its years. `z` [years,T,3] of the years `rows`. `seasonal`:
  /// the training form.
  [[nodiscard]] StageLoss site(const at::Tensor& z, const std::vector<int64_t>& rows,
                               const std::vector<bool>& counted, bool seasonal) const;

 private:
  [[nodiscard]] StageLoss respiration_and_yield(const FluxNetwork::YearOutput& out,
                                                const at::Tensor& index, const at::Tensor& counted,
                                                const SampleCounts& counts, double threshold) const;
  [[nodiscard]] StageLoss fluxes(const FluxNetwork::YearOutput& out, const at::Tensor& index,
                                 const at::Tensor& counted, const SampleCounts& counts) const;
  [[nodiscard]] StageLoss county_yield(const FluxNetwork::YearOutput& out,
                                       const std::vector<int64_t>& rows,
                                       const std::vector<bool>& counted, const SampleCounts& counts,
                                       double threshold) const;

  const Stage stage_;
  const SiteYearTensors& data_;
  bool has_yield_, possible_ = false;
  std::vector<bool> labelled_;
  at::Tensor tower_days_;  ///< [N,T] 1 where a tower label covers the day
};

}  // namespace fluxtile
