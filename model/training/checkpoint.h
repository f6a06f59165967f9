// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "model/package.h"
#include "model/training/training.h"

namespace fluxtile {

/// Where a training stands after an epoch: all that the epochs to come depend on. Random numbers
/// are not in it, they follow from seed, stage and epoch.
struct Checkpoint {
  std::string key;   ///< of the work: start package, table, roles, schedule
  size_t stage = 0;  ///< to go on with
  int epoch = 0;     ///< next epoch of that stage
  bool finished = false;
  Tensors weights, best, optimiser;  ///< best: of the stage, empty before its first epoch
  double best_validation = std::numeric_limits<double>::infinity();
  int best_epoch = -1;
  std::vector<EpochRecord> history;  ///< of all epochs that were run
};

/// One safetensors file, whole or not there at all.
void save_checkpoint(const Checkpoint& checkpoint, const std::string& path);

/// Nothing where the file is absent or belongs to other work (another key). Throws Error(data) for
/// a damaged file.
std::optional<Checkpoint> load_checkpoint(const std::string& path, const std::string& key);

/// Digest of what a training's result depends on: package, the table's values that training reads,
/// roles, schedule, form of the checkpoint.
std::string training_key(const Package& start, const SiteYears& table, const Roles& roles,
                         const Schedule& schedule, const std::string& device);

}  // namespace fluxtile
