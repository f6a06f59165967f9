// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <map>
#include <ostream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/package_record.h"
#include "pipeline/training/training_work.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

/// Saves a package as <output>/models/<name> and returns it as it was written, with its hashes.
Package save(Package package, const TrainConfig& config, std::ostream& out) {
  const std::string directory = config.output + "/models/" + package.name;
  save_package(package, directory);
  out << directory << '\n';
  return *load_package(directory);
}

Package save_global(TrainingWork& work, std::ostream& out) {
  const TrainConfig& config = work.config();
  Package global = work.global();
  if (!config.pretrain.package.empty()) return global;  // it lies where it lay
  TrainingFacts facts;
  facts.name = config.prefix + "global";
  facts.schedule = config.pretrain.schedule;
  facts.seed = config.seed;
  describe_training(global, nullptr, work.pretraining(), facts, work.histories().front().second);
  return save(std::move(global), config, out);
}

void save_regions(TrainingWork& work, const Package& global, std::ostream& out) {
  const TrainConfig& config = work.config();
  const Experiment& experiment = work.fold(0);
  const ArmModels& models = work.fold_arms(0).models(Arm::regional);
  // Regions are named by data; two names must not become one folder.
  std::map<std::string, std::string> folders;
  for (const std::string& region : experiment.table.regions()) {
    const std::string name = package_name(region);
    const auto other = folders.emplace(name, region);
    if (name.empty() || !other.second)
      throw Error(Code::data, "two regions would write one package, or one has no name")
          .found("`" + region + "` and `" + other.first->second + "`")
          .hint("rename one of them in the training data");
  }
  for (const std::string& region : experiment.table.regions()) {
    const auto kept = models.kept_global.find(region);
    if (kept != models.kept_global.end())
      spdlog::warn("{} keeps the global model: {}", region, kept->second);
    work.add_history(region, history_of(models, region));
    save(region_package(models, region, global, experiment, config.prefix + package_name(region),
                        config.seed),
         config, out);
  }
}

}  // namespace

int train_verb(const std::string& path, const std::vector<std::string>& overrides,
               const VerbOptions& options, std::ostream& out) {
  TrainingWork work(read_train_config(path, overrides), options.progress);
  const TrainConfig& config = work.config();
  const Package global = save_global(work, out);
  if (config.pretrain.baselines) {
    for (const Arm arm : {Arm::gru, Arm::lstm, Arm::no_knowledge}) work.baseline(arm);
  }
  if (config.finetune) save_regions(work, global, out);

  EvaluationReport report;
  report.title = "Training of " + config.name;
  report.synthetic = global.synthetic;
  report.facts = {
      {"configuration", config.file_name()},
      {"seed", std::to_string(config.seed)},
      {"global model", config.pretrain.package.empty() ? "schedule " + config.pretrain.schedule
                                                       : config.pretrain.package},
      {"SHA-256 of the global weights", global.weights_sha256}};
  report.histories = work.histories();
  const std::string page = config.output + "/training.html";
  write_atomically(page, evaluation_page(report));
  write_atomically(config.output + "/training.json", evaluation_json(report));
  out << page << '\n';
  return 0;
}

}  // namespace fluxtile
