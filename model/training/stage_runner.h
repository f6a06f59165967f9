// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/flux_network.h"
#include "model/training/adam.h"
#include "model/training/parallel_gradient.h"
#include "model/training/response_steps.h"
#include "model/training/site_runs.h"
#include "model/training/site_year_tensors.h"
#include "model/training/stage_losses.h"
#include "model/training/training.h"

namespace fluxtile {

/// The epochs of one stage of a schedule. What an epoch does depends on the weights, the
/// optimiser's state, the seed and the epoch's number alone.
class StageRunner {
 public:
  struct Work {
    const Package& start;
    const SiteYearTensors& data;
    const Roles& roles;
    const Schedule& schedule;
    const TrainingOptions& options;
  };
  /// Freezes what the stage does not train. Throws Error(data) for a module that the network lacks
  /// or an objective that the schedule cannot run.
  StageRunner(const Work& work, std::shared_ptr<FluxNetwork> network, size_t stage);
  ~StageRunner();

  /// The table has training labels for the objective, and the network what it takes.
  [[nodiscard]] bool possible() const { return !train_sites_.empty(); }

  /// One pass over the training sites, then validation. `best` and `seconds` are the caller's.
  /// Throws Error(data) for a loss that is not a number, Error(interrupted) between batches.
  EpochRecord run_epoch(int epoch);
  Adam& optimiser() { return *optimiser_; }

 private:
  struct EpochState;

  void freeze_and_collect();
  [[nodiscard]] std::vector<size_t> epoch_sites(int epoch) const;
  void run_years(EpochState& state, const std::vector<size_t>& batch);
  void run_whole_records(EpochState& state, const std::vector<size_t>& batch);
  void run_responses(EpochState& state);
  void optimise(EpochState& state, const std::map<std::string, double>& terms,
                const std::vector<size_t>& batch, const std::string& where);
  void validate(EpochRecord& record);
  [[nodiscard]] StageLoss site_losses(SiteRun& run, FluxNetwork& network,
                                      const std::vector<bool>& counted, double sites,
                                      bool training) const;
  [[nodiscard]] std::vector<size_t> sites_with(const std::vector<bool>& rows) const;
  [[nodiscard]] size_t years_until_last(const std::vector<size_t>& sites,
                                        const std::vector<bool>& rows) const;
  [[nodiscard]] std::vector<bool> picked(const std::vector<bool>& rows,
                                         const std::vector<int64_t>& chosen) const;
  [[nodiscard]] size_t group_size(size_t sites, bool gradient) const;

  Work work_;
  std::shared_ptr<FluxNetwork> network_;
  size_t number_;
  const Stage& stage_;
  std::unique_ptr<StageLosses> losses_;
  std::vector<bool> train_rows_, validation_rows_, record_rows_;  ///< [N]
  std::vector<size_t> train_sites_, validation_sites_;
  std::unique_ptr<Adam> optimiser_;
  std::unique_ptr<ParallelGradient> gradient_;
  std::unique_ptr<ResponseSteps> responses_;
};

}  // namespace fluxtile
