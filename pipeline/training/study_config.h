// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/training/arms.h"
#include "pipeline/world/sites.h"

namespace fluxtile {

/// A study over many synthetic worlds (docs/ftbsc.md). Worlds are the replicates: one pre-trained
/// model serves all, only fine-tuning is done in each.
struct StudyConfig {
  std::string path, name, output;
  std::string package;  ///< the pre-trained global model
  std::vector<world::Heterogeneity> kinds;
  int worlds = 6;  ///< of each kind
  uint64_t first_seed = 1;
  std::string points;     ///< CSV of places; empty: drawn
  size_t towers = 4;      ///< labelled sites a region
  size_t reference = 12;  ///< scored sites a region, in other blocks
  int first_year = 2009;
  int years = 8;                                                 ///< of inputs
  int training_years = 4, validation_years = 1, test_years = 2;  ///< in this order, at the end
  world::TowerLabels labels;
  ArmSettings settings;  ///< schedule, rates, least site-years
  std::vector<Arm> arms;
  int threads = 0;
};

/// Reads and checks a study's configuration. Throws Error(data).
StudyConfig read_study_config(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace fluxtile
