// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/evaluation/scores.h"
#include "pipeline/training/evaluation_report.h"

namespace fluxtile {

/// Scores of one arm in one world, against that world's truth.
struct StudyRow {
  std::string kind;    ///< kind of world: null (or none), explained, small_jump, large_jump, ...
  uint64_t world = 0;  ///< seed of the world
  std::string arm, region, variable;  ///< region "" = all together
  Scale scale = Scale::monthly;
  double mse = 0, rmse = 0, nse = 0;
  size_t sites = 0;
};
/// Rows from the scores of an arm, for all regions, variables and scales.
std::vector<StudyRow> study_rows(const std::string& kind, uint64_t world, const ArmScores& arm);

/// Two arms that are compared in every world: `second` against `first`; negative = second is
/// better.
struct StudyComparison {
  std::string second, first;
  std::string question;  ///< what it tells, one sentence
};
/// regional - pooled, regional - pretrained, pooled - pretrained, regional - scratch, - placebo,
/// - swapped, - pooled-corrected.
const std::vector<StudyComparison>& usual_comparisons();

/// A point of a learning curve or of a robustness study in one world; `point.seed` is the world.
struct StudyCurvePoint {
  std::string kind;
  CurvePoint point;
};

/// A study over many worlds, which are the replicates.
struct StudyReport {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> warnings;
  std::vector<StudyComparison> comparisons = usual_comparisons();
  std::vector<StudyRow> rows;
  std::vector<StudyCurvePoint> learning_curve, robustness;
};

/// One comparison in the worlds of one kind.
struct StudyDifference {
  std::string kind, second, first, region, variable;
  Scale scale = Scale::monthly;
  std::vector<std::pair<uint64_t, double>> worlds;  ///< relative difference of MSE by world
  ReplicateMean mean;                               ///< of those
};
/// All comparisons by kind, region, variable and scale, from the worlds in which both arms have a
/// score. A world that comes twice counts once, with its last row.
std::vector<StudyDifference> study_differences(const StudyReport& report);

/// Kinds of worlds in the order in which they are shown: null, explained, small_jump, large_jump,
/// other_structure, then others as they come.
std::vector<std::string> study_kinds(const StudyReport& report);
/// "no regional difference", "differences that the inputs explain", ...; empty for other kinds.
std::string meaning_of_kind(const std::string& kind);
bool is_null_kind(const std::string& kind);
/// Whether regions differ there in what no input tells.
bool is_unexplained_kind(const std::string& kind);

/// What the study says of the claim that regional fine-tuning beats pooled fine-tuning.
struct StudyVerdict {
  /// Worlds of each kind without which nothing is said.
  static constexpr size_t worlds_for_verdict = 6;
  enum class Claim { holds, fails, open };

  std::string variable;
  Scale scale = Scale::monthly;
  Claim claim = Claim::open;
  std::string reason;  ///< why it fails or is open; empty where it holds
  std::string text;    ///< one line with the figures of every kind and the reason
};
/// The claim holds if regional - pooled lies below 0 with its whole interval in every kind of
/// unexplained and other-structure worlds that the study has, and its interval holds 0 in the null
/// worlds. Open where a kind is missing (null; any unexplained) or has fewer than 6 worlds.
StudyVerdict study_verdict(const StudyReport& report, const std::string& variable, Scale scale);

/// "holds", "does not hold", "open".
std::string to_text(StudyVerdict::Claim claim);

/// One line a row: kind,world,arm,region,variable,scale,mse,rmse,nse,sites.
std::string study_csv(const StudyReport& report);
/// One line a comparison and kind: kind,second,first,region,variable,scale,worlds,mean,low,high.
std::string study_differences_csv(const StudyReport& report);
/// {"fluxtile-study": 1, "title", "facts", "warnings", "verdicts", "differences", "rows",
/// "learning_curve", "robustness"}; null where there is no number.
std::string study_json(const StudyReport& report);
/// Verdicts and tables for a document, GitHub Markdown.
std::string study_markdown(const StudyReport& report);
/// One HTML page that needs nothing else: verdicts, every comparison with its interval and every
/// world's own value, scores by kind and arm, learning curves, robustness. Empty parts are left
/// out.
std::string study_page(const StudyReport& report);

}  // namespace fluxtile
