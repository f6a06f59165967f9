// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/evaluation/site_scores.h"
#include "model/training/training.h"
#include "pipeline/training/map_scores.h"

namespace fluxtile {

/// Scores of one way to make a model ("global", "pooled", "regional", "line", ...).
struct ArmScores {
  std::string arm;      ///< short name, as in files
  std::string meaning;  ///< one sentence
  std::vector<RegionScores> scores;
};

/// Paired comparison of two arms: `second` against `first`; negative = second is better.
struct ArmDifference {
  std::string first, second, region, variable;  ///< region "" = all
  Scale scale = Scale::daily;
  PairedDifference result;
};

/// A point of the learning curve or of the robustness study.
struct CurvePoint {
  std::string arm, region, variable;
  double x = 0;  ///< fine-tuning site-years, or learning rate
  int seed = 0;
  double rmse = 0, nse = 0;
};

/// Maps made with one arm's models against the truth of a synthetic world.
struct ArmMapScores {
  std::string arm;
  std::vector<MapScore> rows;
};

/// Everything an evaluation found; written as CSV, JSON and a page with charts.
struct EvaluationReport {
  std::string title;
  bool synthetic = false;                                  ///< data are synthetic: said on the page
  std::vector<std::pair<std::string, std::string>> facts;  ///< data, split, period, label, hashes
  std::vector<std::string> warnings;
  std::vector<ArmScores> arms;
  std::vector<ArmDifference> differences;
  std::vector<CurvePoint> learning_curve, robustness;
  std::vector<ArmMapScores> maps;
  /// Training histories by model ("global", "Iowa"), for loss curves; empty in evaluate.
  std::vector<std::pair<std::string, std::vector<EpochRecord>>> histories;
};

/// Scores as a table for a terminal: Reco and NEE, all scales, arm by arm, RMSE by region beside;
/// then the paired differences, with "not claimed: 3 sites" where there are too few. ASCII but for
/// the names given.
std::string evaluation_table(const EvaluationReport& report);

/// One line a score: arm,region,variable,scale,pairs,sites,mse,rmse,bias,r2,nse,kge,... RFC 4180;
/// region "all" for all together; an empty field where there is no number.
std::string evaluation_csv(const EvaluationReport& report);
/// One line a paired difference: first,second,region,variable,scale,mse_first,...
std::string differences_csv(const EvaluationReport& report);

/// One line a map score: arm,region,variable,period,n,rmse,r2,nse,bias.
std::string maps_csv(const EvaluationReport& report);

/// All of it: {"fluxtile-evaluation": 1, "title", "synthetic", "facts", "warnings", "arms",
/// "differences", "learning_curve", "robustness", "maps", "histories"}; null where there is no
/// number.
std::string evaluation_json(const EvaluationReport& report);

/// One HTML page that needs nothing else, charts as SVG, light and dark: scores by arm and region,
/// within-region distributions over sites, paired differences with their intervals (said plainly
/// where none may be claimed), learning curves, robustness, loss curves. Empty parts are left out.
std::string evaluation_page(const EvaluationReport& report);

}  // namespace fluxtile
