// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/arms.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

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

const std::vector<EpochRecord>& history_of(const ArmModels& models, const std::string& region) {
  static const std::vector<EpochRecord> none;
  auto found = models.history.find(to_text(models.arm) + "-" + region);
  if (found == models.history.end()) found = models.history.find("pooled");
  return found == models.history.end() ? none : found->second;
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

/// All learning rates of all wishes are trained at once, each on its share of the cores: small
/// trainings use cores better side by side than each on all of them.
std::vector<ArmTrainer::Tuned> ArmTrainer::tune(const std::string& what,
                                                const std::vector<Wish>& wishes) const {
  struct Job {
    const Wish* wish;
    const Experiment* part;
    double factor;
    TrainedModel trained;
  };
  std::vector<Experiment> parts;
  parts.reserve(wishes.size());
  std::vector<Job> jobs;
  std::vector<size_t> first_job;
  for (const Wish& wish : wishes) {
    parts.push_back(experiment_.subset(wish.sites));
    first_job.push_back(jobs.size());
    for (const double factor : settings_.rate_factors) {
      jobs.push_back({&wish, &parts.back(), factor, {}});
      // Without labels to choose by, there is no choice.
      if (!parts.back().has(Role::validation)) break;
    }
  }
  first_job.push_back(jobs.size());
  if (settings_.on_begin) settings_.on_begin(what, jobs.size());
  const auto at_once =
      std::clamp<int>(static_cast<int>(jobs.size()), 1, std::max(1, settings_.threads));
  const int threads = std::max(1, settings_.threads / at_once);
  const auto work = [&](size_t k) {
    Job& job = jobs[k];
    job.trained = train_at_rate(*job.wish, *job.part, job.factor, threads);
  };
  if (at_once == 1) {
    for (size_t k = 0; k < jobs.size(); ++k) work(k);
  } else {
    tbb::task_arena(at_once).execute(
        [&] { tbb::parallel_for(size_t{0}, jobs.size(), work, tbb::simple_partitioner()); });
  }

  std::vector<Tuned> all;
  for (size_t w = 0; w < wishes.size(); ++w) {
    const auto begin = jobs.begin() + static_cast<std::ptrdiff_t>(first_job[w]);
    const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(first_job[w + 1]);
    const auto best = std::min_element(begin, end, [](const Job& a, const Job& b) {
      return a.trained.best_validation < b.trained.best_validation;
    });
    all.push_back(
        {std::move(best->trained.package), std::move(best->trained.history), best->factor});
  }
  return all;
}

TrainedModel ArmTrainer::train_at_rate(const Wish& wish, const Experiment& part, double factor,
                                       int threads) const {
  Schedule schedule = wish.schedule;
  schedule.seed = settings_.seed;
  for (Stage& stage : schedule.stages) stage.learning_rate *= factor;
  const std::string name = fmt::format("{}-x{:g}", wish.name, factor);
  TrainingOptions options;
  options.threads = threads;
  options.device = settings_.device;
  options.what = name;
  if (!settings_.checkpoints.empty())
    options.checkpoint = settings_.checkpoints + "/" + file_name(name) + ".safetensors";
  if (settings_.on_epoch)
    options.on_epoch = [&](const EpochRecord& record) { settings_.on_epoch(name, record); };
  TrainedModel trained = train(wish.start, part.table, part.roles, schedule, options);
  if (settings_.on_end) settings_.on_end(name, trained);
  return trained;
}

ArmModels ArmTrainer::a_model_a_region(Arm arm,
                                       const std::map<std::string, std::vector<size_t>>& labels) {
  const auto baseline = baselines_.find(arm);
  const Package& base = baseline == baselines_.end() ? global_ : baseline->second;
  ArmModels models;
  models.arm = arm;
  std::vector<std::string> regions;
  std::vector<Wish> wishes;
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
    Wish wish{base, found->second, settings_.schedule, to_text(arm) + "-" + region};
    if (baseline != baselines_.end()) wish.schedule = without_knowledge(wish.schedule);
    if (arm == Arm::scratch) {
      // Random weights under the global model's scalers; nothing is frozen.
      wish.start.tensors =
          untrained_weights(global_.architecture, global_.inputs.size(), settings_.seed);
      wish.schedule = with_all_modules(wish.schedule);
    }
    regions.push_back(region);
    wishes.push_back(std::move(wish));
  }
  std::vector<Tuned> tuned = tune(to_text(arm), wishes);
  for (size_t k = 0; k < wishes.size(); ++k) {
    tuned[k].package.region = regions[k];
    models.rate_factor[regions[k]] = tuned[k].rate_factor;
    models.history[wishes[k].name] = std::move(tuned[k].history);
    models.by_region.emplace(regions[k], std::move(tuned[k].package));
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
        tuned = std::move(tune("pooled", {{global_, sites, settings_.schedule, "pooled"}}).front());
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
