// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "pipeline/training/evaluation_report.h"

namespace fluxtile {

/// Looking things up in a report, in the order in which they come there.

inline constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();

/// Names of regions that have scores, without "" (all).
std::vector<std::string> regions_of(const EvaluationReport& report);
/// Whether any arm is scored at this scale.
bool has_scores(const EvaluationReport& report, const std::string& variable, Scale scale);
/// An arm's scores; null where there are none.
const RegionScores* find_scores(const ArmScores& arm, const std::string& region,
                                const std::string& variable, Scale scale);
/// Regions of an arm's maps, and one map's scores; null where there are none.
std::vector<std::string> map_regions(const ArmMapScores& arm);
const MapScore* find_map_score(const ArmMapScores& arm, const std::string& region,
                               const std::string& variable, const std::string& period);
/// Names in order of first appearance.
std::vector<std::string> first_appearances(const std::vector<std::string>& names);

}  // namespace fluxtile
