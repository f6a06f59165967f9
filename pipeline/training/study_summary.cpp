// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/study_summary.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "pipeline/training/report_order.h"

namespace fluxtile {

std::vector<std::string> study_variables(const StudyReport& report) {
  std::vector<std::string> out;
  for (const char* variable : {"Reco", "NEE"})
    if (std::any_of(report.rows.begin(), report.rows.end(),
                    [&](const StudyRow& row) { return row.variable == variable; }))
      out.emplace_back(variable);
  return out;
}

std::vector<Scale> study_scales(const StudyReport& report) {
  std::vector<Scale> out;
  for (const Scale scale : {Scale::monthly, Scale::annual, Scale::anomaly})
    if (std::any_of(report.rows.begin(), report.rows.end(),
                    [&](const StudyRow& row) { return row.scale == scale; }))
      out.push_back(scale);
  return out;
}

std::vector<StudyVerdict> study_verdicts(const StudyReport& report) {
  std::vector<StudyVerdict> out;
  for (const Scale scale : study_scales(report))
    for (const std::string& variable : study_variables(report))
      out.push_back(study_verdict(report, variable, scale));
  return out;
}

std::vector<StudyArmSummary> study_arms(const StudyReport& report, const std::string& kind,
                                        const std::string& variable, Scale scale) {
  struct World {
    double rmse = kNoScore, nse = kNoScore;
    std::map<std::string, double> nse_of_region;
  };
  std::vector<std::string> arms;
  std::map<std::string, std::map<uint64_t, World>> worlds;
  for (const StudyRow& row : report.rows) {
    if (row.kind != kind || row.variable != variable || row.scale != scale) continue;
    arms.push_back(row.arm);
    World& world = worlds[row.arm][row.world];
    if (row.region.empty()) {
      world.rmse = row.rmse;
      world.nse = row.nse;
    } else {
      world.nse_of_region[row.region] = row.nse;
    }
  }
  std::vector<StudyArmSummary> out;
  for (const std::string& arm : first_appearances(arms)) {
    std::vector<double> rmse, nse, range;
    for (const auto& [seed, world] : worlds.at(arm)) {
      rmse.push_back(world.rmse);
      nse.push_back(world.nse);
      std::vector<double> regions;
      for (const auto& [region, value] : world.nse_of_region) regions.push_back(value);
      if (regions.size() > 1) range.push_back(quantile(regions, 1) - quantile(regions, 0));
    }
    out.push_back(
        {arm, mean_of_replicates(rmse), mean_of_replicates(nse), mean_of_replicates(range)});
  }
  return out;
}

}  // namespace fluxtile
