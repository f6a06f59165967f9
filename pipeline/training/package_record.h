// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "model/package.h"
#include "model/training/training.h"
#include "pipeline/training/arms.h"
#include "pipeline/training/experiment.h"

namespace fluxtile {

/// What a package tells about its training, in model.yaml's `training` block.
struct TrainingFacts {
  std::string name, region;  ///< of the package; region empty for a global one
  std::string schedule;      ///< name, or "fine-tuning"
  std::string arm;           ///< how it was made; empty for a global model
  double rate_factor = 1;    ///< factor on the schedule's learning rate that was chosen
  uint64_t seed = 1;
  std::string kept_global;  ///< why a region keeps the global weights; empty = it was trained
};

/// Completes a trained package: name, region, parent (name and SHA-256 of `parent`, if given) and
/// the training block: data and period, crops, labels, schedule, scores on validation, monthly mean
/// GPP by crop (so that a map from another GPP product can be told apart), code version.
/// training.synthetic is that of the data or the parent.
void describe_training(Package& package, const Package* parent, const Experiment& data,
                       const TrainingFacts& facts, const std::vector<EpochRecord>& history);

/// The package of a region as an arm made it, with its record; `global` is what it was fine-tuned
/// from. Named `name`; `seed` is the configuration's.
Package region_package(const ArmModels& models, const std::string& region, const Package& global,
                       const Experiment& experiment, const std::string& name, uint64_t seed);

/// Monthly mean of the input GPP over the training site-years of a crop, gC m-2 d-1: "corn",
/// "soybean" -> 12 values; a crop without site-years is left out.
std::map<std::string, std::vector<double>> gpp_monthly_means(const Experiment& data);

}  // namespace fluxtile
