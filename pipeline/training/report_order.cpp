// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/report_order.h"

#include <algorithm>

namespace fluxtile {

std::vector<std::string> first_appearances(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names)
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  return out;
}

std::vector<std::string> regions_of(const EvaluationReport& report) {
  std::vector<std::string> names;
  for (const ArmScores& arm : report.arms)
    for (const RegionScores& row : arm.scores)
      if (!row.region.empty()) names.push_back(row.region);
  return first_appearances(names);
}

const RegionScores* find_scores(const ArmScores& arm, const std::string& region,
                                const std::string& variable, Scale scale) {
  for (const RegionScores& row : arm.scores)
    if (row.region == region && row.variable == variable && row.scale == scale) return &row;
  return nullptr;
}

std::vector<std::string> map_regions(const ArmMapScores& arm) {
  std::vector<std::string> names;
  for (const MapScore& row : arm.rows) names.push_back(row.region);
  return first_appearances(names);
}

const MapScore* find_map_score(const ArmMapScores& arm, const std::string& region,
                               const std::string& variable, const std::string& period) {
  for (const MapScore& row : arm.rows)
    if (row.region == region && row.variable == variable && row.period == period) return &row;
  return nullptr;
}

bool has_scores(const EvaluationReport& report, const std::string& variable, Scale scale) {
  return std::any_of(report.arms.begin(), report.arms.end(), [&](const ArmScores& arm) {
    return std::any_of(arm.scores.begin(), arm.scores.end(), [&](const RegionScores& row) {
      return row.variable == variable && row.scale == scale;
    });
  });
}

}  // namespace fluxtile
