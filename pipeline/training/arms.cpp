// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/arms.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/evaluation/simple_baselines.h"

namespace fluxtile {
namespace {

struct ArmText {
  Arm arm;
  const char *name, *meaning;
};
constexpr ArmText texts[] = {
    {Arm::pretrained, "pretrained", "the global model as it is"},
    {Arm::pooled, "pooled", "one model fine-tuned on the labels of all regions"},
    {Arm::pooled_corrected, "pooled-corrected", "pooled, then bias and slope of each region"},
    {Arm::regional, "regional",
     "a model a region, fine-tuned from the global one on its own labels"},
    {Arm::others, "others", "for each region, fine-tuned on the labels of all other regions"},
    {Arm::scratch, "scratch", "a model a region from random weights, on its own labels alone"},
    {Arm::placebo, "placebo", "as regional, with sites dealt to the regions at random"},
    {Arm::swapped, "swapped", "each region with the next region's model"},
    {Arm::gru, "gru", "as regional, with a plain GRU network from pre-training on"},
    {Arm::lstm, "lstm", "as regional, with a plain LSTM network from pre-training on"},
    {Arm::no_knowledge, "no-knowledge", "as regional, without knowledge-guided terms in any stage"},
};

const ArmText& text_of(Arm arm) {
  return *std::find_if(std::begin(texts), std::end(texts),
                       [arm](const ArmText& text) { return text.arm == arm; });
}

std::string join(const std::vector<size_t>& sites, const SiteYears& table) {
  std::string names;
  for (const size_t site : sites) names += (names.empty() ? "" : ", ") + table.sites[site].name;
  return names;
}

bool same_weights(const Package& a, const Package& b) {
  return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const auto& left, const auto& right) {
                      return left.first == right.first && left.second.bytes == right.second.bytes;
                    });
}

/// File names come from regions, which come from data.
std::string file_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.';
    name += plain ? c : '_';
  }
  return name;
}

}  // namespace

const std::vector<Arm>& all_arms() {
  static const std::vector<Arm> arms = [] {
    std::vector<Arm> list;
    for (const ArmText& text : texts) list.push_back(text.arm);
    return list;
  }();
  return arms;
}

std::string to_text(Arm arm) { return text_of(arm).name; }
std::string meaning(Arm arm) { return text_of(arm).meaning; }

Arm parse_arm(const std::string& name) {
  std::vector<std::string> names;
  for (const ArmText& text : texts) {
    if (name == text.name) return text.arm;
    names.emplace_back(text.name);
  }
  throw Error(Code::data, "unknown arm of the comparison").hint(suggestion(name, names));
}

std::map<std::string, std::vector<size_t>> placebo_regions(const Experiment& experiment,
                                                           uint64_t seed) {
  std::vector<size_t> sites = experiment.sites_with(Role::train);
  std::vector<std::string> regions;
  for (const size_t site : sites) regions.push_back(experiment.table.sites[site].region);
  std::mt19937_64 random(seed);
  for (size_t left = sites.size(); left > 1; --left)  // Fisher-Yates: the same on every library
    std::swap(sites[left - 1], sites[random() % left]);
  std::map<std::string, std::vector<size_t>> dealt;
  for (size_t k = 0; k < sites.size(); ++k) dealt[regions[k]].push_back(sites[k]);
  for (auto& [region, members] : dealt) std::sort(members.begin(), members.end());
  return dealt;
}

ArmTrainer::ArmTrainer(Package global, std::map<Arm, Package> baselines,
                       const Experiment& experiment, ArmSettings settings)
    : global_(std::move(global)),
      baselines_(std::move(baselines)),
      experiment_(experiment),
      settings_(std::move(settings)) {}

const ArmModels& ArmTrainer::models(Arm arm) {
  const auto found = made_.find(arm);
  if (found != made_.end()) return found->second;
  return made_.emplace(arm, make(arm)).first->second;
}

ArmTrainer::Tuned ArmTrainer::tune(const Package& start, const std::vector<size_t>& sites,
                                   const Schedule& schedule, const std::string& name) const {
  const Experiment part = experiment_.subset(sites);
  // Without labels to choose by, there is no choice.
  const bool choose = part.has(Role::validation);
  Tuned best;
  double lowest = 0;
  bool first = true;
  for (const double factor : settings_.rate_factors) {
    Schedule tried = schedule;
    tried.seed = settings_.seed;
    for (Stage& stage : tried.stages) stage.learning_rate *= factor;
    TrainingOptions options;
    options.threads = settings_.threads;
    options.device = settings_.device;
    options.what = name;
    if (!settings_.checkpoints.empty()) {
      char rate[32];
      std::snprintf(rate, sizeof rate, "%g", factor);
      options.checkpoint =
          settings_.checkpoints + "/" + file_name(name) + "-x" + rate + ".safetensors";
    }
    if (settings_.on_epoch)
      options.on_epoch = [&](const EpochRecord& record) { settings_.on_epoch(name, record); };
    TrainedModel trained = train(start, part.table, part.roles, tried, options);
    if (first || trained.best_validation < lowest) {
      lowest = trained.best_validation;
      best = {std::move(trained.package), std::move(trained.history), factor};
    }
    first = false;
    if (!choose) break;
  }
  return best;
}

ArmModels ArmTrainer::a_model_a_region(Arm arm,
                                       const std::map<std::string, std::vector<size_t>>& labels) {
  const auto baseline = baselines_.find(arm);
  const Package& base = baseline == baselines_.end() ? global_ : baseline->second;
  ArmModels models;
  models.arm = arm;
  for (const std::string& region : experiment_.table.regions()) {
    const auto found = labels.find(region);
    const size_t site_years =
        found == labels.end() ? 0 : experiment_.site_years(found->second, Role::train);
    if (site_years < settings_.least_site_years) {
      models.kept_global[region] = std::to_string(site_years) + " training site-years, " +
                                   std::to_string(settings_.least_site_years) + " needed";
      models.by_region.emplace(region, base);
      continue;
    }
    const std::string name = to_text(arm) + "-" + region;
    Schedule schedule = settings_.schedule;
    Package start = base;
    if (baseline != baselines_.end()) schedule = without_knowledge(schedule);
    if (arm == Arm::scratch) {
      // Random weights under the global model's scalers; nothing is frozen.
      start.tensors =
          untrained_weights(global_.architecture, global_.inputs.size(), settings_.seed);
      schedule = with_all_modules(schedule);
    }
    Tuned tuned = tune(start, found->second, schedule, name);
    tuned.package.region = region;
    models.rate_factor[region] = tuned.rate_factor;
    models.history[name] = std::move(tuned.history);
    models.by_region.emplace(region, std::move(tuned.package));
  }
  return models;
}

ArmModels ArmTrainer::make(Arm arm) {
  const std::vector<size_t> sites = experiment_.sites_with(Role::train);
  const std::vector<std::string> regions = experiment_.table.regions();
  ArmModels models;
  models.arm = arm;
  std::map<std::string, std::vector<size_t>> own, other;
  for (const size_t site : sites) {
    for (const std::string& region : regions)
      (experiment_.table.sites[site].region == region ? own : other)[region].push_back(site);
  }
  switch (arm) {
    case Arm::pretrained:
      for (const std::string& region : regions) models.by_region.emplace(region, global_);
      return models;
    case Arm::pooled: {
      const size_t site_years = experiment_.site_years(sites, Role::train);
      Tuned tuned;
      tuned.package = global_;
      if (site_years >= settings_.least_site_years) {
        tuned = tune(global_, sites, settings_.schedule, "pooled");
        models.history["pooled"] = std::move(tuned.history);
      }
      for (const std::string& region : regions) {
        models.by_region.emplace(region, tuned.package);
        models.rate_factor[region] = tuned.rate_factor;
      }
      return models;
    }
    case Arm::pooled_corrected:
      models = this->models(Arm::pooled);
      models.arm = arm;
      return models;
    case Arm::swapped: {
      const ArmModels& regional = this->models(Arm::regional);
      for (size_t k = 0; k < regions.size(); ++k)
        models.by_region.emplace(regions[k],
                                 regional.by_region.at(regions[(k + 1) % regions.size()]));
      return models;
    }
    case Arm::placebo:
      return a_model_a_region(arm, placebo_regions(experiment_, settings_.seed));
    case Arm::others:
      return a_model_a_region(arm, other);
    case Arm::gru:
    case Arm::lstm:
    case Arm::no_knowledge:
      if (baselines_.count(arm) == 0)
        throw Error(Code::data, "the arm " + to_text(arm) + " needs its own pre-trained network")
            .hint("set pretrain.baselines: true, and train first");
      return a_model_a_region(arm, own);
    case Arm::regional:
    case Arm::scratch:
      return a_model_a_region(arm, own);
  }
  throw Error(Code::internal, "an arm without a recipe: " + join(sites, experiment_.table));
}

Predictions predict_arm(const ArmModels& models, const Experiment& experiment, int spinup,
                        int threads) {
  const SiteYears& table = experiment.table;
  // Regions that share a model run together.
  std::vector<std::pair<const Package*, std::vector<size_t>>> groups;
  for (const std::string& region : table.regions()) {
    const Package& package = models.by_region.at(region);
    auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return same_weights(*group.first, package);
    });
    if (same == groups.end()) same = groups.insert(groups.end(), {&package, {}});
    const std::vector<size_t> sites = table.sites_of(region);
    same->second.insert(same->second.end(), sites.begin(), sites.end());
  }
  Predictions all;
  const auto scatter = [&](const std::vector<float>& part, const std::vector<size_t>& sites,
                           std::vector<float>& whole) {
    const size_t each = part.size() / sites.size();
    whole.resize(each * table.sites.size(), std::nanf(""));
    for (size_t k = 0; k < sites.size(); ++k)
      std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(k * each), each,
                  whole.begin() + static_cast<std::ptrdiff_t>(sites[k] * each));
  };
  for (const auto& [package, sites] : groups) {
    const Predictions part = predict(*package, table.subset(sites), spinup, threads);
    for (const auto& [variable, values] : part.daily) scatter(values, sites, all.daily[variable]);
    for (const auto& [variable, values] : part.annual) scatter(values, sites, all.annual[variable]);
  }
  if (models.arm == Arm::pooled_corrected) return bias_and_slope(table, experiment.roles, all);
  return all;
}

}  // namespace fluxtile
