// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/training/score_text.h"
#include "pipeline/training/study_report.h"
#include "pipeline/training/study_summary.h"

namespace fluxtile {
namespace {
using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json of_points(const std::vector<StudyCurvePoint>& points, const char* x) {
  Json out = Json::array();
  for (const StudyCurvePoint& p : points)
    out.push_back({{"kind", p.kind},
                   {"world", p.point.seed},
                   {"arm", p.point.arm},
                   {"region", region_text(p.point.region)},
                   {"variable", p.point.variable},
                   {x, number(p.point.x)},
                   {"rmse", number(p.point.rmse)},
                   {"nse", number(p.point.nse)}});
  return out;
}

}  // namespace

std::string study_json(const StudyReport& report) {
  Json out = {{"fluxtile-study", 1}, {"title", report.title}};
  out["facts"] = Json::object();
  for (const auto& [key, value] : report.facts) out["facts"][key] = value;
  out["warnings"] = report.warnings;
  out["verdicts"] = Json::array();
  for (const StudyVerdict& v : study_verdicts(report))
    out["verdicts"].push_back({{"variable", v.variable},
                               {"scale", to_text(v.scale)},
                               {"claim", to_text(v.claim)},
                               {"reason", v.reason},
                               {"text", v.text}});
  out["differences"] = Json::array();
  for (const StudyDifference& d : study_differences(report)) {
    Json worlds = Json::object();
    for (const auto& [world, value] : d.worlds) worlds[std::to_string(world)] = number(value);
    out["differences"].push_back({{"kind", d.kind},
                                  {"second", d.second},
                                  {"first", d.first},
                                  {"region", region_text(d.region)},
                                  {"variable", d.variable},
                                  {"scale", to_text(d.scale)},
                                  {"mean", number(d.mean.mean)},
                                  {"interval", {number(d.mean.low), number(d.mean.high)}},
                                  {"excludes_zero", d.mean.excludes_zero()},
                                  {"worlds", std::move(worlds)}});
  }
  out["rows"] = Json::array();
  for (const StudyRow& row : report.rows)
    out["rows"].push_back({{"kind", row.kind},
                           {"world", row.world},
                           {"arm", row.arm},
                           {"region", region_text(row.region)},
                           {"variable", row.variable},
                           {"scale", to_text(row.scale)},
                           {"mse", number(row.mse)},
                           {"rmse", number(row.rmse)},
                           {"nse", number(row.nse)},
                           {"sites", row.sites}});
  out["learning_curve"] = of_points(report.learning_curve, "site_years");
  out["robustness"] = of_points(report.robustness, "learning_rate");
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fluxtile
