// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/training/schedule.h"
#include "model/training/site_years.h"
#include "pipeline/training/arms.h"

namespace fluxtile {

/// Pre-training of the global model, or the package that takes its place.
struct PretrainConfig {
  std::string package;  ///< an existing package: nothing is pre-trained
  TableConfig data;
  SplitRule split;
  std::string schedule = "midwest";
  double epochs_factor = 1;  ///< shortens or lengthens all stages
  bool baselines = false;    ///< also gru, lstm and the network without knowledge-guided terms
};

struct FineTuneConfig {
  TableConfig data;
  std::optional<TableConfig> reference;  ///< sites that are only scored (test)
  bool by_site = false;                  ///< a model a site instead of a model a region
  std::vector<SplitRule> folds;          ///< at least one; packages are made from the first
  size_t least_site_years = 4;
  std::vector<double> rate_factors = {1};
  bool published = false;        ///< every keep-response term in every epoch
  int epochs = 0, patience = 0;  ///< 0: the schedule's
  double learning_rate = 0;      ///< 0: the schedule's
};

struct EvaluateConfig {
  std::vector<Arm> arms;
  bool climatology = true, line = true;
  size_t bootstrap_draws = 1000;
  std::vector<int> learning_curve;       ///< fine-tuning years a site
  std::vector<double> robustness_rates;  ///< factors on the learning rate
  std::vector<uint64_t> robustness_seeds;
  /// Maps of a synthetic world against its truth: a run configuration, and the folder of the truth.
  /// Empty: none.
  std::string maps_run, maps_truth;
};

/// A checked training configuration (docs/train-configuration.md). Paths are absolute.
struct TrainConfig {
  std::string path, name, output;  ///< output: folder for models, reports and checkpoints
  std::string prefix;              ///< put before the names of packages
  uint64_t seed = 1;
  PretrainConfig pretrain;
  std::optional<FineTuneConfig> finetune;
  EvaluateConfig evaluate;
  int threads = 0;  ///< 0: all cores
  std::string device = "cpu";

  /// Of the configuration, without its folder: what reports say.
  [[nodiscard]] std::string file_name() const;
};

/// Reads and checks a training configuration; `overrides` are those of --set. Throws Error(data)
/// with file, key, line, found, expected, hint.
TrainConfig read_train_config(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace fluxtile
