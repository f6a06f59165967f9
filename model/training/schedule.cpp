// SPDX-License-Identifier: Apache-2.0
#include "model/training/schedule.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {

using Modules = std::vector<std::pair<std::string, double>>;

/// Step 1: what Ra and yield are made from.
const Modules respiration_modules = {
    {"gru_basic", 1}, {"gru_Ra", 1}, {"densor_Ra", 1}, {"attn", 1}, {"densor_yield", 1}};
/// Steps 2 and 4.
const Modules flux_modules = {{"gru_Ra", 1},    {"gru_Rh", 1},    {"gru_NEE", 1},
                              {"densor_Ra", 1}, {"densor_Rh", 1}, {"densor_NEE", 1}};
/// Step 3.
const Modules yield_modules = {{"gru_basic", 0.2}, {"attn", 1}, {"densor_yield", 1}};
/// Step 5.
const Modules tower_modules = {{"gru_NEE", 0.5},   {"densor_NEE", 0.5}, {"gru_Ra", 0.5},
                               {"densor_Ra", 0.5}, {"gru_Rh", 0.2},     {"densor_Rh", 0.2}};

Stage respiration_and_yield() {
  Stage stage;
  stage.name = "respiration and yield";
  stage.objective = Objective::respiration_and_yield;
  stage.trains = respiration_modules;
  stage.step_epochs = 100;
  stage.step_factor = 0.5;
  stage.epochs = 1000;
  stage.patience = 100;
  stage.batch_sites = 50;
  stage.self_paced = {1, 1.02, 500};
  stage.mass_balance = 0;
  return stage;
}

Stage fluxes(const std::string& name, std::vector<std::string> rh_responses) {
  Stage stage;
  stage.name = name;
  stage.objective = Objective::fluxes;
  stage.trains = flux_modules;
  stage.step_epochs = 20;
  stage.step_factor = 0.6;
  stage.epochs = 80;
  stage.patience = 10;
  stage.batch_sites = 50;
  stage.rh_responses = std::move(rh_responses);
  return stage;
}

Stage county_yield() {
  Stage stage;
  stage.name = "county yield";
  stage.objective = Objective::county_yield;
  stage.trains = yield_modules;
  stage.step_epochs = 10;
  stage.step_factor = 0.5;
  stage.epochs = 40;
  stage.patience = 10;
  stage.batch_sites = 21;
  stage.self_paced = {1, 1.3, 40};
  stage.mass_balance = 0;
  stage.yield_responses = {"GPP", "Year", "TSOC"};
  return stage;
}

/// Response curves at a cost that is small beside the labels.
void sample_responses(Stage& stage, int points, int sites, int years, int every) {
  stage.response_points = points;
  stage.response_sites = sites;
  stage.response_years = years;
  stage.response_every = every;
}

}  // namespace

Schedule published_schedule() {
  Schedule schedule;
  schedule.name = "published";
  Stage last = fluxes("fluxes again", {"TSOC", "GPP"});
  last.step_epochs = 10;
  last.epochs = 40;
  last.patience = 5;
  schedule.stages = {respiration_and_yield(), fluxes("fluxes", {"TSOC"}), county_yield(), last};
  return schedule;
}

Schedule midwest_schedule() {
  Schedule schedule = published_schedule();
  schedule.name = "midwest";
  for (Stage& stage : schedule.stages) {
    stage.batch_sites = 16;
    stage.clip_norm = 5;
    sample_responses(stage, 4, 4, 4, 3);
  }
  Stage& first = schedule.stages[0];
  first.learning_rate = 2e-3;
  first.epochs = 60;
  first.patience = 12;
  first.step_epochs = 15;
  first.self_paced = {1, 1.1, 30};
  Stage& second = schedule.stages[1];
  second.learning_rate = 2e-3;
  second.epochs = 80;
  second.patience = 12;
  second.step_epochs = 16;
  Stage& third = schedule.stages[2];
  third.epochs = 15;
  third.patience = 5;
  third.step_epochs = 5;
  Stage& last = schedule.stages[3];
  last.epochs = 30;
  last.patience = 6;
  last.step_epochs = 8;
  return schedule;
}

Schedule small_schedule() {
  Schedule schedule = midwest_schedule();
  schedule.name = "small";
  for (Stage& stage : schedule.stages) {
    stage.batch_sites = 8;
    sample_responses(stage, 3, 2, 2, 4);
  }
  const int epochs[] = {20, 24, 3, 6}, steps[] = {8, 8, 2, 3};
  for (size_t i = 0; i < schedule.stages.size(); ++i) {
    schedule.stages[i].epochs = epochs[i];
    schedule.stages[i].patience = epochs[i];
    schedule.stages[i].step_epochs = steps[i];
  }
  schedule.stages[0].self_paced = {1, 1.5, 8};
  return schedule;
}

Schedule fine_tuning_schedule(bool published) {
  Stage stage;
  stage.name = "towers";
  stage.objective = Objective::towers;
  stage.trains = tower_modules;
  stage.step_epochs = 30;
  stage.step_factor = 0.6;
  stage.epochs = 120;
  stage.patience = 30;
  stage.whole_record = true;
  stage.keep_responses = kgml_ag_c::input_names();
  if (!published) {
    stage.clip_norm = 5;
    stage.response_features = 1;
    sample_responses(stage, 0, 2, 3, 2);
  }
  Schedule schedule;
  schedule.name = published ? "fine-tuning-published" : "fine-tuning";
  schedule.stages = {stage};
  return schedule;
}

Schedule schedule_of(const std::string& name) {
  if (name == "published") return published_schedule();
  if (name == "midwest") return midwest_schedule();
  if (name == "small") return small_schedule();
  const std::vector<std::string> names = {"published", "midwest", "small"};
  throw Error(Code::data, "schedule '" + name + "' is not known")
      .found(name)
      .expected("published, midwest or small")
      .hint(suggestion(name, names));
}

Schedule with_all_modules(Schedule schedule) {
  schedule.name += "-all-modules";
  for (Stage& stage : schedule.stages)
    stage.trains = {{"gru_basic", 1}, {"gru_Ra", 1},     {"gru_Rh", 1},
                    {"gru_NEE", 1},   {"attn", 1},       {"densor_Ra", 1},
                    {"densor_Rh", 1}, {"densor_NEE", 1}, {"densor_yield", 1}};
  return schedule;
}

Schedule without_knowledge(Schedule schedule) {
  schedule.name += "-without-knowledge";
  for (Stage& stage : schedule.stages) {
    stage.self_paced = {};
    stage.mass_balance = 0;
    stage.yield_bounds = 0;
    stage.rh_responses.clear();
    stage.yield_responses.clear();
    stage.keep_responses.clear();
  }
  return schedule;
}

std::string digest_of(const Schedule& schedule) {
  Digest digest;
  const auto add_names = [&digest](const std::vector<std::string>& names) {
    digest.add_value(names.size());
    for (const std::string& name : names) digest.add_text(name);
  };
  digest.add_text(schedule.name)
      .add_value(schedule.spinup_years)
      .add_value(schedule.dropout)
      .add_value(schedule.seed);
  for (const Stage& stage : schedule.stages) {
    digest.add_text(stage.name).add_value(static_cast<int>(stage.objective));
    digest.add_value(stage.trains.size());
    for (const auto& [module, factor] : stage.trains) digest.add_text(module).add_value(factor);
    digest.add_value(stage.learning_rate)
        .add_value(stage.step_epochs)
        .add_value(stage.step_factor)
        .add_value(stage.epochs)
        .add_value(stage.patience)
        .add_value(stage.clip_norm)
        .add_value(stage.batch_sites)
        .add_value(stage.sample_sites)
        .add_value(stage.whole_record)
        .add_value(stage.self_paced.threshold)
        .add_value(stage.self_paced.growth)
        .add_value(stage.self_paced.until_epoch)
        .add_value(stage.mass_balance)
        .add_value(stage.yield_bounds);
    add_names(stage.rh_responses);
    add_names(stage.yield_responses);
    add_names(stage.keep_responses);
    digest.add_value(stage.response_features)
        .add_value(stage.response_points)
        .add_value(stage.response_sites)
        .add_value(stage.response_years)
        .add_value(stage.response_every)
        .add_value(stage.response_from_epoch);
  }
  return digest.hex();
}

}  // namespace fluxtile
