// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/progress.h"
#include "pipeline/training/arms.h"
#include "pipeline/training/train_config.h"

namespace fluxtile {

/// The trainings that `train` and `evaluate` share. Whatever was trained before with the same data
/// and settings is taken from its checkpoint, so that `evaluate` after `train` trains only what it
/// lacks.
class TrainingWork {
 public:
  TrainingWork(TrainConfig config, ProgressMode progress);

  [[nodiscard]] const TrainConfig& config() const noexcept { return config_; }
  /// The data of pre-training; throws Error(data) when the global model is a given package.
  const Experiment& pretraining();
  /// The global model: a given package, or trained.
  const Package& global();
  /// The same training for a plain recurrent network or without knowledge-guided terms.
  const Package& baseline(Arm arm);
  /// The labels of a fold.
  const Experiment& fold(size_t fold);
  /// Trainer of a fold's arms with the configuration's seed and learning rates.
  ArmTrainer& fold_arms(size_t fold);
  /// What the checkpoints of a fold are kept under.
  static std::string fold_label(size_t fold) { return "fold-" + std::to_string(fold); }
  /// Trainer of other arms. `label` keeps checkpoints of other labels or seeds apart.
  std::unique_ptr<ArmTrainer> arms(const Experiment& experiment, const std::string& label,
                                   uint64_t seed, const std::vector<double>& rate_factors);
  /// Histories of everything trained so far, by model.
  [[nodiscard]] const std::vector<std::pair<std::string, std::vector<EpochRecord>>>& histories()
      const noexcept {
    return histories_;
  }
  void add_history(const std::string& model, const std::vector<EpochRecord>& history);
  [[nodiscard]] int threads() const noexcept { return threads_; }

 private:
  Package train_global(const std::string& name, const std::string& architecture,
                       const Schedule& schedule);
  [[nodiscard]] Schedule pretraining_schedule() const;
  void tell(const std::string& model, const EpochRecord& record);

  TrainConfig config_;
  int threads_ = 1;
  Progress progress_;
  std::string model_, stage_;  // of the last epoch told
  std::unique_ptr<Experiment> pretraining_;
  std::unique_ptr<SiteYears> labelled_, reference_;
  std::map<size_t, Experiment> folds_;
  std::map<size_t, std::unique_ptr<ArmTrainer>> fold_arms_;
  std::map<std::string, Package> trained_;
  std::vector<std::pair<std::string, std::vector<EpochRecord>>> histories_;
};

/// The schedule of fine-tuning that a configuration asks for.
Schedule fine_tuning_of(const FineTuneConfig& config);

/// A region's name as the name of its package: lower case, `_` for what is not a letter, digit, `-`
/// or `.`.
std::string package_name(const std::string& region);

}  // namespace fluxtile
