// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "model/evaluation/simple_baselines.h"
#include "pipeline/training/evaluation_maps.h"
#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/folds.h"
#include "pipeline/training/training_work.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

/// Fewest spin-up years before a record, as the published network was trained.
constexpr int spinup_years = 2;

/// Predictions of every way to make a model, for one fold, in the order of the report.
struct FoldPredictions {
  std::vector<std::string> names, meanings;
  std::vector<Predictions> predictions;

  void add(const std::string& name, const std::string& text, Predictions made) {
    names.push_back(name);
    meanings.push_back(text);
    predictions.push_back(std::move(made));
  }
};

/// A baseline that is fitted on each region's own labels, or on those of all other regions.
Predictions fitted_by_region(const Experiment& experiment, bool others,
                             Predictions (*fit)(const SiteYears&, const Roles&)) {
  const SiteYears& table = experiment.table;
  Predictions all;
  for (const std::string& region : table.regions()) {
    Roles roles = experiment.roles;
    for (size_t site = 0; site < table.sites.size(); ++site) {
      for (size_t year = 0; year < table.years.size(); ++year) {
        Role& role = roles[table.site_year(site, year)];
        if (role == Role::train && (table.sites[site].region == region) == others)
          role = Role::none;
      }
    }
    if (std::find(roles.begin(), roles.end(), Role::train) == roles.end()) continue;
    const Predictions fitted = fit(table, roles);
    copy_sites(fitted, table, table.sites_of(region), all);
  }
  return all;
}

FoldPredictions predict_fold(TrainingWork& work, size_t fold) {
  const TrainConfig& config = work.config();
  const Experiment& experiment = work.fold(fold);
  FoldPredictions made;
  for (const Arm arm : config.evaluate.arms) {
    made.add(
        to_text(arm), meaning(arm),
        predict_arm(work.fold_arms(fold).models(arm), experiment, spinup_years, work.threads()));
  }
  const auto& evaluate = config.evaluate;
  const bool transfer =
      std::find(evaluate.arms.begin(), evaluate.arms.end(), Arm::others) != evaluate.arms.end();
  const SiteYears& table = experiment.table;
  if (evaluate.climatology)
    made.add("climatology", "month x crop means of the training labels of all regions",
             climatology_baseline(table, experiment.roles));
  if (evaluate.line) {
    made.add("line", "Reco = a + b GPP + c e^(0.07 T) on the labels of all regions",
             line_baseline(table, experiment.roles));
    made.add("line-regional", "the line on each region's own labels",
             fitted_by_region(experiment, false, line_baseline));
    if (transfer)
      made.add("line-others", "the line on the labels of all other regions",
               fitted_by_region(experiment, true, line_baseline));
  }
  return made;
}

/// Pairs of arms that answer a question, as far as both were made.
std::vector<std::pair<std::string, std::string>> questions(const FoldPredictions& made) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto ask = [&](const char* first, const char* second) {
    const auto there = [&](const char* name) {
      return std::find(made.names.begin(), made.names.end(), name) != made.names.end();
    };
    if (there(first) && there(second)) pairs.emplace_back(first, second);
  };
  ask("pooled", "regional");
  ask("pretrained", "pooled");
  ask("pretrained", "regional");
  ask("pooled-corrected", "regional");
  ask("scratch", "regional");
  ask("placebo", "regional");
  ask("swapped", "regional");
  ask("gru", "regional");
  ask("lstm", "regional");
  ask("no-knowledge", "regional");
  ask("climatology", "regional");
  ask("line-regional", "regional");
  ask("line-others", "others");
  return pairs;
}

void add_scores(EvaluationReport& report, const FoldsTable& folds, const FoldPredictions& made,
                size_t draws, uint64_t seed) {
  const SiteYears& table = folds.experiment.table;
  const Roles& roles = folds.experiment.roles;
  const bool truth = !table.truth.empty();
  for (size_t k = 0; k < made.names.size(); ++k) {
    report.arms.push_back({made.names[k], made.meanings[k],
                           region_scores(table, roles, Role::test, made.predictions[k], truth)});
  }
  for (const auto& [first, second] : questions(made)) {
    const auto at = [&](const std::string& name) -> const Predictions& {
      const auto found = std::find(made.names.begin(), made.names.end(), name);
      return made.predictions[static_cast<size_t>(found - made.names.begin())];
    };
    for (const char* variable : {"Reco", "NEE"}) {
      for (const Scale scale : all_scales()) {
        const auto errors =
            block_errors(table, roles, Role::test, at(first), at(second), variable, scale, truth);
        if (errors.empty()) continue;
        std::vector<std::string> regions = table.regions();
        regions.insert(regions.begin(), "");
        for (const std::string& region : regions) {
          std::vector<BlockError> part;
          for (const BlockError& error : errors)
            if (region.empty() || table.sites[error.site].region == region) part.push_back(error);
          if (part.empty()) continue;
          report.differences.push_back(
              {first, second, region, variable, scale, paired_bootstrap(part, draws, seed)});
        }
      }
    }
  }
}

/// RMSE and NSE of monthly means on the test site-years.
CurvePoint point(const Experiment& experiment, const Predictions& predictions,
                 const std::string& arm, const std::string& variable, double x, int seed) {
  const bool truth = !experiment.table.truth.empty();
  std::vector<double> predicted, observed;
  for (const ScaledValue& value : scaled_values(experiment.table, experiment.roles, Role::test,
                                                predictions, variable, Scale::monthly, truth)) {
    predicted.push_back(value.predicted);
    observed.push_back(value.observed);
  }
  const Scores result = scores(predicted, observed);
  return {arm, "", variable, x, seed, result.rmse, result.nse};
}

void add_learning_curve(EvaluationReport& report, TrainingWork& work) {
  const TrainConfig& config = work.config();
  for (const int years : config.evaluate.learning_curve) {
    const Experiment fewer = with_training_years(work.fold(0), static_cast<size_t>(years));
    // With all years it is the fold itself, which was trained already.
    const bool whole = fewer.roles == work.fold(0).roles;
    const auto trainer =
        work.arms(fewer, whole ? TrainingWork::fold_label(0) : fmt::format("curve-{}", years),
                  config.seed, config.finetune->rate_factors);
    const auto site_years =
        static_cast<double>(fewer.site_years(fewer.sites_with(Role::train), Role::train));
    for (const Arm arm : {Arm::pretrained, Arm::pooled, Arm::regional, Arm::scratch}) {
      const Predictions made =
          predict_arm(trainer->models(arm), fewer, spinup_years, work.threads());
      for (const char* variable : {"Reco", "NEE"}) {
        report.learning_curve.push_back(
            point(fewer, made, to_text(arm), variable, site_years, static_cast<int>(config.seed)));
      }
    }
  }
}

void add_robustness(EvaluationReport& report, TrainingWork& work) {
  const TrainConfig& config = work.config();
  const Experiment& experiment = work.fold(0);
  for (const uint64_t seed : config.evaluate.robustness_seeds) {
    for (const double factor : config.evaluate.robustness_rates) {
      const auto trainer = work.arms(
          experiment,
          seed == config.seed ? TrainingWork::fold_label(0) : fmt::format("seed-{}", seed), seed,
          {factor});
      for (const Arm arm : {Arm::pooled, Arm::regional, Arm::scratch}) {
        const Predictions made =
            predict_arm(trainer->models(arm), experiment, spinup_years, work.threads());
        for (const char* variable : {"Reco", "NEE"}) {
          report.robustness.push_back(
              point(experiment, made, to_text(arm), variable, factor, static_cast<int>(seed)));
        }
      }
    }
  }
}

/// Held-out site-years of the pre-training data: the global network beside its baselines.
EvaluationReport evaluate_pretraining(TrainingWork& work) {
  const TrainConfig& config = work.config();
  const Experiment& data = work.pretraining();
  EvaluationReport report;
  report.title = "Pre-training of " + config.name + ", held-out site-years";
  report.synthetic = data.table.synthetic;
  FoldPredictions made;
  const auto run = [&](const Package& package) {
    return predict(package, data.table, spinup_years, work.threads());
  };
  made.add("global", "kgml-ag-c with the schedule " + config.pretrain.schedule, run(work.global()));
  if (config.pretrain.baselines) {
    made.add("gru", "a plain GRU network on the same data", run(work.baseline(Arm::gru)));
    made.add("lstm", "a plain LSTM network on the same data", run(work.baseline(Arm::lstm)));
    made.add("no-knowledge", "kgml-ag-c without knowledge-guided terms",
             run(work.baseline(Arm::no_knowledge)));
  }
  made.add("climatology", "month x crop means of the training labels",
           climatology_baseline(data.table, data.roles));
  made.add("line", "Reco = a + b GPP + c e^(0.07 T)", line_baseline(data.table, data.roles));
  for (size_t k = 0; k < made.names.size(); ++k) {
    report.arms.push_back({made.names[k], made.meanings[k],
                           region_scores(data.table, data.roles, Role::test, made.predictions[k],
                                         !data.table.truth.empty())});
  }
  report.facts = {{"configuration", config.file_name()},
                  {"data", data.table.origin},
                  {"test site-years",
                   std::to_string(data.site_years(data.sites_with(Role::test), Role::test))}};
  report.histories = work.histories();
  return report;
}

void write_report(const EvaluationReport& report, const std::string& path, std::ostream& out) {
  write_atomically(path + ".csv", evaluation_csv(report));
  if (!report.differences.empty())
    write_atomically(path + "_differences.csv", differences_csv(report));
  if (!report.maps.empty()) write_atomically(path + "_maps.csv", maps_csv(report));
  write_atomically(path + ".json", evaluation_json(report));
  write_atomically(path + ".html", evaluation_page(report));
  out << path + ".html\n";
}

}  // namespace

int evaluate_verb(const std::string& path, const std::vector<std::string>& overrides,
                  const VerbOptions& options, std::ostream& out) {
  TrainingWork work(read_train_config(path, overrides), options.progress);
  const TrainConfig& config = work.config();
  std::ostringstream files;
  std::vector<EvaluationReport> reports;
  if (config.pretrain.package.empty()) {
    reports.push_back(evaluate_pretraining(work));
    write_report(reports.back(), config.output + "/evaluation_pretraining", files);
  }
  if (config.finetune) {
    // Each fold's test predictions come from models that never saw them; scored together.
    std::vector<FoldPredictions> folds;
    std::vector<const Experiment*> experiments;
    for (size_t k = 0; k < config.finetune->folds.size(); ++k) {
      folds.push_back(predict_fold(work, k));
      experiments.push_back(&work.fold(k));
    }
    const FoldsTable together(experiments);
    FoldPredictions joined;
    for (size_t k = 0; k < folds.front().names.size(); ++k) {
      std::vector<const Predictions*> parts;
      for (const FoldPredictions& fold : folds) parts.push_back(&fold.predictions[k]);
      joined.add(folds.front().names[k], folds.front().meanings[k], together.join(parts));
    }
    EvaluationReport report;
    report.title = "Evaluation of " + config.name;
    const SiteYears& table = together.experiment.table;
    report.synthetic = table.synthetic;
    add_scores(report, together, joined, config.evaluate.bootstrap_draws, config.seed);
    add_learning_curve(report, work);
    add_robustness(report, work);
    if (!config.evaluate.maps_run.empty()) report.maps = score_maps(work, options);
    const Experiment& all = together.experiment;
    report.facts = {
        {"configuration", config.file_name()},
        {"data", table.origin},
        {"folds", std::to_string(folds.size())},
        {"training site-years", std::to_string(experiments.front()->site_years(
                                    experiments.front()->sites_with(Role::train), Role::train)) +
                                    " (first fold)"},
        {"test site-years", std::to_string(all.site_years(all.sites_with(Role::test), Role::test))},
        {"SHA-256 of the global weights", work.global().weights_sha256}};
    reports.push_back(std::move(report));
    write_report(reports.back(), config.output + "/evaluation", files);
  }
  if (options.json) {
    out << evaluation_json(reports.back()) << '\n';
  } else {
    for (const EvaluationReport& report : reports) out << evaluation_table(report) << '\n';
    out << files.str();
  }
  return 0;
}

}  // namespace fluxtile
