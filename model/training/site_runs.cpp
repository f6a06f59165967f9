// SPDX-License-Identifier: Apache-2.0
#include "model/training/site_runs.h"

#include <torch/types.h>

#include <algorithm>

namespace fluxtile {

SiteRun::SiteRun(const SiteYearTensors& data, std::vector<size_t> sites, int spinup_years)
    : data_(data), sites_(std::move(sites)), spinup_years_(spinup_years) {}

std::vector<int64_t> SiteRun::rows(size_t year) const {
  std::vector<int64_t> rows;
  for (const size_t site : sites_) rows.push_back(data_.row(site, year));
  return rows;
}

FluxNetwork::YearOutput SiteRun::run_rows(FluxNetwork& network, const std::vector<int64_t>& rows) {
  FluxNetwork::YearOutput out = network.run_year(data_.inputs(rows), state_);
  std::vector<bool> runs;
  for (const int64_t row : rows) runs.push_back(data_.runnable[static_cast<size_t>(row)]);
  if (std::all_of(runs.begin(), runs.end(), [](bool r) { return r; })) {
    state_ = out.state;
  } else {
    const at::Tensor moves = data_.flags(runs).view({1, -1, 1}) > 0;
    for (size_t part = 0; part < state_.size(); ++part)
      state_[part] = at::where(moves, out.state[part], state_[part]);
  }
  return out;
}

void SiteRun::start(FluxNetwork& network) {
  const torch::NoGradGuard no_gradient;
  state_ = network.zero_state(static_cast<int64_t>(sites_.size()));
  std::vector<std::vector<int64_t>> runnable;
  for (const size_t site : sites_) runnable.push_back(data_.runnable_rows(site));
  for (int year = 0; year < spinup_years_; ++year) {
    std::vector<int64_t> rows;
    for (const std::vector<int64_t>& own : runnable)
      rows.push_back(own[static_cast<size_t>(year) % own.size()]);
    run_rows(network, rows);
  }
}

FluxNetwork::YearOutput SiteRun::run(FluxNetwork& network, size_t year) {
  return run_rows(network, rows(year));
}

void SiteRun::carry(FluxNetwork& network, size_t year) {
  const torch::NoGradGuard no_gradient;
  run_rows(network, rows(year));
}

void SiteRun::detach() {
  for (at::Tensor& part : state_) part = part.detach();
}

std::vector<SiteRun> site_groups(const SiteYearTensors& data, const std::vector<size_t>& sites,
                                 size_t size, int spinup_years) {
  std::vector<SiteRun> groups;
  for (size_t first = 0; first < sites.size(); first += size) {
    const size_t last = std::min(first + size, sites.size());
    groups.emplace_back(data,
                        std::vector<size_t>(sites.begin() + static_cast<std::ptrdiff_t>(first),
                                            sites.begin() + static_cast<std::ptrdiff_t>(last)),
                        spinup_years);
  }
  return groups;
}

}  // namespace fluxtile
