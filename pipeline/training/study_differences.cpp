// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "pipeline/training/report_order.h"
#include "pipeline/training/score_text.h"
#include "pipeline/training/study_report.h"

namespace fluxtile {
namespace {

struct Kind {
  const char *name, *meaning;
};
const Kind kKinds[] = {
    {"null", "no difference between regions"},
    {"none", "no difference between regions"},
    {"explained", "differences that the inputs explain"},
    {"small_jump", "small unexplained jumps at the borders"},
    {"large_jump", "large unexplained jumps at the borders"},
    {"other_structure", "truth of another structure, large jumps, GPP with a satellite's errors"}};

/// Where differences belong, but for the world.
using Key = std::tuple<std::string, std::string, std::string, Scale>;  // kind, region, variable

const StudyDifference* find(const std::vector<StudyDifference>& differences,
                            const std::string& kind, const std::string& variable, Scale scale) {
  for (const StudyDifference& d : differences)
    if (d.kind == kind && d.second == "regional" && d.first == "pooled" && d.region.empty() &&
        d.variable == variable && d.scale == scale)
      return &d;
  return nullptr;
}

}  // namespace

std::vector<StudyRow> study_rows(const std::string& kind, uint64_t world, const ArmScores& arm) {
  std::vector<StudyRow> out;
  out.reserve(arm.scores.size());
  for (const RegionScores& row : arm.scores)
    out.push_back({kind, world, arm.arm, row.region, row.variable, row.scale, row.all.mse,
                   row.all.rmse, row.all.nse, row.sites});
  return out;
}

const std::vector<StudyComparison>& usual_comparisons() {
  static const std::vector<StudyComparison> comparisons{
      {"regional", "pooled", "Does a model a region beat one model for all, on equal labels?"},
      {"regional", "pretrained", "Does it beat the global model as it is?"},
      {"pooled", "pretrained", "Does fine-tuning on all labels help at all?"},
      {"regional", "scratch", "Does pre-training help a region's model?"},
      {"regional", "placebo", "Do true regions beat made-up regions of the same size?"},
      {"regional", "swapped", "Is a region's model better there than another region's?"},
      {"regional", "pooled-corrected", "Does it beat one model with bias and slope by region?"}};
  return comparisons;
}

bool is_null_kind(const std::string& kind) { return kind == "null" || kind == "none"; }

bool is_unexplained_kind(const std::string& kind) {
  return kind == "small_jump" || kind == "large_jump" || kind == "other_structure";
}

std::string meaning_of_kind(const std::string& kind) {
  for (const Kind& known : kKinds)
    if (kind == known.name) return known.meaning;
  return "";
}

std::vector<std::string> study_kinds(const StudyReport& report) {
  std::vector<std::string> present, out;
  for (const StudyRow& row : report.rows) present.push_back(row.kind);
  present = first_appearances(present);
  for (const Kind& known : kKinds)
    if (std::find(present.begin(), present.end(), known.name) != present.end())
      out.emplace_back(known.name);
  out.insert(out.end(), present.begin(), present.end());
  return first_appearances(out);
}

std::vector<StudyDifference> study_differences(const StudyReport& report) {
  // MSE by place, arm and world.
  std::map<Key, std::map<std::string, std::map<uint64_t, double>>> mse;
  std::vector<std::string> regions, variables;
  for (const StudyRow& row : report.rows) {
    mse[{row.kind, row.region, row.variable, row.scale}][row.arm][row.world] = row.mse;
    regions.push_back(row.region);
    variables.push_back(row.variable);
  }
  regions = first_appearances(regions);
  variables = first_appearances(variables);
  std::vector<StudyDifference> out;
  for (const StudyComparison& comparison : report.comparisons) {
    for (const std::string& variable : variables) {
      for (const Scale scale : all_scales()) {
        for (const std::string& region : regions) {
          for (const std::string& kind : study_kinds(report)) {
            const auto place = mse.find({kind, region, variable, scale});
            if (place == mse.end()) continue;
            const auto first = place->second.find(comparison.first),
                       second = place->second.find(comparison.second);
            if (first == place->second.end() || second == place->second.end()) continue;
            StudyDifference d;
            d.kind = kind;
            d.second = comparison.second;
            d.first = comparison.first;
            d.region = region;
            d.variable = variable;
            d.scale = scale;
            std::vector<double> values;
            for (const auto& [world, of_first] : first->second) {
              const auto of_second = second->second.find(world);
              if (of_second == second->second.end()) continue;
              const double value = (of_second->second - of_first) / of_first;
              if (!std::isfinite(value)) continue;
              d.worlds.emplace_back(world, value);
              values.push_back(value);
            }
            d.mean = mean_of_replicates(values);
            if (!d.worlds.empty()) out.push_back(std::move(d));
          }
        }
      }
    }
  }
  return out;
}

std::string to_text(StudyVerdict::Claim claim) {
  switch (claim) {
    case StudyVerdict::Claim::holds:
      return "holds";
    case StudyVerdict::Claim::fails:
      return "does not hold";
    case StudyVerdict::Claim::open:
      return "open";
  }
  return "";
}

StudyVerdict study_verdict(const StudyReport& report, const std::string& variable, Scale scale) {
  const std::vector<StudyDifference> differences = study_differences(report);
  StudyVerdict out;
  out.variable = variable;
  out.scale = scale;
  bool null_seen = false, unexplained_seen = false, too_few = false, fails = false;
  std::string figures, reasons;
  const auto because = [&reasons](const std::string& reason) {
    reasons += (reasons.empty() ? "" : "; ") + reason;
  };
  for (const std::string& kind : study_kinds(report)) {
    const StudyDifference* d = find(differences, kind, variable, scale);
    if (d == nullptr) continue;
    figures += (figures.empty() ? "" : ", ") + kind + " " +
               interval_text(d->mean.mean, d->mean.low, d->mean.high);
    const bool is_null = is_null_kind(kind), unexplained = is_unexplained_kind(kind);
    if (!is_null && !unexplained) continue;
    null_seen = null_seen || is_null;
    unexplained_seen = unexplained_seen || unexplained;
    if (d->mean.replicates < StudyVerdict::worlds_for_verdict) {
      too_few = true;
      because(kind + " has " + std::to_string(d->mean.replicates) + " of " +
              std::to_string(StudyVerdict::worlds_for_verdict) + " worlds");
      continue;
    }
    if (is_null && d->mean.excludes_zero()) {
      fails = true;
      because(kind + (d->mean.high < 0
                          ? " shows a gain where regions do not differ"
                          : " excludes 0: regional models lose where regions do not differ, which "
                            "is no false gain but is not what the rule asks for"));
    }
    if (unexplained && !(d->mean.high < 0)) {
      fails = true;
      because(kind + (d->mean.low > 0 ? " shows a loss" : " does not exclude 0"));
    }
  }
  if (!null_seen) because("no null worlds");
  if (!unexplained_seen) because("no worlds with unexplained differences");
  const bool open = too_few || !null_seen || !unexplained_seen;
  out.claim = open    ? StudyVerdict::Claim::open
              : fails ? StudyVerdict::Claim::fails
                      : StudyVerdict::Claim::holds;
  out.reason = reasons;
  out.text =
      variable + ", " + to_text(scale) + ": the claim " + (open ? "is " : "") + to_text(out.claim);
  if (!reasons.empty()) out.text += " (" + reasons + ")";
  out.text += ". Regional - pooled, MSE: " + (figures.empty() ? "no worlds" : figures) + ".";
  return out;
}

}  // namespace fluxtile
