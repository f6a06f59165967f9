// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/study_config.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "pipeline/config_values.h"
#include "pipeline/training/training_work.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile {
namespace {

const YamlSchema& study_schema() {
  static const YamlSchema schema({
      {"fluxtile-study", shape_text, "the format's version, 1"},
      {"name", shape_text, "a name for reports"},
      {"output", shape_text, "folder for results"},
      {"package", shape_text, "the pre-trained global model package"},
      {"worlds", shape_map, "the replicates"},
      {"worlds.kinds", shape_list, "none, explained, small_jump, large_jump, other_structure"},
      {"worlds.kinds.*", shape_text, "a kind"},
      {"worlds.each", shape_text, "a number of worlds"},
      {"worlds.first_seed", shape_text, "a whole number"},
      {"sites", shape_map, "where labels and scores come from"},
      {"sites.towers", shape_text, "labelled sites a region"},
      {"sites.reference", shape_text, "scored sites a region"},
      {"years", shape_map, "the record"},
      {"years.first", shape_text, "a year"},
      {"years.training", shape_text, "a number"},
      {"years.validation", shape_text, "a number"},
      {"years.test", shape_text, "a number"},
      {"labels", shape_map, "what towers tell"},
      {"labels.random_error", shape_text, "share of the flux"},
      {"labels.systematic_error", shape_text, "share of the flux"},
      {"labels.gaps", shape_text, "share of the days"},
      {"finetune", shape_map, "how models are fine-tuned"},
      {"finetune.epochs", shape_text, "most epochs"},
      {"finetune.patience", shape_text, "epochs without improvement"},
      {"finetune.rate_factors", shape_list, "factors on the learning rate"},
      {"finetune.rate_factors.*", shape_text, "a number"},
      {"finetune.keep_responses", shape_text, "sampled or none"},
      {"arms", shape_list, "ways to make a model"},
      {"arms.*", shape_text, "an arm's name"},
      {"run", shape_map, "how to compute"},
      {"run.threads", shape_text, "a number, or auto"},
  });
  return schema;
}

/// A group's key where the configuration has it.
std::optional<YamlWalker> find(const YamlWalker& root, const std::string& group,
                               const std::string& key) {
  const std::optional<YamlWalker> map = root.find(group);
  return map ? map->find(key) : std::nullopt;
}

template <typename Integer>
void read(const std::optional<YamlWalker>& value, Integer& target, int64_t least, int64_t most) {
  if (value) target = static_cast<Integer>(value->whole(least, most));
}

void read(const std::optional<YamlWalker>& value, double& target, double least, double most) {
  if (value) target = value->real(least, most);
}

}  // namespace

StudyConfig read_study_config(const std::string& path, const std::vector<std::string>& overrides) {
  YamlNode document = read_yaml(path);
  for (const std::string& assignment : overrides) apply_override(document, assignment);
  check_schema(document, study_schema(), path);
  const YamlWalker root(document, study_schema(), path);
  root.at("fluxtile-study").choice({"1"});
  const std::string base = std::filesystem::absolute(path).parent_path().string();
  const auto absolute = [&](const YamlWalker& value) {
    return absolute_path(value.text(),
                         value.node().overridden ? std::filesystem::current_path().string() : base);
  };
  StudyConfig config;
  config.path = path;
  config.name = root.at("name").text();
  config.output = absolute(root.at("output"));
  config.package = absolute(root.at("package"));
  const YamlWalker worlds = root.at("worlds");
  const YamlWalker kinds = worlds.at("kinds");
  for (const YamlWalker& item : kinds.items())
    config.kinds.push_back(item.parsed(world::parse_heterogeneity));
  if (config.kinds.empty()) throw kinds.error("no kind of world").expected("at least one kind");
  read(worlds.find("each"), config.worlds, 1, 1000);
  read(worlds.find("first_seed"), config.first_seed, 0, int64_t{1} << 53);
  read(find(root, "sites", "towers"), config.towers, 1, 1000);
  read(find(root, "sites", "reference"), config.reference, 1, 1000);
  read(find(root, "years", "first"), config.first_year, 1980, 2100);
  read(find(root, "years", "training"), config.training_years, 1, 50);
  read(find(root, "years", "validation"), config.validation_years, 0, 50);
  read(find(root, "years", "test"), config.test_years, 1, 50);
  config.years = config.training_years + config.validation_years + config.test_years;
  read(find(root, "labels", "random_error"), config.labels.random_error, 0, 10);
  read(find(root, "labels", "systematic_error"), config.labels.systematic_error, 0, 10);
  read(find(root, "labels", "gaps"), config.labels.gap_share, 0, 0.95);

  FineTuneConfig finetune;
  read(find(root, "finetune", "epochs"), finetune.epochs, 1, 100000);
  read(find(root, "finetune", "patience"), finetune.patience, 1, 100000);
  config.settings.schedule = fine_tuning_of(finetune);
  if (const auto terms = find(root, "finetune", "keep_responses")) {
    if (terms->choice({"sampled", "none"}) == 1)
      for (Stage& stage : config.settings.schedule.stages) stage.keep_responses.clear();
  }
  if (const auto factors = find(root, "finetune", "rate_factors")) {
    config.settings.rate_factors.clear();
    for (const YamlWalker& item : factors->items())
      config.settings.rate_factors.push_back(item.real(1e-6, 1e3));
  }
  if (const auto arms = root.find("arms")) {
    for (const YamlWalker& item : arms->items()) config.arms.push_back(item.parsed(parse_arm));
  } else {
    config.arms = {Arm::pretrained, Arm::pooled,  Arm::pooled_corrected, Arm::regional,
                   Arm::scratch,    Arm::placebo, Arm::swapped};
  }
  if (const auto threads = find(root, "run", "threads"))
    config.threads = threads->text() == "auto" ? 0 : static_cast<int>(threads->whole(1, 4096));
  return config;
}

}  // namespace fluxtile
