// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/training/experiment.h"
#include "pipeline/training/study_config.h"
#include "pipeline/training/study_report.h"

namespace fluxtile {

/// What one synthetic world came to.
struct WorldScores {
  std::string kind;
  uint64_t seed = 0;
  size_t training_site_years = 0, test_site_years = 0;
  std::vector<StudyRow> rows;  ///< of every arm, against the truth, test site-years
};

/// Towers and reference sites of one world, with labels as towers give them. Towers of a region
/// stand in different blocks, reference sites in blocks without a tower.
Experiment study_experiment(const StudyConfig& config, world::Heterogeneity kind, uint64_t seed);

/// Simulates a world, fine-tunes every arm from the global package and scores it. One thread.
WorldScores run_study_world(const StudyConfig& config, const Package& global,
                            world::Heterogeneity kind, uint64_t seed);

}  // namespace fluxtile
