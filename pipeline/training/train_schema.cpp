// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/train_schema.h"

namespace fluxtile {
namespace {

void add_table(std::vector<YamlKey>& keys, const std::string& at, const std::string& meaning) {
  keys.push_back({at, shape_map, meaning});
  keys.push_back({at + ".tables", shape_text | shape_list, "site-year tables (NetCDF)"});
  keys.push_back({at + ".tables.*", shape_text, "a NetCDF file"});
  keys.push_back({at + ".towers", shape_text, "a description of towers (YAML)"});
  keys.push_back(
      {at + ".folder", shape_text, "the folder the description's paths are relative to"});
}

void add_split(std::vector<YamlKey>& keys, const std::string& at) {
  keys.push_back({at, shape_map, "what is held out"});
  keys.push_back({at + ".validation_years", shape_list, "contiguous years"});
  keys.push_back({at + ".validation_years.*", shape_text, "a year"});
  keys.push_back({at + ".test_years", shape_list, "contiguous years"});
  keys.push_back({at + ".test_years.*", shape_text, "a year"});
  keys.push_back({at + ".test_blocks", shape_text, "share of each region's blocks, 0 to 0.9"});
}

std::vector<YamlKey> train_keys() {
  std::vector<YamlKey> keys = {
      {"fluxtile-train", shape_text, "the format's version, 1"},
      {"name", shape_text, "a name for reports: letters, digits, `.`, `-` and `_`"},
      {"output", shape_text, "folder for models, reports and checkpoints"},
      {"prefix", shape_text, "put before the names of packages: lower-case letters, digits, `-`"},
      {"seed", shape_text, "a whole number"},
      {"pretrain", shape_map, "the global model"},
      {"pretrain.package", shape_text, "a model package to start from"},
      {"pretrain.schedule", shape_text, "published, midwest or small"},
      {"pretrain.epochs_factor", shape_text, "a number; 1 = the schedule's epochs"},
      {"pretrain.baselines", shape_text, "true: also train the baselines"},
      {"finetune", shape_map, "one model a region from the global one"},
      {"finetune.by", shape_text, "region or site"},
      {"finetune.folds", shape_list, "splits of the years"},
      {"finetune.least_site_years", shape_text, "a number of training site-years"},
      {"finetune.rate_factors", shape_list, "factors on the learning rate"},
      {"finetune.rate_factors.*", shape_text, "a number"},
      {"finetune.keep_responses", shape_text, "sampled or published"},
      {"finetune.epochs", shape_text, "most epochs"},
      {"finetune.patience", shape_text, "epochs without improvement"},
      {"finetune.learning_rate", shape_text, "a number"},
      {"evaluate", shape_map, "what is compared"},
      {"evaluate.arms", shape_list, "ways to make a model"},
      {"evaluate.arms.*", shape_text, "an arm's name"},
      {"evaluate.climatology", shape_text, "true or false"},
      {"evaluate.line", shape_text, "true or false"},
      {"evaluate.bootstrap_draws", shape_text, "a number"},
      {"evaluate.learning_curve", shape_list, "fine-tuning years a site"},
      {"evaluate.learning_curve.*", shape_text, "a number of years"},
      {"evaluate.robustness", shape_map, "other seeds and learning rates"},
      {"evaluate.robustness.rate_factors", shape_list, "factors on the learning rate"},
      {"evaluate.robustness.rate_factors.*", shape_text, "a number"},
      {"evaluate.robustness.seeds", shape_list, "seeds"},
      {"evaluate.robustness.seeds.*", shape_text, "a whole number"},
      {"evaluate.maps", shape_map, "maps of a synthetic world against its truth"},
      {"evaluate.maps.run", shape_text, "a run configuration"},
      {"evaluate.maps.truth", shape_text, "folder of the truth rasters"},
      {"run", shape_map, "how to compute"},
      {"run.threads", shape_text, "a number, or auto"},
      {"run.device", shape_text, "cpu or cuda:0"},
  };
  add_table(keys, "pretrain.data", "site-years that the global model is trained on");
  add_split(keys, "pretrain.split");
  add_table(keys, "finetune.data", "site-years that regional models are trained on");
  add_table(keys, "finetune.reference", "site-years that are only scored");
  add_split(keys, "finetune.folds.*");
  return keys;
}

}  // namespace

const YamlSchema& train_schema() {
  static const YamlSchema schema(train_keys());
  return schema;
}

}  // namespace fluxtile
