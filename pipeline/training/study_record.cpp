// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/study_record.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/digest.h"

#ifndef FLUXTILE_VERSION
#define FLUXTILE_VERSION "unknown"
#endif

namespace fluxtile {
namespace {

using Json = nlohmann::ordered_json;

/// Raised when the same settings would give other scores.
constexpr int kStudyRules = 1;

Scale scale_of(const std::string& text) {
  for (const Scale scale : all_scales())
    if (to_text(scale) == text) return scale;
  throw std::runtime_error("no time scale");
}

double number(const Json& value) { return value.is_null() ? std::nan("") : value.get<double>(); }

}  // namespace

std::string study_key(const StudyConfig& config, const Package& global) {
  Digest digest;
  digest.add_value(kStudyRules)
      .add_text(global.digest)
      .add_text(digest_of(config.settings.schedule))
      .add_value(config.towers)
      .add_value(config.reference)
      .add_value(config.first_year)
      .add_value(config.training_years)
      .add_value(config.validation_years)
      .add_value(config.test_years)
      .add_value(config.labels.random_error)
      .add_value(config.labels.systematic_error)
      .add_value(config.labels.gap_share)
      .add_value(config.settings.least_site_years);
  for (const double factor : config.settings.rate_factors) digest.add_value(factor);
  for (const Arm arm : config.arms) digest.add_text(to_text(arm));
  return digest.hex();
}

std::string world_scores_text(const WorldScores& scores, const std::string& key) {
  Json json = {{"fluxtile-study-world", 1},
               {"key", key},
               {"kind", scores.kind},
               {"seed", scores.seed},
               {"training_site_years", scores.training_site_years},
               {"test_site_years", scores.test_site_years},
               {"rows", Json::array()}};
  for (const StudyRow& row : scores.rows) {
    json["rows"].push_back({row.arm, row.region, row.variable, to_text(row.scale), row.mse,
                            row.rmse, row.nse, row.sites});
  }
  return json.dump() + "\n";
}

std::optional<WorldScores> read_world_scores(const std::string& path, const std::string& key) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    const Json json = Json::parse(read_file(path));
    if (json.at("key") != key) return std::nullopt;
    WorldScores scores;
    scores.kind = json.at("kind");
    scores.seed = json.at("seed");
    scores.training_site_years = json.at("training_site_years");
    scores.test_site_years = json.at("test_site_years");
    for (const Json& row : json.at("rows")) {
      StudyRow read;
      read.kind = scores.kind;
      read.world = scores.seed;
      read.arm = row.at(0);
      read.region = row.at(1);
      read.variable = row.at(2);
      read.scale = scale_of(row.at(3));
      read.mse = number(row.at(4));
      read.rmse = number(row.at(5));
      read.nse = number(row.at(6));
      read.sites = row.at(7);
      scores.rows.push_back(std::move(read));
    }
    return scores;
  } catch (const std::exception&) {
    return std::nullopt;  // damaged: the world is done again
  }
}

StudyReport study_report(const StudyConfig& config, const Package& global,
                         const std::vector<WorldScores>& worlds) {
  StudyReport report;
  report.title = "Where does a model a region help? Study " + config.name;
  std::string kinds, rates;
  for (const world::Heterogeneity kind : config.kinds)
    kinds += (kinds.empty() ? "" : ", ") + world::to_text(kind);
  for (const double factor : config.settings.rate_factors) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", factor);
    rates += (rates.empty() ? "" : ", ") + std::string(text);
  }
  report.facts = {{"worlds", std::to_string(config.worlds) + " of each kind: " + kinds},
                  {"labels", std::to_string(config.towers) + " towers a state, " +
                                 std::to_string(config.training_years) + " years, NEE and Reco"},
                  {"scored against the truth of", std::to_string(config.reference) +
                                                      " sites a state in other blocks, the next " +
                                                      std::to_string(config.test_years) + " years"},
                  {"learning rates tried for every arm", rates + " times the schedule's"},
                  {"global model", global.name},
                  {"SHA-256 of its weights", global.weights_sha256},
                  {"code version", FLUXTILE_VERSION}};
  for (const WorldScores& world : worlds)
    report.rows.insert(report.rows.end(), world.rows.begin(), world.rows.end());
  return report;
}

}  // namespace fluxtile
