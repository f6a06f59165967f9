// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/package.h"
#include "pipeline/training/study_report.h"
#include "pipeline/training/study_world.h"

namespace fluxtile {

/// What determines the scores of a study's worlds, as a digest: settings, global package, code
/// version.
std::string study_key(const StudyConfig& config, const Package& global);

/// The scores of one world as JSON text that carries the key.
std::string world_scores_text(const WorldScores& scores, const std::string& key);
/// Reads them back; nothing if the file is absent, damaged or of another key.
std::optional<WorldScores> read_world_scores(const std::string& path, const std::string& key);

/// The report of a study over all its worlds.
StudyReport study_report(const StudyConfig& config, const Package& global,
                         const std::vector<WorldScores>& worlds);

}  // namespace fluxtile
