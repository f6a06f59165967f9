// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/train_config.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "pipeline/config_values.h"
#include "pipeline/training/train_schema.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile {
namespace {

/// Reads one section after the other into a TrainConfig.
class Reader {
 public:
  explicit Reader(TrainConfig& config)
      : config_(config), base_(std::filesystem::absolute(config.path).parent_path().string()) {}

  void read(const YamlWalker& root) {
    root.at("fluxtile-train").choice({"1"});
    config_.name = file_part(root.at("name"));
    config_.output = path(root.at("output"));
    if (const auto prefix = root.find("prefix")) config_.prefix = file_part(*prefix);
    if (const auto seed = root.find("seed"))
      config_.seed = static_cast<uint64_t>(seed->whole(0, int64_t{1} << 53));
    read_pretrain(root.at("pretrain"));
    if (const auto finetune = root.find("finetune")) read_finetune(*finetune);
    read_evaluate(root.find("evaluate"));
    if (const auto run = root.find("run")) {
      if (const auto threads = run->find("threads"))
        config_.threads = threads->text() == "auto" ? 0 : static_cast<int>(threads->whole(1, 4096));
      if (const auto device = run->find("device")) config_.device = device->text();
    }
  }

 private:
  [[nodiscard]] std::string path(const YamlWalker& value) const {
    return absolute_path(
        value.text(), value.node().overridden ? std::filesystem::current_path().string() : base_);
  }

  static std::string file_part(const YamlWalker& value) {
    const std::string& text = value.text();
    if (text.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
            std::string::npos ||
        text.front() == '.') {
      throw value.error("`name` cannot be part of a file name")
          .expected("letters, digits, `.`, `_` and `-`, not beginning with `.`");
    }
    return text;
  }

  [[nodiscard]] TableConfig read_table(const YamlWalker& where) const {
    TableConfig data;
    if (const auto tables = where.find("tables"))
      for (const YamlWalker& item : tables->items()) data.tables.push_back(path(item));
    if (const auto towers = where.find("towers")) data.towers = path(*towers);
    if (const auto folder = where.find("folder")) data.folder = path(*folder);
    if (data.tables.empty() == data.towers.empty()) {
      throw where.error("no data, or two kinds of data, to train on")
          .expected("either `tables` (NetCDF files) or `towers` (a description of towers)");
    }
    return data;
  }

  static std::vector<int> years(const YamlWalker& value) {
    std::vector<int> list;
    for (const YamlWalker& item : value.items()) {
      const auto year = static_cast<int>(item.whole(1800, 2200));
      if (!list.empty() && year != list.back() + 1)
        throw item.error("the years of a split must be contiguous")
            .expected("a run of years, for example [2015, 2016]");
      list.push_back(year);
    }
    return list;
  }

  [[nodiscard]] SplitRule read_split(const YamlWalker& where) const {
    SplitRule split;
    split.seed = config_.seed;
    if (const auto value = where.find("validation_years")) split.validation_years = years(*value);
    if (const auto value = where.find("test_years")) split.test_years = years(*value);
    if (const auto value = where.find("test_blocks")) split.test_blocks = value->real(0, 0.9);
    for (const int year : split.validation_years) {
      for (const int test : split.test_years)
        if (year == test)
          throw where.error("a year is both validation and test")
              .found(std::to_string(year))
              .expected("years that differ: tuning must not see the test");
    }
    return split;
  }

  void read_pretrain(const YamlWalker& where) {
    PretrainConfig& pretrain = config_.pretrain;
    if (const auto package = where.find("package")) {
      pretrain.package = path(*package);
      if (where.has("data"))
        throw where.error("`pretrain` has both a package and data to make one")
            .expected("one of them");
      return;
    }
    pretrain.data = read_table(where.at("data"));
    pretrain.split = read_split(where.at("split"));
    if (const auto schedule = where.find("schedule")) {
      pretrain.schedule =
          schedule->parsed([](const std::string& name) { return schedule_of(name); }).name;
    }
    if (const auto factor = where.find("epochs_factor"))
      pretrain.epochs_factor = factor->real(0.001, 100);
    if (const auto baselines = where.find("baselines")) pretrain.baselines = baselines->boolean();
  }

  void read_finetune(const YamlWalker& where) {
    FineTuneConfig finetune;
    finetune.data = read_table(where.at("data"));
    if (const auto reference = where.find("reference")) finetune.reference = read_table(*reference);
    if (const auto by = where.find("by")) finetune.by_site = by->choice({"region", "site"}) == 1;
    const YamlWalker folds = where.at("folds");
    for (const YamlWalker& fold : folds.items()) finetune.folds.push_back(read_split(fold));
    if (finetune.folds.empty()) throw folds.error("no fold").expected("at least one split");
    if (const auto least = where.find("least_site_years"))
      finetune.least_site_years = static_cast<size_t>(least->whole(1, 100000));
    if (const auto factors = where.find("rate_factors")) {
      finetune.rate_factors.clear();
      for (const YamlWalker& item : factors->items())
        finetune.rate_factors.push_back(item.real(1e-6, 1e3));
    }
    if (const auto terms = where.find("keep_responses"))
      finetune.published = terms->choice({"sampled", "published"}) == 1;
    if (const auto value = where.find("epochs"))
      finetune.epochs = static_cast<int>(value->whole(1, 100000));
    if (const auto value = where.find("patience"))
      finetune.patience = static_cast<int>(value->whole(1, 100000));
    if (const auto value = where.find("learning_rate"))
      finetune.learning_rate = value->real(1e-8, 1);
    config_.finetune = std::move(finetune);
  }

  void read_evaluate(const std::optional<YamlWalker>& where) {
    EvaluateConfig& evaluate = config_.evaluate;
    const auto arms = where ? where->find("arms") : std::nullopt;
    if (arms) {
      for (const YamlWalker& item : arms->items()) evaluate.arms.push_back(item.parsed(parse_arm));
    } else {
      evaluate.arms = {Arm::pretrained, Arm::pooled,  Arm::pooled_corrected, Arm::regional,
                       Arm::scratch,    Arm::placebo, Arm::swapped};
    }
    if (!where) return;
    if (const auto value = where->find("climatology")) evaluate.climatology = value->boolean();
    if (const auto value = where->find("line")) evaluate.line = value->boolean();
    if (const auto value = where->find("bootstrap_draws"))
      evaluate.bootstrap_draws = static_cast<size_t>(value->whole(100, 1000000));
    if (const auto value = where->find("learning_curve")) {
      for (const YamlWalker& item : value->items())
        evaluate.learning_curve.push_back(static_cast<int>(item.whole(1, 100)));
    }
    if (const auto maps = where->find("maps")) {
      evaluate.maps_run = path(maps->at("run"));
      evaluate.maps_truth = path(maps->at("truth"));
    }
    if (const auto robustness = where->find("robustness")) {
      if (const auto rates = robustness->find("rate_factors")) {
        for (const YamlWalker& item : rates->items())
          evaluate.robustness_rates.push_back(item.real(1e-6, 1e3));
      }
      if (const auto seeds = robustness->find("seeds")) {
        for (const YamlWalker& item : seeds->items())
          evaluate.robustness_seeds.push_back(
              static_cast<uint64_t>(item.whole(0, int64_t{1} << 53)));
      }
    }
  }

  TrainConfig& config_;
  std::string base_;
};

}  // namespace

std::string TrainConfig::file_name() const {
  return std::filesystem::path(path).filename().string();
}

TrainConfig read_train_config(const std::string& path, const std::vector<std::string>& overrides) {
  YamlNode document = read_yaml(path);
  for (const std::string& assignment : overrides) apply_override(document, assignment);
  check_schema(document, train_schema(), path);
  TrainConfig config;
  config.path = path;
  Reader(config).read(YamlWalker(document, train_schema(), path));
  return config;
}

}  // namespace fluxtile
