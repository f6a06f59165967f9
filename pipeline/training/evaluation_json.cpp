// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/score_text.h"

namespace fluxtile {
namespace {
using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json of_scores(const Scores& s) {
  return {{"pairs", s.pairs},       {"mse", number(s.mse)}, {"rmse", number(s.rmse)},
          {"bias", number(s.bias)}, {"r2", number(s.r2)},   {"nse", number(s.nse)},
          {"kge", number(s.kge)}};
}

Json of_region(const RegionScores& row) {
  Json out = {{"region", region_text(row.region)},
              {"variable", row.variable},
              {"scale", to_text(row.scale)},
              {"unit", unit_of(row.scale)},
              {"sites", row.sites}};
  out.update(of_scores(row.all));
  out["nse_quartiles"] = {number(row.nse_q25), number(row.nse_median), number(row.nse_q75)};
  out["rmse_quartiles"] = {number(row.rmse_q25), number(row.rmse_median), number(row.rmse_q75)};
  out["by_site"] = Json::array();
  for (const SiteScores& site : row.by_site) {
    Json entry = {{"site", site.site}};
    entry.update(of_scores(site.scores));
    out["by_site"].push_back(std::move(entry));
  }
  return out;
}

Json of_difference(const ArmDifference& d) {
  const PairedDifference& r = d.result;
  Json out = {{"first", d.first},
              {"second", d.second},
              {"region", region_text(d.region)},
              {"variable", d.variable},
              {"scale", to_text(d.scale)},
              {"mse_first", number(r.first)},
              {"mse_second", number(r.second)},
              {"relative_difference", number(r.difference)},
              {"interval", {number(r.low), number(r.high)}},
              {"sites", r.sites},
              {"blocks", r.blocks},
              {"years", r.years},
              {"enough", r.enough},
              {"claimed", r.claimed()}};
  if (!r.enough) out["why_not"] = why_not_claimed(r);
  return out;
}

Json of_points(const std::vector<CurvePoint>& points, const char* x) {
  Json out = Json::array();
  for (const CurvePoint& p : points)
    out.push_back({{"arm", p.arm},
                   {"region", region_text(p.region)},
                   {"variable", p.variable},
                   {x, number(p.x)},
                   {"seed", p.seed},
                   {"rmse", number(p.rmse)},
                   {"nse", number(p.nse)}});
  return out;
}

Json of_terms(const std::map<std::string, double>& terms) {
  Json out = Json::object();
  for (const auto& [name, value] : terms) out[name] = number(value);
  return out;
}

Json of_history(const std::vector<EpochRecord>& epochs) {
  Json out = Json::array();
  for (const EpochRecord& e : epochs)
    out.push_back({{"stage", e.stage},
                   {"epoch", e.epoch},
                   {"learning_rate", number(e.learning_rate)},
                   {"train", of_terms(e.train)},
                   {"validation", of_terms(e.validation)},
                   {"r2", of_terms(e.r2)},
                   {"best", e.best},
                   {"seconds", number(e.seconds)},
                   {"site_years", e.site_years}});
  return out;
}

}  // namespace

std::string evaluation_json(const EvaluationReport& report) {
  Json out = {{"fluxtile-evaluation", 1}, {"title", report.title}, {"synthetic", report.synthetic}};
  out["facts"] = Json::object();
  for (const auto& [key, value] : report.facts) out["facts"][key] = value;
  out["warnings"] = report.warnings;
  out["arms"] = Json::array();
  for (const ArmScores& arm : report.arms) {
    Json entry = {{"arm", arm.arm}, {"meaning", arm.meaning}, {"scores", Json::array()}};
    for (const RegionScores& row : arm.scores) entry["scores"].push_back(of_region(row));
    out["arms"].push_back(std::move(entry));
  }
  out["differences"] = Json::array();
  for (const ArmDifference& d : report.differences) out["differences"].push_back(of_difference(d));
  out["learning_curve"] = of_points(report.learning_curve, "site_years");
  out["robustness"] = of_points(report.robustness, "learning_rate");
  out["maps"] = Json::array();
  for (const ArmMapScores& arm : report.maps) {
    for (const MapScore& row : arm.rows) {
      Json entry = {{"arm", arm.arm},
                    {"region", row.region},
                    {"variable", row.variable},
                    {"period", row.period}};
      entry.update(of_scores(row.scores));
      out["maps"].push_back(std::move(entry));
    }
  }
  out["histories"] = Json::object();
  for (const auto& [model, epochs] : report.histories) out["histories"][model] = of_history(epochs);
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fluxtile
