// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "pipeline/training/report_order.h"
#include "pipeline/training/score_text.h"
#include "pipeline/training/study_report.h"
#include "pipeline/training/study_summary.h"

namespace fluxtile {
namespace {

/// A cell: what a table would take for its own is escaped.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '`' || c == '<') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string table_row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& text : cells) out += " " + cell(text) + " |";
  return out + "\n";
}

std::string table_head(const std::vector<std::string>& cells) {
  std::string out = table_row(cells) + "|";
  for (size_t i = 0; i < cells.size(); ++i) out += i == 0 ? "---|" : "---:|";
  return out + "\n";
}

/// A mean with its interval and the number of worlds.
std::string mean_text(const StudyDifference& d) {
  return for_page(interval_text(d.mean.mean, d.mean.low, d.mean.high)) +
         ", n = " + std::to_string(d.mean.replicates);
}

std::string comparisons_table(const std::vector<StudyDifference>& differences,
                              const StudyReport& report, const std::string& variable, Scale scale,
                              const std::string& region) {
  const std::vector<std::string> kinds = study_kinds(report);
  std::vector<std::string> head{"MSE of"};
  head.insert(head.end(), kinds.begin(), kinds.end());
  std::string out = table_head(head);
  for (const StudyComparison& comparison : report.comparisons) {
    std::vector<std::string> row{comparison.second + " - " + comparison.first};
    bool any = false;
    for (const std::string& kind : kinds) {
      std::string text = "–";
      for (const StudyDifference& d : differences) {
        if (d.kind != kind || d.second != comparison.second || d.first != comparison.first ||
            d.variable != variable || d.scale != scale || d.region != region)
          continue;
        text = mean_text(d);
        any = true;
      }
      row.push_back(text);
    }
    if (any) out += table_row(row);
  }
  return out;
}

std::string arms_table(const StudyReport& report, const std::string& variable, Scale scale) {
  std::string out = table_head(
      {"Arm", "World", "RMSE, " + unit_of(scale), "NSE", "NSE, best less worst region", "Worlds"});
  for (const std::string& kind : study_kinds(report))
    for (const StudyArmSummary& arm : study_arms(report, kind, variable, scale))
      out += table_row(
          {arm.arm, kind, for_page(score_text(arm.rmse.mean)), for_page(score_text(arm.nse.mean)),
           for_page(score_text(arm.nse_range.mean)), std::to_string(arm.rmse.replicates)});
  return out;
}

/// Learning curve or robustness: mean RMSE over worlds.
std::string curve_table(const std::vector<StudyCurvePoint>& points, const std::string& x_title) {
  std::string out = table_head(
      {"World", "Variable", "Arm", "Region", x_title, "RMSE", "95 % interval", "Worlds"});
  for (size_t i = 0; i < points.size(); ++i) {
    const auto same = [&](const StudyCurvePoint& p) {
      return p.kind == points[i].kind && p.point.arm == points[i].point.arm &&
             p.point.region == points[i].point.region &&
             p.point.variable == points[i].point.variable && p.point.x == points[i].point.x;
    };
    std::vector<double> values;
    bool earlier = false;
    for (size_t k = 0; k < points.size(); ++k) {
      if (!same(points[k])) continue;
      earlier = earlier || k < i;
      values.push_back(points[k].point.rmse);
    }
    if (earlier) continue;
    const ReplicateMean mean = mean_of_replicates(values);
    const CurvePoint& p = points[i].point;
    char x[32];
    std::snprintf(x, sizeof x, "%g", p.x);
    out += table_row({points[i].kind, p.variable, p.arm, region_text(p.region), x,
                      score_text(mean.mean), score_text(mean.low) + " to " + score_text(mean.high),
                      std::to_string(mean.replicates)});
  }
  return out;
}

}  // namespace

std::string study_markdown(const StudyReport& report) {
  std::string out = "## " + report.title + "\n\n";
  for (const auto& [key, value] : report.facts) out += "- " + key + ": " + value + "\n";
  if (!report.facts.empty()) out += "\n";
  for (const std::string& warning : report.warnings) out += "> Warning: " + warning + "\n\n";
  out += "### Verdict\n\n";
  for (const StudyVerdict& verdict : study_verdicts(report))
    out += "- " + for_page(verdict.text) + "\n";
  out +=
      "\nThe claim holds where regional - pooled lies below 0 in all unexplained and "
      "other-structure worlds and its interval holds 0 in the null worlds. Negative: the first "
      "named is better. Intervals: 95 %, Student's t over worlds. Monthly means are what the claim "
      "is about; of twenty intervals one excludes 0 by chance.\n\n";
  const std::vector<StudyDifference> differences = study_differences(report);
  for (const std::string& variable : study_variables(report))
    for (const Scale scale : study_scales(report))
      out += "### " + variable + ", " + to_text(scale) + "\n\n" +
             comparisons_table(differences, report, variable, scale, "") + "\n";
  std::vector<std::string> regions;
  for (const StudyRow& row : report.rows)
    if (!row.region.empty()) regions.push_back(row.region);
  regions = first_appearances(regions);
  for (const std::string& region : regions)
    for (const std::string& variable : study_variables(report))
      out += "### " + region + ": " + variable + ", monthly\n\n" +
             comparisons_table(differences, report, variable, Scale::monthly, region) + "\n";
  for (const std::string& variable : study_variables(report))
    for (const Scale scale : study_scales(report))
      out += "### Scores: " + variable + ", " + to_text(scale) + "\n\n" +
             arms_table(report, variable, scale) + "\n";
  if (!report.learning_curve.empty())
    out += "### Learning curve\n\n" + curve_table(report.learning_curve, "Site-years") + "\n";
  if (!report.robustness.empty())
    out += "### Robustness\n\n" + curve_table(report.robustness, "Learning rate") + "\n";
  return out;
}

}  // namespace fluxtile
