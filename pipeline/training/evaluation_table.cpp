// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/report_order.h"
#include "pipeline/training/score_text.h"

namespace fluxtile {
namespace {

/// Letters of a UTF-8 text.
size_t letters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}
std::string left(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, letters(text)), ' ');
}
std::string right(const std::string& text, size_t width) {
  return std::string(width - std::min(width, letters(text)), ' ') + text;
}

/// Columns of text, as wide as their widest cell; the first one stands left.
std::string aligned(const std::vector<std::vector<std::string>>& rows, size_t left_columns = 1) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], letters(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = " ";
    for (size_t i = 0; i < row.size(); ++i)
      line += " " + (i < left_columns ? left(row[i], widths[i]) : right(row[i], widths[i] + 1));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string block(const EvaluationReport& report, const std::string& variable, Scale scale) {
  const std::vector<std::string> regions = regions_of(report);
  std::vector<std::string> head{"", "sites", "RMSE", "NSE", "R2", "KGE", "bias"};
  if (regions.size() > 1)
    for (const std::string& region : regions) head.push_back("RMSE " + region);
  std::vector<std::vector<std::string>> rows{head};
  for (const ArmScores& arm : report.arms) {
    const RegionScores* all = find_scores(arm, "", variable, scale);
    std::vector<std::string> row{arm.arm};
    bool any = all != nullptr;
    row.push_back(any ? std::to_string(all->sites) : "-");
    for (const auto score : {&Scores::rmse, &Scores::nse, &Scores::r2, &Scores::kge, &Scores::bias})
      row.push_back(score_text(any ? all->all.*score : kNoScore));
    if (regions.size() > 1)
      for (const std::string& region : regions) {
        const RegionScores* own = find_scores(arm, region, variable, scale);
        any = any || own != nullptr;
        row.push_back(score_text(own != nullptr ? own->all.rmse : kNoScore));
      }
    if (any) rows.push_back(std::move(row));
  }
  if (rows.size() == 1) return "";
  return variable + ", " + to_text(scale) + " (" + unit_of(scale) + ")\n" + aligned(rows) + "\n";
}

/// RMSE of annual maps, arm by arm and region by region.
std::string maps(const EvaluationReport& report) {
  std::vector<std::vector<std::string>> rows{{"", "", "cells x years", "RMSE Ra", "RMSE Rh",
                                              "RMSE Reco", "RMSE NEE", "bias Reco", "bias NEE"}};
  for (const ArmMapScores& arm : report.maps) {
    for (const std::string& region : map_regions(arm)) {
      const auto score = [&](const char* variable, double Scores::*value) {
        const MapScore* row = find_map_score(arm, region, variable, "annual");
        return score_text(row == nullptr ? kNoScore : row->scores.*value);
      };
      const MapScore* reco = find_map_score(arm, region, "reco", "annual");
      rows.push_back({arm.arm, region, reco == nullptr ? "-" : std::to_string(reco->scores.pairs),
                      score("ra", &Scores::rmse), score("rh", &Scores::rmse),
                      score("reco", &Scores::rmse), score("nee", &Scores::rmse),
                      score("reco", &Scores::bias), score("nee", &Scores::bias)});
    }
  }
  if (rows.size() == 1) return "";
  return "Maps against the truth, annual sums (gC m-2 yr-1)\n" + aligned(rows, 2) + "\n";
}

}  // namespace

std::string evaluation_table(const EvaluationReport& report) {
  std::string out = report.title + "\n" + std::string(letters(report.title), '=') + "\n";
  if (report.synthetic) out += "Synthetic data: these scores say nothing about the real world.\n";
  for (const std::string& warning : report.warnings) out += "warning: " + warning + "\n";
  out += "\n";
  for (const char* variable : {"Reco", "NEE"})
    for (const Scale scale : all_scales()) out += block(report, variable, scale);
  out += maps(report);
  if (report.differences.empty()) return out;
  out += "Relative difference of MSE, 95 % interval (negative: the first named is better)\n";
  std::vector<std::vector<std::string>> rows;
  for (const ArmDifference& d : report.differences) {
    const PairedDifference& r = d.result;
    rows.push_back({d.second + " - " + d.first, d.variable, to_text(d.scale), region_text(d.region),
                    difference_text(r),
                    r.enough ? std::to_string(r.sites) + " sites, " + std::to_string(r.years) +
                                   (r.years == 1 ? " year" : " years")
                             : ""});
  }
  return out + aligned(rows, 6);
}

}  // namespace fluxtile
