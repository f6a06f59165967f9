// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/markup.h"
#include "geo/unit_text.h"
#include "pipeline/html_page.h"
#include "pipeline/svg_plots.h"
#include "pipeline/training/curve_plot.h"
#include "pipeline/training/report_order.h"
#include "pipeline/training/score_text.h"
#include "pipeline/training/study_report.h"
#include "pipeline/training/study_summary.h"

namespace fluxtile {
namespace {

class StudyPage {
 public:
  explicit StudyPage(const StudyReport& report)
      : report_(report),
        page_(report.title),
        differences_(study_differences(report)),
        kinds_(study_kinds(report)) {}

  std::string text() {
    page_.set_facts(report_.facts);
    page_.warnings(report_.warnings);
    verdict();
    comparisons();
    regions();
    scores();
    curves("learning", "Learning curve", report_.learning_curve, "fine-tuning site-years",
           "RMSE of monthly means against truth by the number of site-years that fine-tuning was "
           "given. Lines join the means over worlds; pale dots are single worlds.");
    curves("robustness", "Robustness", report_.robustness, "learning rate",
           "RMSE when the learning rate is not the chosen one; means over worlds, and single "
           "worlds as pale dots.");
    worlds();
    return page_.text(
        "Made by fluxtile. All worlds are synthetic: their truth comes from a process model, and "
        "the scores are against that truth.");
  }

 private:
  void verdict() {
    const std::vector<StudyVerdict> verdicts = study_verdicts(report_);
    if (verdicts.empty()) return;
    page_.section("verdict", "Verdict");
    page_.note(
        "The claim: regional fine-tuning beats pooled fine-tuning on equal labels where regions "
        "differ in what no input tells. It holds if the interval of regional - pooled lies below 0 "
        "in all unexplained and other-structure worlds, and holds 0 in the null worlds. Worlds are "
        "the replicates: intervals are 95 %, Student's t.");
    std::string head = "<tr><th>Pairs</th><th>Claim</th>";
    for (const std::string& kind : kinds_)
      head += "<th class=\"n\">" + markup_escaped(kind) + "</th>";
    page_.add("<div class=\"scroll\"><table class=\"tight\">\n<thead>" + head +
              "</tr></thead>\n<tbody>\n");
    for (const StudyVerdict& v : verdicts) {
      const bool holds = v.claim == StudyVerdict::Claim::holds;
      const bool fails = v.claim == StudyVerdict::Claim::fails;
      page_.add("<tr>" + html_cell(v.variable + ", " + to_text(v.scale)) + "<td class=\"" +
                (holds   ? "best"
                 : fails ? "bad"
                         : "") +
                "\">" + to_text(v.claim) +
                (v.reason.empty() ? "" : "<small>" + markup_escaped(v.reason) + "</small>") +
                "</td>");
      for (const std::string& kind : kinds_)
        page_.add("<td class=\"n\">" + main_figure(kind, v) + "</td>");
      page_.add("</tr>\n");
    }
    page_.add("</tbody>\n</table></div>\n");
    page_.note(
        "Numbers: mean relative difference of MSE, regional - pooled, with its interval. Monthly "
        "means are what the claim is about; the others stand beside it. Of twenty intervals one "
        "excludes 0 by chance.");
  }

  /// Regional - pooled, all regions together: the mean, its interval below. Markup.
  [[nodiscard]] std::string main_figure(const std::string& kind, const StudyVerdict& v) const {
    for (const StudyDifference& d : differences_)
      if (d.kind == kind && d.second == "regional" && d.first == "pooled" && d.region.empty() &&
          d.variable == v.variable && d.scale == v.scale)
        return for_page(relative_text(d.mean.mean)) + "<small>" +
               (std::isfinite(d.mean.low) ? for_page(relative_text(d.mean.low)) + " to " +
                                                for_page(relative_text(d.mean.high))
                                          : "no interval") +
               "</small>";
    return "–";
  }

  // ---- comparisons ----

  /// Rows of one comparison: kinds, or kinds within regions.
  std::vector<PlotRow> rows_of(const StudyComparison& comparison, const std::string& variable,
                               Scale scale, const std::string& region) const {
    std::vector<PlotRow> rows;
    for (const std::string& kind : kinds_) {
      for (const StudyDifference& d : differences_) {
        if (d.kind != kind || d.second != comparison.second || d.first != comparison.first ||
            d.variable != variable || d.scale != scale || d.region != region)
          continue;
        PlotRow row;
        row.name = kind;
        const bool told = d.mean.excludes_zero();
        const size_t colour = told ? (d.mean.high < 0 ? 0 : 1) : 6;
        const std::string mean = for_page(interval_text(d.mean.mean, d.mean.low, d.mean.high));
        row.dots.push_back({d.mean.mean, colour,
                            "mean of " + std::to_string(d.worlds.size()) + " worlds: " + mean,
                            false, true});
        row.low = d.mean.low;
        row.high = d.mean.high;
        for (const auto& [world, value] : d.worlds)
          row.dots.push_back(
              {value, 4, "world " + std::to_string(world) + ": " + for_page(relative_text(value)),
               false, false});
        row.note = mean + (d.mean.replicates < 2 ? " (1 world)" : "");
        rows.push_back(row);
      }
    }
    return rows;
  }

  void comparison_figure(const StudyComparison& comparison, const std::string& variable,
                         Scale scale, const std::vector<std::string>& regions) {
    std::vector<PlotRow> rows;
    for (const std::string& region : regions) {
      const std::vector<PlotRow> own = rows_of(comparison, variable, scale, region);
      if (!own.empty() && !region.empty()) {
        PlotRow heading;
        heading.name = region;
        heading.heading = true;
        rows.push_back(heading);
      }
      rows.insert(rows.end(), own.begin(), own.end());
    }
    if (rows.empty()) return;
    PlotAxis axis;
    axis.percent = true;
    axis.title = "difference of MSE (left of 0: " + comparison.second + " is better)";
    std::vector<double> ends;
    for (const PlotRow& row : rows) {
      ends.push_back(row.high);
      for (const PlotDot& dot : row.dots) ends.push_back(dot.value);
    }
    if (quantile(ends, 1) > 1.5) axis.high = 1.5;
    const std::string title = comparison.second + " − " + comparison.first + ", " + variable +
                              (scale == Scale::monthly ? "" : ", " + to_text(scale));
    page_.add(html_figure(title, row_plot(title + ": relative difference of MSE", axis, rows, 0)));
  }

  void comparisons() {
    if (differences_.empty()) return;
    page_.section("comparisons", "Comparisons");
    page_.note(
        "Relative difference of MSE over all regions, monthly means. Small dots are worlds; the "
        "dot with the bar below them is their mean with its interval, coloured where it excludes "
        "0.");
    page_.add("<dl>\n");
    for (const std::string& kind : kinds_)
      if (!meaning_of_kind(kind).empty())
        page_.add("<dt>" + markup_escaped(kind) + "</dt><dd>" +
                  markup_escaped(meaning_of_kind(kind)) + "</dd>\n");
    page_.add("</dl>\n");
    for (const StudyComparison& comparison : report_.comparisons) {
      if (!compared(comparison)) continue;
      page_.add("<h3 class=\"question\">" + markup_escaped(comparison.question) +
                "</h3>\n<div class=\"grid wide\">\n");
      for (const std::string& variable : study_variables(report_))
        comparison_figure(comparison, variable, Scale::monthly, {""});
      page_.add("</div>\n");
    }
    page_.open_fold("Annual sums, anomalies, differences between sites", false);
    page_.add("<div class=\"grid wide\">\n");
    for (const StudyComparison& comparison : report_.comparisons)
      for (const Scale scale : {Scale::annual, Scale::anomaly, Scale::between_site})
        for (const std::string& variable : study_variables(report_))
          comparison_figure(comparison, variable, scale, {""});
    page_.add("</div>\n");
    page_.close_fold();
  }

  [[nodiscard]] bool compared(const StudyComparison& comparison) const {
    return std::any_of(differences_.begin(), differences_.end(), [&](const StudyDifference& d) {
      return d.second == comparison.second && d.first == comparison.first &&
             d.scale == Scale::monthly && d.region.empty();
    });
  }

  void regions() {
    std::vector<std::string> names;
    for (const StudyDifference& d : differences_)
      if (!d.region.empty()) names.push_back(d.region);
    names = first_appearances(names);
    if (names.size() < 2) return;
    page_.section("regions", "By region");
    page_.note("The first comparison in each region, monthly means.");
    page_.add("<div class=\"grid wide\">\n");
    for (const std::string& variable : study_variables(report_))
      comparison_figure(report_.comparisons.front(), variable, Scale::monthly, names);
    page_.add("</div>\n");
  }

  // ---- scores ----

  void scores() {
    if (report_.rows.empty()) return;
    page_.section("scores", "Scores by kind of world and arm");
    page_.note(
        "Means over worlds. The last column is the largest less the smallest NSE of the regions of "
        "a world: the smaller, the more consistent over regions.");
    bool open = true;
    for (const std::string& variable : study_variables(report_)) {
      for (const Scale scale : study_scales(report_)) {
        page_.open_fold(
            variable + ", " + to_text(scale) + " (RMSE in " + unit_for_people(unit_of(scale)) + ")",
            open);
        open = false;
        page_.add(
            "<div class=\"scroll\"><table class=\"tight\">\n<thead><tr><th>Kind</th><th>Arm</th>"
            "<th class=\"n\">Worlds</th><th class=\"n\">RMSE</th><th class=\"n\">95 % interval</th>"
            "<th class=\"n\">NSE</th><th class=\"n\">NSE, range over regions</th></tr></thead>\n"
            "<tbody>\n");
        for (const std::string& kind : kinds_) score_rows(kind, variable, scale);
        page_.add("</tbody>\n</table></div>\n");
        page_.close_fold();
      }
    }
  }

  void score_rows(const std::string& kind, const std::string& variable, Scale scale) {
    const std::vector<StudyArmSummary> arms = study_arms(report_, kind, variable, scale);
    double best = kNoScore;
    for (const StudyArmSummary& arm : arms) best = std::fmin(best, arm.rmse.mean);
    bool first = true;
    for (const StudyArmSummary& arm : arms) {
      const bool is_best = std::isfinite(best) && score_text(arm.rmse.mean) == score_text(best);
      const std::string interval =
          std::isfinite(arm.rmse.low)
              ? score_for_page(arm.rmse.low) + " to " + score_for_page(arm.rmse.high)
              : "–";
      page_.add(std::string("<tr") + (first ? " class=\"first\"" : "") + ">" +
                html_cell(first ? kind : "") + html_cell(arm.arm) +
                html_cell(std::to_string(arm.rmse.replicates), "n") +
                html_cell(score_for_page(arm.rmse.mean), is_best ? "n best" : "n") +
                html_cell(interval, "n") + html_cell(score_for_page(arm.nse.mean), "n") +
                html_cell(score_for_page(arm.nse_range.mean), "n") + "</tr>\n");
      first = false;
    }
  }

  // ---- learning curve, robustness ----

  void curves(const char* id, const char* title, const std::vector<StudyCurvePoint>& points,
              const std::string& x_title, const std::string& note) {
    if (points.empty()) return;
    page_.section(id, title);
    page_.note(note);
    std::vector<std::string> arms, variables, regions, kinds;
    for (const StudyCurvePoint& p : points) {
      arms.push_back(p.point.arm);
      variables.push_back(p.point.variable);
      regions.push_back(p.point.region);
      kinds.push_back(p.kind);
    }
    arms = first_appearances(arms);
    std::vector<std::pair<std::string, size_t>> names;
    for (const std::string& arm : arms) names.emplace_back(arm, colour_of(arms, arm));
    page_.add(plot_legend(names) + "<div class=\"grid wide\">\n");
    for (const std::string& kind : first_appearances(kinds)) {
      for (const std::string& region : first_appearances(regions)) {
        for (const std::string& variable : first_appearances(variables)) {
          std::vector<CurvePoint> own;
          for (const StudyCurvePoint& p : points)
            if (p.kind == kind && p.point.region == region && p.point.variable == variable)
              own.push_back(p.point);
          if (own.empty()) continue;
          const std::string name = kind + ", " + variable + (region.empty() ? "" : ", " + region);
          page_.add(html_figure(
              name, curve_plot(name + ": RMSE against " + x_title, x_title,
                               "RMSE, " + unit_for_people(unit_of(Scale::monthly)), own, arms)));
        }
      }
    }
    page_.add("</div>\n");
  }

  // ---- every world ----

  void worlds() {
    if (differences_.empty()) return;
    page_.section("worlds", "Every world");
    page_.open_fold("Relative differences of MSE by world, all regions together", false);
    page_.add(
        "<div class=\"scroll\"><table class=\"tight\">\n<thead><tr><th>Comparison</th>"
        "<th>Variable</th><th>Scale</th><th>Kind</th><th>Mean</th><th>Worlds</th></tr></thead>\n"
        "<tbody>\n");
    for (const StudyDifference& d : differences_) {
      if (!d.region.empty()) continue;
      std::string values;
      for (const auto& [world, value] : d.worlds)
        values += (values.empty() ? "" : ", ") + std::to_string(world) + ": " +
                  for_page(relative_text(value));
      page_.add("<tr>" + html_cell(d.second + " − " + d.first) + html_cell(d.variable) +
                html_cell(to_text(d.scale)) + html_cell(d.kind) +
                html_cell(for_page(interval_text(d.mean.mean, d.mean.low, d.mean.high))) +
                html_cell(values) + "</tr>\n");
    }
    page_.add("</tbody>\n</table></div>\n");
    page_.close_fold();
  }

  const StudyReport& report_;
  HtmlPage page_;
  std::vector<StudyDifference> differences_;
  std::vector<std::string> kinds_;
};

}  // namespace

std::string study_page(const StudyReport& report) { return StudyPage(report).text(); }

}  // namespace fluxtile
