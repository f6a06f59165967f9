// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/training_work.h"
#include "pipeline/verbs.h"

namespace fluxtile {

/// Runs `evaluate.maps.run` once for each of the arms pretrained, pooled and regional that are
/// evaluated, with their models of the first fold, and compares the maps with the truth. Models and
/// maps stay in <output>/evaluation_maps/<arm>/{models,maps}. Throws Error as `run` and
/// map_scores() do.
std::vector<ArmMapScores> score_maps(TrainingWork& work, const VerbOptions& options);

}  // namespace fluxtile
