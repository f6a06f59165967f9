// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "model/flux_network.h"
#include "model/training/site_year_tensors.h"

namespace fluxtile {

/// Steps a few sites through the years of a table together: from zero state, through the spin-up,
/// then year by year with carried state. A year whose inputs have gaps leaves a site's state as it
/// was. Each site spins up with its own first years that can be run, repeated if there are too few.
class SiteRun {
 public:
  /// Sites must have at least one year that can be run.
  SiteRun(const SiteYearTensors& data, std::vector<size_t> sites, int spinup_years);

  /// Zero state and spin-up, without gradient; the network's mode decides about dropout.
  void start(FluxNetwork& network);
  /// Runs a year. Its output is meaningless for sites that cannot run in it. The state that is kept
  /// stays part of the graph until detach().
  FluxNetwork::YearOutput run(FluxNetwork& network, size_t year);
  /// Runs a year for its state alone, without gradient.
  void carry(FluxNetwork& network, size_t year);
  /// The state becomes a constant: gradients stop here.
  void detach();

  [[nodiscard]] const std::vector<size_t>& sites() const { return sites_; }
  /// Rows of a year, in the order of the sites.
  [[nodiscard]] std::vector<int64_t> rows(size_t year) const;

 private:
  FluxNetwork::YearOutput run_rows(FluxNetwork& network, const std::vector<int64_t>& rows);

  const SiteYearTensors& data_;
  std::vector<size_t> sites_;
  int spinup_years_;
  FluxNetwork::State state_;
};

/// Sites cut into groups of at most `size`.
std::vector<SiteRun> site_groups(const SiteYearTensors& data, const std::vector<size_t>& sites,
                                 size_t size, int spinup_years);

}  // namespace fluxtile
