// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/training_work.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/error.h"
#include "model/package_text.h"

namespace fluxtile {
namespace {

std::string in_words(const EpochRecord& record) {
  const auto value = [](const std::map<std::string, double>& terms, const char* name) {
    const auto found = terms.find(name);
    return found == terms.end() ? std::nan("") : found->second;
  };
  std::string text =
      fmt::format("{} epoch {}/{}: loss {:.4g}, validation {:.4g}", record.stage, record.epoch + 1,
                  record.epochs, value(record.train, "loss"), value(record.validation, "loss"));
  for (const auto& [variable, r2] : record.r2) text += fmt::format(", R2 {} {:.3f}", variable, r2);
  return text;
}

}  // namespace

std::string package_name(const std::string& region) {
  std::string name;
  for (const char c : region) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : plain ? c : '_';
  }
  return name;
}

Schedule fine_tuning_of(const FineTuneConfig& config) {
  Schedule schedule = fine_tuning_schedule(config.published);
  for (Stage& stage : schedule.stages) {
    if (config.epochs > 0) stage.epochs = config.epochs;
    if (config.patience > 0) stage.patience = config.patience;
    if (config.learning_rate > 0) stage.learning_rate = config.learning_rate;
  }
  return schedule;
}

TrainingWork::TrainingWork(TrainConfig config, ProgressMode progress)
    : config_(std::move(config)),
      threads_(config_.threads > 0 ? config_.threads
                                   : static_cast<int>(std::thread::hardware_concurrency())),
      progress_(progress) {}

const Experiment& TrainingWork::pretraining() {
  if (!pretraining_) {
    if (!config_.pretrain.package.empty()) {
      throw Error(Code::data, "there are no pre-training data: the global model is a package")
          .file(config_.path)
          .key("pretrain.package");
    }
    pretraining_ = std::make_unique<Experiment>();
    pretraining_->table = read_table(config_.pretrain.data);
    pretraining_->roles = roles_of(pretraining_->table, config_.pretrain.split);
    spdlog::info("pre-training: {} sites x {} years, {} site-years to train on",
                 pretraining_->table.sites.size(), pretraining_->table.years.size(),
                 pretraining_->site_years(pretraining_->sites_with(Role::train), Role::train));
  }
  return *pretraining_;
}

Schedule TrainingWork::pretraining_schedule() const {
  Schedule schedule = schedule_of(config_.pretrain.schedule);
  schedule.seed = config_.seed;
  for (Stage& stage : schedule.stages) {
    stage.epochs =
        std::max(1, static_cast<int>(std::lround(stage.epochs * config_.pretrain.epochs_factor)));
  }
  return schedule;
}

Package TrainingWork::train_global(const std::string& name, const std::string& architecture,
                                   const Schedule& schedule) {
  const Experiment& data = pretraining();
  TrainingOptions options;
  options.threads = threads_;
  options.device = config_.device;
  options.checkpoint = config_.output + "/.fluxtile/training/" + name + ".safetensors";
  options.what = name;
  options.on_epoch = [&](const EpochRecord& record) { tell(name, record); };
  const Package start = untrained_package(architecture, data.table, data.roles, schedule.seed);
  TrainedModel trained = train(start, data.table, data.roles, schedule, options);
  trained.package.name = name;
  trained.package.weights_sha256 = weights_file_sha256(trained.package.tensors);
  add_history(name, trained.history);
  return std::move(trained.package);
}

const Package& TrainingWork::global() {
  const auto found = trained_.find("global");
  if (found != trained_.end()) return found->second;
  Package package = config_.pretrain.package.empty()
                        ? train_global("global", "kgml-ag-c", pretraining_schedule())
                        : *load_package(config_.pretrain.package);
  return trained_.emplace("global", std::move(package)).first->second;
}

const Package& TrainingWork::baseline(Arm arm) {
  const std::string name = to_text(arm);
  const auto found = trained_.find(name);
  if (found != trained_.end()) return found->second;
  const Schedule schedule = without_knowledge(pretraining_schedule());
  const bool plain = arm == Arm::gru || arm == Arm::lstm;
  return trained_.emplace(name, train_global(name, plain ? name : "kgml-ag-c", schedule))
      .first->second;
}

const Experiment& TrainingWork::fold(size_t fold) {
  const auto found = folds_.find(fold);
  if (found != folds_.end()) return found->second;
  const FineTuneConfig& finetune = *config_.finetune;
  if (!labelled_) {
    labelled_ = std::make_unique<SiteYears>(read_table(finetune.data));
    if (finetune.reference)
      reference_ = std::make_unique<SiteYears>(read_table(*finetune.reference));
  }
  return folds_
      .emplace(fold, make_experiment(*labelled_, reference_.get(), finetune.folds.at(fold),
                                     finetune.by_site))
      .first->second;
}

ArmTrainer& TrainingWork::fold_arms(size_t fold) {
  std::unique_ptr<ArmTrainer>& trainer = fold_arms_[fold];
  if (!trainer)
    trainer =
        arms(this->fold(fold), fold_label(fold), config_.seed, config_.finetune->rate_factors);
  return *trainer;
}

std::unique_ptr<ArmTrainer> TrainingWork::arms(const Experiment& experiment,
                                               const std::string& label, uint64_t seed,
                                               const std::vector<double>& rate_factors) {
  ArmSettings settings;
  settings.schedule = fine_tuning_of(*config_.finetune);
  settings.rate_factors = rate_factors;
  settings.least_site_years = config_.finetune->least_site_years;
  settings.seed = seed;
  settings.threads = threads_;
  settings.device = config_.device;
  settings.checkpoints = config_.output + "/.fluxtile/training/" + label;
  settings.on_begin = [this, label](const std::string& what, size_t trainings) {
    progress_.begin(label + ", " + what, trainings);
  };
  settings.on_epoch = [this](const std::string& model, const EpochRecord& record) {
    const std::string words = in_words(record);
    progress_.note(model + ": " + words);
    spdlog::debug("{}: {} ({:.1f} s)", model, words, record.seconds);
  };
  settings.on_end = [this](const std::string& model, const TrainedModel& trained) {
    uint64_t site_years = 0;
    for (const EpochRecord& record : trained.history) site_years += record.site_years;
    progress_.advance(site_years);
    spdlog::info("{}: {} epochs, best validation loss {:.4g}", model, trained.history.size(),
                 trained.best_validation);
  };
  std::map<Arm, Package> baselines;
  if (config_.pretrain.baselines) {
    for (const Arm arm : {Arm::gru, Arm::lstm, Arm::no_knowledge}) baselines[arm] = baseline(arm);
  }
  return std::make_unique<ArmTrainer>(global(), std::move(baselines), experiment, settings);
}

void TrainingWork::add_history(const std::string& model, const std::vector<EpochRecord>& history) {
  if (!history.empty()) histories_.emplace_back(model, history);
}

void TrainingWork::tell(const std::string& model, const EpochRecord& record) {
  const std::string stage = model + ": " + record.stage;
  if (stage != stage_) {
    progress_.end();
    progress_.begin(stage, static_cast<uint64_t>(record.epochs));
    stage_ = stage;
  }
  progress_.advance(record.site_years);
  const std::string words = in_words(record);
  progress_.note(words);
  spdlog::debug("{}: {} ({:.1f} s)", model, words, record.seconds);
  if (record.epoch + 1 == record.epochs) spdlog::info("{}: {}", model, words);
}

}  // namespace fluxtile
