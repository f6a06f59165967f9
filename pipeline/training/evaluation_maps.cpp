// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/evaluation_maps.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "pipeline/training/map_scores.h"
#include "pipeline/training/package_record.h"

namespace fluxtile {
namespace {

/// Saves an arm's models below `folder` and returns how a run is told to map with them.
std::vector<std::string> save_models(const ArmModels& models, const TrainingWork& work,
                                     const Package& global, const Experiment& experiment,
                                     const std::string& folder) {
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  nlohmann::ordered_json of_regions = nlohmann::ordered_json::object();
  save_package(global, folder + "/models/global");
  if (models.arm != Arm::pretrained) {
    for (const std::string& region : experiment.table.regions()) {
      const std::string name = package_name(region);
      save_package(region_package(models, region, global, experiment, name, work.config().seed),
                   folder + "/models/" + name);
      of_regions[region] = name;
    }
  }
  return {"models.directory=" + quoted(folder + "/models"), "models.default=global",
          "models.regions=" + of_regions.dump(), "outputs.directory=" + quoted(folder + "/maps")};
}

}  // namespace

std::vector<ArmMapScores> score_maps(TrainingWork& work, const VerbOptions& options) {
  const TrainConfig& config = work.config();
  const Experiment& experiment = work.fold(0);
  const Package& global = work.global();
  VerbOptions of_run = options;
  of_run.allow_synthetic_model = true;  // the truth is a synthetic world's
  std::vector<ArmMapScores> all;
  for (const Arm arm : {Arm::pretrained, Arm::pooled, Arm::regional}) {
    const std::vector<Arm>& wanted = config.evaluate.arms;
    if (std::find(wanted.begin(), wanted.end(), arm) == wanted.end()) continue;
    const std::string folder = config.output + "/evaluation_maps/" + to_text(arm);
    spdlog::info("maps of the arm {} in {}", to_text(arm), folder);
    const Config run =
        read_config(config.evaluate.maps_run,
                    save_models(work.fold_arms(0).models(arm), work, global, experiment, folder),
                    recipe_directories());
    std::ostringstream paths;
    (void)run_verb(run, of_run, paths);
    all.push_back(
        {to_text(arm), map_scores(run.output_directory, run.name, config.evaluate.maps_truth)});
  }
  return all;
}

}  // namespace fluxtile
