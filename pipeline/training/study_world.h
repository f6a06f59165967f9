// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/evaluation/site_scores.h"
#include "pipeline/training/experiment.h"
#include "pipeline/training/study_config.h"

namespace fluxtile {

/// Scores of every arm in one synthetic world.
struct WorldScores {
  std::string kind;
  uint64_t seed = 0;
  size_t training_site_years = 0, test_site_years = 0;
  struct Arm {
    std::string name;
    std::vector<RegionScores> scores;  ///< against the truth, test site-years
  };
  std::vector<Arm> arms;
};

/// Towers and reference sites of one world, with labels as towers give them. Towers of a region
/// stand in different blocks, reference sites in blocks without a tower.
Experiment study_experiment(const StudyConfig& config, world::Heterogeneity kind, uint64_t seed);

/// Simulates a world, fine-tunes every arm from the global package and scores it. One thread.
WorldScores run_study_world(const StudyConfig& config, const Package& global,
                            world::Heterogeneity kind, uint64_t seed);

}  // namespace fluxtile
