// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/training/study_report.h"

namespace fluxtile {

/// What the page and the document of a study both show.

/// Variables and scales that stand first: Reco and NEE; monthly means, annual sums, anomalies;
/// those of them that have rows.
std::vector<std::string> study_variables(const StudyReport& report);
std::vector<Scale> study_scales(const StudyReport& report);
/// Verdicts for all of these.
std::vector<StudyVerdict> study_verdicts(const StudyReport& report);

/// An arm in the worlds of one kind, over all regions together.
struct StudyArmSummary {
  std::string arm;
  ReplicateMean rmse, nse;
  /// Largest less smallest NSE of the regions of a world: how consistent an arm is.
  ReplicateMean nse_range;
};
/// Of all arms of a kind, in the order of the rows.
std::vector<StudyArmSummary> study_arms(const StudyReport& report, const std::string& kind,
                                        const std::string& variable, Scale scale);

}  // namespace fluxtile
