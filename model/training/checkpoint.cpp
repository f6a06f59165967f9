// SPDX-License-Identifier: Apache-2.0
#include "model/training/checkpoint.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "model/package_text.h"

namespace fluxtile {
namespace {

using nlohmann::json;

constexpr const char* format_name = "fluxtile-training-1";

/// JSON has no NaN and no infinity; they are written as text.
json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}
double number_of(const json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return text == "inf" ? infinity : -infinity;
}

json numbers(const std::map<std::string, double>& values) {
  json map = json::object();
  for (const auto& [name, value] : values) map[name] = number(value);
  return map;
}
std::map<std::string, double> numbers_of(const json& map) {
  std::map<std::string, double> values;
  for (const auto& [name, value] : map.items()) values[name] = number_of(value);
  return values;
}

json record_as_json(const EpochRecord& record) {
  return {{"stage", record.stage},
          {"epoch", record.epoch},
          {"epochs", record.epochs},
          {"learning_rate", number(record.learning_rate)},
          {"train", numbers(record.train)},
          {"validation", numbers(record.validation)},
          {"r2", numbers(record.r2)},
          {"best", record.best},
          {"seconds", number(record.seconds)},
          {"site_years", record.site_years}};
}

EpochRecord record_of(const json& value) {
  EpochRecord record;
  record.stage = value.at("stage").get<std::string>();
  record.epoch = value.at("epoch").get<int>();
  record.epochs = value.at("epochs").get<int>();
  record.learning_rate = number_of(value.at("learning_rate"));
  record.train = numbers_of(value.at("train"));
  record.validation = numbers_of(value.at("validation"));
  record.r2 = numbers_of(value.at("r2"));
  record.best = value.at("best").get<bool>();
  record.seconds = number_of(value.at("seconds"));
  record.site_years = value.at("site_years").get<uint64_t>();
  return record;
}

void add_tensors(Tensors& all, const std::string& prefix, const Tensors& tensors) {
  for (const auto& [name, tensor] : tensors) all[prefix + name] = tensor;
}
Tensors tensors_with(const Tensors& all, const std::string& prefix) {
  Tensors tensors;
  for (const auto& [name, tensor] : all)
    if (name.compare(0, prefix.size(), prefix) == 0) tensors[name.substr(prefix.size())] = tensor;
  return tensors;
}

std::string digest_of_tensors(const Tensors& tensors) {
  Digest digest;
  for (const auto& [name, tensor] : tensors) {
    digest.add_text(name);
    digest.add(tensor.bytes.data(), tensor.bytes.size());
  }
  return digest.hex();
}

}  // namespace

void save_checkpoint(const Checkpoint& checkpoint, const std::string& path) {
  Tensors all;
  add_tensors(all, "weights/", checkpoint.weights);
  add_tensors(all, "best/", checkpoint.best);
  add_tensors(all, "optimiser/", checkpoint.optimiser);
  json history = json::array();
  for (const EpochRecord& record : checkpoint.history) history.push_back(record_as_json(record));
  const json state = {{"stage", checkpoint.stage},
                      {"epoch", checkpoint.epoch},
                      {"finished", checkpoint.finished},
                      {"best_validation", number(checkpoint.best_validation)},
                      {"best_epoch", checkpoint.best_epoch},
                      {"history", history}};
  write_atomically(path, format_safetensors(all, {{"format", format_name},
                                                  {"key", checkpoint.key},
                                                  {"state", state.dump()},
                                                  {"tensors", digest_of_tensors(all)}}));
}

std::optional<Checkpoint> load_checkpoint(const std::string& path, const std::string& key) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto damaged = [&path](const std::string& what) {
    return Error(Code::data, "the checkpoint cannot be read: " + what)
        .file(path)
        .hint("delete it to train from the start");
  };
  const Safetensors file = parse_safetensors(read_file(path), path);
  const auto text = [&](const std::string& name) {
    const auto found = file.metadata.find(name);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (text("format") != format_name) throw damaged("its format is '" + text("format") + "'");
  if (text("key") != key) return std::nullopt;
  if (text("tensors") != digest_of_tensors(file.tensors)) throw damaged("its digest differs");
  try {
    const json state = json::parse(text("state"));
    Checkpoint checkpoint;
    checkpoint.key = key;
    checkpoint.stage = state.at("stage").get<size_t>();
    checkpoint.epoch = state.at("epoch").get<int>();
    checkpoint.finished = state.at("finished").get<bool>();
    checkpoint.best_validation = number_of(state.at("best_validation"));
    checkpoint.best_epoch = state.at("best_epoch").get<int>();
    for (const json& record : state.at("history")) checkpoint.history.push_back(record_of(record));
    checkpoint.weights = tensors_with(file.tensors, "weights/");
    checkpoint.best = tensors_with(file.tensors, "best/");
    checkpoint.optimiser = tensors_with(file.tensors, "optimiser/");
    return checkpoint;
  } catch (const json::exception& error) {
    throw damaged(error.what());
  }
}

std::string training_key(const Package& start, const SiteYears& table, const Roles& roles,
                         const Schedule& schedule, const std::string& device) {
  Digest digest;
  digest.add_text(format_name).add_text(package_digest(start)).add_text(digest_of(schedule));
  digest.add_text(device);
  digest.add_value(table.sites.size()).add_value(table.years.size());
  for (const int year : table.years) digest.add_value(year);
  for (const SiteYears::Feature& feature : table.features) digest.add_text(feature.name);
  digest.add(table.inputs.data(), table.inputs.size() * sizeof(float));
  for (const auto* labels : {&table.daily, &table.monthly, &table.annual})
    for (const auto& [name, values] : *labels) {
      digest.add_text(name).add_value(values.size());
      digest.add(values.data(), values.size() * sizeof(float));
    }
  digest.add(roles.data(), roles.size() * sizeof(Role));
  return digest.hex();
}

}  // namespace fluxtile
