// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

#include "base/markup.h"
#include "geo/unit_text.h"
#include "pipeline/html_page.h"
#include "pipeline/svg_plots.h"
#include "pipeline/training/curve_plot.h"
#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/report_order.h"
#include "pipeline/training/score_text.h"

namespace fluxtile {
namespace {

std::string people(Scale scale) { return unit_for_people(unit_of(scale)); }

/// One column of the table of scores.
struct HeadlineColumn {
  std::string variable, title;
  bool begins_variable = false;
  bool low_is_good = false;
  std::function<double(const ArmScores&)> value;
};

class EvaluationPage {
 public:
  explicit EvaluationPage(const EvaluationReport& report)
      : report_(report), page_(report.title), regions_(regions_of(report)) {
    for (const ArmScores& arm : report.arms) arms_.push_back(arm.arm);
    // Where there is one region, "all" and the region are the same.
    regions_shown_ = regions_.size() > 1 ? regions_ : std::vector<std::string>{""};
  }

  std::string text() {
    page_.set_facts(report_.facts);
    if (report_.synthetic)
      page_.set_banner("Synthetic data",
                       "Scores on this page compare ways to train. They say nothing about the "
                       "real world.");
    page_.warnings(report_.warnings);
    headline();
    differences();
    regions();
    sites();
    maps();
    curve("learning", "Learning curve", report_.learning_curve, "fine-tuning site-years",
          "RMSE of monthly means on test data against the number of site-years that fine-tuning "
          "was given. Lines join the means over seeds; pale dots are single seeds.",
          true);
    curve("robustness", "Robustness", report_.robustness, "learning rate",
          "RMSE on test data when the learning rate and the seed are not the chosen ones. A flat "
          "line means that the choice hardly matters.",
          false);
    losses();
    all_scores();
    return page_.text(
        "Made by fluxtile. Ra, Rh and Reco are positive; negative NEE is uptake by the land. NSE "
        "is "
        "1 - MSE / variance of the observations; 0 is no better than their mean.");
  }

 private:
  // ---- what stands first ----

  [[nodiscard]] std::vector<HeadlineColumn> headline_columns() const {
    std::vector<HeadlineColumn> columns;
    for (const char* variable : {"Reco", "NEE"}) {
      const std::string name = variable;
      bool begins = true;
      const auto add = [&](Scale scale, const char* title, bool low_is_good,
                           const std::function<double(const RegionScores&)>& value) {
        if (!has_scores(report_, name, scale)) return;
        columns.push_back(
            {name, title, begins, low_is_good, [name, scale, value](const ArmScores& arm) {
               const RegionScores* row = find_scores(arm, "", name, scale);
               return row == nullptr ? kNoScore : value(*row);
             }});
        begins = false;
      };
      const auto rmse = [](const RegionScores& row) { return row.all.rmse; };
      const auto nse = [](const RegionScores& row) { return row.all.nse; };
      add(Scale::monthly, "RMSE monthly", true, rmse);
      add(Scale::monthly, "NSE monthly", false, nse);
      if (regions_.size() > 1 && has_scores(report_, name, Scale::monthly))
        columns.push_back({name, "NSE worst region", false, false,
                           [this, name](const auto& arm) { return worst_region(arm, name); }});
      add(Scale::anomaly, "NSE anomaly", false, nse);
      add(Scale::annual, "RMSE annual", true, rmse);
    }
    return columns;
  }

  [[nodiscard]] double worst_region(const ArmScores& arm, const std::string& variable) const {
    double worst = kNoScore;
    for (const std::string& region : regions_) {
      const RegionScores* row = find_scores(arm, region, variable, Scale::monthly);
      if (row != nullptr) worst = std::isnan(worst) ? row->all.nse : std::fmin(worst, row->all.nse);
    }
    return worst;
  }

  void headline() {
    const std::vector<HeadlineColumn> columns = headline_columns();
    if (columns.empty()) return;
    page_.section("scores", "Scores on test data");
    findings();
    std::string top = "<tr><th></th>", head = "<tr><th>Arm</th>";
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].begins_variable) {
        const auto same = std::count_if(
            columns.begin(), columns.end(),
            [&](const HeadlineColumn& c) { return c.variable == columns[i].variable; });
        top += "<th class=\"span part\" colspan=\"" + std::to_string(same) + "\">" +
               columns[i].variable + "</th>";
      }
      head += std::string("<th class=\"n") + (columns[i].begins_variable ? " part" : "") + "\">" +
              columns[i].title + "</th>";
    }
    std::vector<std::string> best;
    for (const HeadlineColumn& column : columns) {
      double value = kNoScore;
      for (const ArmScores& arm : report_.arms) {
        const double own = column.value(arm);
        value = column.low_is_good ? std::fmin(value, own) : std::fmax(value, own);
      }
      best.push_back(score_text(value));
    }
    page_.add("<div class=\"scroll\"><table class=\"tight\">\n<thead>" + top + "</tr>\n" + head +
              "</tr></thead>\n<tbody>\n");
    for (const ArmScores& arm : report_.arms) {
      page_.add("<tr><td>" + markup_escaped(arm.arm) +
                (arm.meaning.empty() ? "" : "<small>" + markup_escaped(arm.meaning) + "</small>") +
                "</td>");
      for (size_t i = 0; i < columns.size(); ++i) {
        const double value = columns[i].value(arm);
        std::string style = columns[i].begins_variable ? "n part" : "n";
        if (std::isfinite(value) && score_text(value) == best[i]) style += " best";
        page_.add(html_cell(score_for_page(value), style.c_str()));
      }
      page_.add("</tr>\n");
    }
    page_.add("</tbody>\n</table></div>\n");
    page_.note(
        "RMSE of monthly means in " + people(Scale::monthly) + ", of annual sums in " +
        people(Scale::annual) +
        ". Anomalies are monthly means less the month and crop climatology of the training data. "
        "The best value of each column is coloured; whether it is better than the next is said by "
        "the paired differences below.");
  }

  /// The paired differences over all regions, monthly, in words.
  void findings() {
    std::string items;
    for (const ArmDifference& d : report_.differences) {
      if (!d.region.empty() || d.scale != Scale::monthly) continue;
      const PairedDifference& r = d.result;
      std::string words = d.variable + ", " + d.second + " against " + d.first + ": ";
      if (!r.enough) {
        words += "not claimed: " + why_not_claimed(r);
      } else {
        words += "MSE " + for_page(interval_text(r.difference, r.low, r.high)) + ", " +
                 (r.claimed() ? (r.difference < 0 ? d.second : d.first) + " is better"
                              : "no difference can be told") +
                 " (" + std::to_string(r.sites) + " sites)";
      }
      items += "<li>" + markup_escaped(words) + ".</li>\n";
    }
    if (!items.empty()) page_.add("<ul class=\"findings\">\n" + items + "</ul>\n");
  }

  // ---- paired differences ----

  void differences() {
    if (report_.differences.empty()) return;
    page_.section("differences", "Paired differences");
    page_.note(
        "Relative difference of MSE on the same pairs; left of zero the first named arm is better. "
        "Bars are 95 % intervals of a bootstrap that draws blocks of sites and years, "
        "independently. "
        "A ring marks a difference that is not claimed: fewer than " +
        std::to_string(PairedDifference::sites_for_claim) + " sites or " +
        std::to_string(PairedDifference::blocks_for_claim) +
        " blocks of sites say nothing about "
        "others.");
    std::vector<std::string> comparisons;
    for (const ArmDifference& d : report_.differences)
      comparisons.push_back(d.second + " against " + d.first);
    page_.add("<div class=\"grid wide\">\n");
    for (const std::string& comparison : first_appearances(comparisons))
      for (const std::string& variable : scored_variables()) forest(comparison, variable);
    page_.add("</div>\n");
    differences_table();
  }

  void forest(const std::string& comparison, const std::string& variable) {
    std::vector<PlotRow> rows;
    for (const Scale scale : all_scales()) {
      bool first = true;
      for (const ArmDifference& d : report_.differences) {
        if (d.second + " against " + d.first != comparison || d.variable != variable ||
            d.scale != scale)
          continue;
        if (first) {
          PlotRow heading;
          heading.name = to_text(scale);
          heading.heading = true;
          rows.push_back(heading);
        }
        first = false;
        const PairedDifference& r = d.result;
        PlotRow row;
        row.name = region_text(d.region);
        row.note = for_page(difference_text(r));
        const size_t colour = r.claimed() ? (r.difference < 0 ? 0 : 1) : 6;
        row.dots.push_back({r.difference, colour,
                            for_page(relative_text(r.difference)) + ", " + std::to_string(r.sites) +
                                " sites, " + std::to_string(r.years) + " years",
                            !r.enough, false});
        if (r.enough) {
          row.low = r.low;
          row.high = r.high;
        }
        rows.push_back(row);
      }
    }
    if (rows.empty()) return;
    PlotAxis axis;
    axis.title =
        "difference of MSE (left of 0: " + comparison.substr(0, comparison.find(" against ")) +
        " is better)";
    axis.percent = true;
    // One huge difference must not press the others together.
    std::vector<double> ends;
    for (const PlotRow& row : rows) {
      if (row.heading) continue;
      ends.push_back(std::isnan(row.low) ? row.dots[0].value : row.low);
      ends.push_back(std::isnan(row.high) ? row.dots[0].value : row.high);
    }
    if (quantile(ends, 1) > 1.5) axis.high = 1.5;
    page_.add(html_figure(
        comparison + ", " + variable,
        row_plot(comparison + ", " + variable + ": relative difference of MSE", axis, rows, 0)));
  }

  void differences_table() {
    page_.open_fold("Table of paired differences", false);
    page_.add(
        "<div class=\"scroll\"><table>\n<thead><tr><th>Arm</th><th>against</th><th>Region</th>"
        "<th>Variable</th><th>Scale</th><th class=\"n\">MSE</th><th class=\"n\">MSE against</th>"
        "<th>Difference</th><th class=\"n\">Sites</th><th class=\"n\">Blocks</th>"
        "<th class=\"n\">Years</th></tr></thead>\n<tbody>\n");
    for (const ArmDifference& d : report_.differences)
      page_.add("<tr>" + html_cell(d.second) + html_cell(d.first) +
                html_cell(region_text(d.region)) + html_cell(d.variable) +
                html_cell(to_text(d.scale)) + html_cell(score_for_page(d.result.second), "n") +
                html_cell(score_for_page(d.result.first), "n") +
                html_cell(for_page(difference_text(d.result))) +
                html_cell(std::to_string(d.result.sites), "n") +
                html_cell(std::to_string(d.result.blocks), "n") +
                html_cell(std::to_string(d.result.years), "n") + "</tr>\n");
    page_.add("</tbody>\n</table></div>\n");
    page_.close_fold();
  }

  // ---- by region ----

  [[nodiscard]] std::string region_legend() const {
    if (regions_.size() < 2) return "";
    std::vector<std::pair<std::string, size_t>> names;
    for (const std::string& region : regions_)
      names.emplace_back(region, colour_of(regions_, region));
    return plot_legend(names);
  }
  [[nodiscard]] size_t region_colour(const std::string& region) const {
    return region.empty() ? 0 : colour_of(regions_, region);
  }

  void regions() {
    if (report_.arms.empty()) return;
    page_.section("regions", regions_.size() > 1 ? "By region" : "By time scale");
    if (regions_.size() > 1)
      page_.note("Each dot is a region. Dots close together: an arm is equally good everywhere.");
    page_.add(region_legend() + "<div class=\"grid wide\">\n");
    for (const char* variable : {"Reco", "NEE"})
      for (const RegionFigure& f :
           {RegionFigure{Scale::monthly, false}, RegionFigure{Scale::monthly, true},
            RegionFigure{Scale::anomaly, false}, RegionFigure{Scale::annual, false}})
        region_figure(variable, f);
    page_.add("</div>\n");
    page_.open_fold("Days, differences between sites, Ra and Rh", false);
    page_.add("<div class=\"grid wide\">\n");
    for (const char* variable : {"Reco", "NEE"})
      for (const Scale scale : {Scale::daily, Scale::between_site})
        region_figure(variable, {scale, false});
    for (const char* variable : {"Ra", "Rh"})
      for (const Scale scale : {Scale::monthly, Scale::annual})
        region_figure(variable, {scale, false});
    page_.add("</div>\n");
    page_.close_fold();
  }

  struct RegionFigure {
    Scale scale = Scale::monthly;
    bool nse = false;
  };
  void region_figure(const std::string& variable, const RegionFigure& f) {
    std::vector<PlotRow> rows;
    bool any = false;
    for (const ArmScores& arm : report_.arms) {
      PlotRow row;
      row.name = arm.arm;
      for (const std::string& region : regions_shown_) {
        const RegionScores* own = find_scores(arm, region, variable, f.scale);
        if (own == nullptr) continue;
        const double value = f.nse ? own->all.nse : own->all.rmse;
        any = any || std::isfinite(value);
        row.dots.push_back({value, region_colour(region),
                            arm.arm + ", " + region_text(region) + ": " + score_for_page(value) +
                                ", " + std::to_string(own->sites) + " sites"});
      }
      if (!row.dots.empty()) rows.push_back(row);
    }
    if (!any) return;
    PlotAxis axis = f.nse ? nse_axis(rows) : PlotAxis{};
    axis.title = f.nse ? "NSE" : "RMSE, " + people(f.scale);
    if (!f.nse) axis.low = 0;
    const std::string title = variable + ", " + to_text(f.scale) + (f.nse ? ", NSE" : ", RMSE");
    page_.add(html_figure(title, row_plot(title, axis, rows)));
  }

  /// NSE has no lower end: below -1 a model is bad, however bad.
  static PlotAxis nse_axis(const std::vector<PlotRow>& rows) {
    PlotAxis axis;
    axis.high = 1;
    double least = 1;
    for (const PlotRow& row : rows)
      for (const PlotDot& dot : row.dots)
        if (std::isfinite(dot.value)) least = std::min(least, dot.value);
    axis.low = std::max(-1.0, std::min(0.9, least - 0.02));
    return axis;
  }

  // ---- over sites ----

  void sites() {
    bool any = false;
    for (const ArmScores& arm : report_.arms)
      for (const RegionScores& row : arm.scores) any = any || row.by_site.size() > 1;
    if (!any) return;
    page_.section("sites", "Distribution over sites");
    page_.note(
        "Each dot is the score of one site over its own months; boxes hold the middle half, the "
        "stroke is the median. A triangle stands for a site outside the axis.");
    page_.add(region_legend() + "<div class=\"grid wide\">\n");
    for (const char* variable : {"Reco", "NEE"}) {
      site_figure(variable, true);
      site_figure(variable, false);
    }
    page_.add("</div>\n");
  }

  void site_figure(const std::string& variable, bool nse) {
    std::vector<PlotRow> rows;
    for (const ArmScores& arm : report_.arms) {
      PlotRow row;
      row.name = arm.arm;
      for (const std::string& region : regions_shown_) {
        const RegionScores* own = find_scores(arm, region, variable, Scale::monthly);
        if (own == nullptr) continue;
        for (const SiteScores& site : own->by_site) {
          const double value = nse ? site.scores.nse : site.scores.rmse;
          if (std::isfinite(value))
            row.dots.push_back(
                {value, region_colour(region),
                 site.site + (region.empty() ? "" : ", " + region) + ": " + score_for_page(value)});
        }
      }
      if (row.dots.empty()) continue;
      std::vector<double> values;
      for (const PlotDot& dot : row.dots) values.push_back(dot.value);
      row.quarter = quantile(values, 0.25);
      row.median = quantile(values, 0.5);
      row.three_quarters = quantile(values, 0.75);
      row.note = "median " + score_for_page(row.median);
      rows.push_back(row);
    }
    if (rows.empty()) return;
    PlotAxis axis = nse ? nse_axis(rows) : PlotAxis{};
    axis.title = nse ? "NSE" : "RMSE, " + people(Scale::monthly);
    if (!nse) axis.low = 0;
    const std::string title = variable + ", monthly, " + (nse ? "NSE" : "RMSE") + " of each site";
    page_.add(html_figure(title, row_plot(title, axis, rows)));
  }

  // ---- learning curve, robustness ----

  void curve(const char* id, const char* title, const std::vector<CurvePoint>& points,
             const std::string& x_title, const std::string& note, bool regions_open) {
    if (points.empty()) return;
    page_.section(id, title);
    page_.note(note);
    std::vector<std::string> arms, regions, variables;
    for (const CurvePoint& p : points) {
      arms.push_back(p.arm);
      regions.push_back(p.region);
      variables.push_back(p.variable);
    }
    arms = first_appearances(arms);
    std::vector<std::pair<std::string, size_t>> names;
    for (const std::string& arm : arms) names.emplace_back(arm, colour_of(arms, arm));
    page_.add(plot_legend(names));
    regions = first_appearances(regions);
    variables = first_appearances(variables);
    // All regions together stand first; with them, single regions fold away.
    const auto all = std::find(regions.begin(), regions.end(), "");
    if (all != regions.end() && regions.size() > 1) {
      regions.erase(all);
      curve_figures(points, x_title, {""}, variables, arms);
      page_.open_fold("By region", regions_open);
      curve_figures(points, x_title, regions, variables, arms);
      page_.close_fold();
    } else {
      curve_figures(points, x_title, regions, variables, arms);
    }
  }

  void curve_figures(const std::vector<CurvePoint>& points, const std::string& x_title,
                     const std::vector<std::string>& regions,
                     const std::vector<std::string>& variables,
                     const std::vector<std::string>& arms) {
    page_.add("<div class=\"grid wide\">\n");
    for (const std::string& region : regions) {
      for (const std::string& variable : variables) {
        std::vector<CurvePoint> own;
        for (const CurvePoint& p : points)
          if (p.variable == variable && p.region == region) own.push_back(p);
        const std::string title = variable + ", " + region_text(region);
        if (!own.empty())
          page_.add(html_figure(title, curve_plot(title + ": RMSE against " + x_title, x_title,
                                                  "RMSE, " + people(Scale::monthly), own, arms)));
      }
    }
    page_.add("</div>\n");
  }

  // ---- maps ----

  void maps() {
    if (report_.maps.empty()) return;
    page_.section("maps", "Maps against the truth");
    page_.note(
        "Maps of all regions were made with each arm's models and compared with the truth, cell by "
        "cell. Bias is map less truth. The models saw none of these cells.");
    maps_table("annual", "Annual sums", "gC m-2 yr-1", true);
    maps_table("monthly", "Monthly means", "gC m-2 d-1", false);
  }

  void maps_table(const std::string& period, const std::string& title, const std::string& unit,
                  bool open) {
    const std::pair<const char*, const char*> variables[] = {
        {"ra", "Ra"}, {"rh", "Rh"}, {"reco", "Reco"}, {"nee", "NEE"}};
    std::string top = "<tr><th></th><th></th><th></th>";
    std::string head = "<tr><th>Arm</th><th>Region</th><th class=\"n\">Values</th>";
    for (const auto& [variable, name] : variables) {
      top += std::string("<th class=\"span part\" colspan=\"3\">") + name + "</th>";
      head += "<th class=\"n part\">RMSE</th><th class=\"n\">Bias</th><th class=\"n\">R²</th>";
    }
    std::string body;
    for (const ArmMapScores& arm : report_.maps) {
      bool first = true;
      for (const std::string& region : map_regions(arm)) {
        const MapScore* reco = find_map_score(arm, region, "reco", period);
        if (reco == nullptr) continue;
        body += std::string("<tr") + (first ? " class=\"first\"" : "") + ">" +
                html_cell(first ? arm.arm : "") + html_cell(region) +
                html_cell(std::to_string(reco->scores.pairs), "n");
        for (const auto& [variable, name] : variables) {
          const MapScore* row = find_map_score(arm, region, variable, period);
          const auto cell = [&](double Scores::*value, const char* style) {
            return html_cell(score_for_page(row == nullptr ? kNoScore : row->scores.*value), style);
          };
          body += cell(&Scores::rmse, "n part") + cell(&Scores::bias, "n") + cell(&Scores::r2, "n");
        }
        body += "</tr>\n";
        first = false;
      }
    }
    if (body.empty()) return;
    page_.open_fold(title + " (" + unit_for_people(unit) + ")", open);
    page_.add("<div class=\"scroll\"><table>\n<thead>" + top + "</tr>\n" + head +
              "</tr></thead>\n<tbody>\n" + body + "</tbody>\n</table></div>\n");
    page_.close_fold();
  }

  // ---- training ----

  void losses() {
    if (report_.histories.empty()) return;
    page_.section("losses", "Training");
    page_.note(
        "Loss of the training and of the validation data by epoch, on a logarithmic axis. Stages "
        "of "
        "the schedule minimise different things: their losses do not compare. The last dot of a "
        "stage is the epoch whose weights were kept.");
    page_.add(plot_legend({{"training loss", 0}, {"validation loss", 1}}) +
              "<div class=\"grid wide\">\n");
    for (const auto& [model, epochs] : report_.histories) loss_figures(model, epochs);
    page_.add("</div>\n");
  }

  static double term(const std::map<std::string, double>& terms, const std::string& name) {
    const auto found = terms.find(name);
    return found == terms.end() ? kNoScore : found->second;
  }

  void loss_figures(const std::string& model, const std::vector<EpochRecord>& epochs) {
    if (epochs.empty()) return;
    PlotLine train, validation, kept;
    train.name = model + ", training";
    validation.name = model + ", validation";
    kept.name = model + ", best epoch";
    validation.colour = kept.colour = 1;
    kept.joined = false;
    std::vector<PlotMark> marks;
    std::optional<std::pair<double, double>> best;
    std::map<std::string, PlotLine> r2;
    for (size_t i = 0; i < epochs.size(); ++i) {
      const EpochRecord& e = epochs[i];
      const auto x = static_cast<double>(i + 1);
      if (i == 0 || e.stage != epochs[i - 1].stage) {
        marks.push_back({x, e.stage});
        if (i > 0) {
          train.points.emplace_back(x, kNoScore);
          validation.points.emplace_back(x, kNoScore);
          for (auto& [variable, line] : r2) line.points.emplace_back(x, kNoScore);
        }
        if (best) kept.points.push_back(*best);
        best.reset();
      }
      train.points.emplace_back(x, term(e.train, "loss"));
      validation.points.emplace_back(x, term(e.validation, "loss"));
      if (e.best) best = {x, term(e.validation, "loss")};
      for (const auto& [variable, value] : e.r2) r2[variable].points.emplace_back(x, value);
    }
    if (best) kept.points.push_back(*best);
    PlotAxis x, y;
    x.title = "epoch";
    y.title = "loss";
    y.logarithmic = true;
    page_.add(html_figure(
        model, line_plot(model + ": losses by epoch", x, y, {train, validation, kept}, marks)));
    if (r2.empty()) return;
    std::vector<PlotLine> lines;
    std::vector<std::pair<std::string, size_t>> names;
    double least = 1;
    for (auto& [variable, line] : r2) {
      line.name = variable;
      line.colour = 2 + lines.size() % (HtmlPage::colours - 2);
      names.emplace_back(variable, line.colour);
      for (const auto& point : line.points)
        if (std::isfinite(point.second)) least = std::min(least, point.second);
      lines.push_back(line);
    }
    PlotAxis share;
    share.title = "R² of the validation labels";
    share.high = 1;
    share.low = std::max(-0.5, std::min(0.9, least - 0.02));
    page_.add(html_figure(model + ", R²", plot_legend(names) + line_plot(model + ": R² by epoch", x,
                                                                         share, lines, marks)));
  }

  // ---- everything ----

  void all_scores() {
    if (report_.arms.empty()) return;
    page_.section("all-scores", "All scores");
    for (const char* name : {"Reco", "NEE", "Ra", "Rh"}) {
      const std::string variable = name;
      for (const Scale scale : all_scales()) {
        if (!has_scores(report_, variable, scale)) continue;
        page_.open_fold(variable + ", " + to_text(scale) + " (" + people(scale) + ")", false);
        page_.add(
            "<div class=\"scroll\"><table>\n<thead><tr><th>Arm</th><th>Region</th>"
            "<th class=\"n\">Sites</th><th class=\"n\">Pairs</th><th class=\"n\">RMSE</th>"
            "<th class=\"n\">Bias</th><th class=\"n\">R²</th><th class=\"n\">NSE</th>"
            "<th class=\"n\">KGE</th><th class=\"n\">RMSE of sites, median (quartiles)</th>"
            "<th class=\"n\">NSE of sites, median (quartiles)</th></tr></thead>\n<tbody>\n");
        for (const ArmScores& arm : report_.arms) {
          bool first = true;
          for (const RegionScores& row : arm.scores) {
            if (row.variable != variable || row.scale != scale) continue;
            page_.add(std::string("<tr") + (first ? " class=\"first\"" : "") + ">" +
                      html_cell(first ? arm.arm : "") + html_cell(region_text(row.region)) +
                      html_cell(std::to_string(row.sites), "n") +
                      html_cell(std::to_string(row.all.pairs), "n") +
                      html_cell(score_for_page(row.all.rmse), "n") +
                      html_cell(score_for_page(row.all.bias), "n") +
                      html_cell(score_for_page(row.all.r2), "n") +
                      html_cell(score_for_page(row.all.nse), "n") +
                      html_cell(score_for_page(row.all.kge), "n") +
                      html_cell(quartiles(row.rmse_median, row.rmse_q25, row.rmse_q75), "n") +
                      html_cell(quartiles(row.nse_median, row.nse_q25, row.nse_q75), "n") +
                      "</tr>\n");
            first = false;
          }
        }
        page_.add("</tbody>\n</table></div>\n");
        page_.close_fold();
      }
    }
  }

  static std::string quartiles(double median, double quarter, double three_quarters) {
    if (!std::isfinite(median)) return "–";
    return score_for_page(median) + " (" + score_for_page(quarter) + " to " +
           score_for_page(three_quarters) + ")";
  }

  const EvaluationReport& report_;
  HtmlPage page_;
  std::vector<std::string> arms_, regions_, regions_shown_;
};

}  // namespace

std::string evaluation_page(const EvaluationReport& report) {
  return EvaluationPage(report).text();
}

}  // namespace fluxtile
