// SPDX-License-Identifier: Apache-2.0
#include "model/package_text.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "model/strict_map.h"

namespace fluxtile {
namespace {

using nlohmann::json;

constexpr size_t most_values = 100000;
constexpr size_t deepest_value = 64;  // an alias inside its own anchor never ends
constexpr const char* weights_file_name = "weights.safetensors";

/// Turns YAML nodes into JSON and counts them.
class TrainingReader {
 public:
  explicit TrainingReader(std::string file) : file_(std::move(file)) {}

  json read(const YAML::Node& node, const std::string& key, size_t depth = 0) {
    if (++values_ > most_values || depth > deepest_value)
      throw Error(Code::data, "the training block is too large")
          .file(file_)
          .key("training", line_of(node))
          .expected("at most " + std::to_string(most_values) + " values, " +
                    std::to_string(deepest_value) + " deep");
    switch (node.Type()) {
      case YAML::NodeType::Map:
        return read_map(node, key, depth);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const auto& item : node) list.push_back(read(item, key + "[]", depth + 1));
        return list;
      }
      case YAML::NodeType::Scalar:
        return read_scalar(node);
      default:
        return nullptr;
    }
  }

 private:
  json read_map(const YAML::Node& node, const std::string& key, size_t depth) {
    json map = json::object();
    for (const auto& item : node) {
      if (!item.first.IsScalar())
        throw Error(Code::data, "a key must be text").file(file_).key(key, line_of(item.first));
      const std::string name = item.first.Scalar();
      const std::string path = key + "." + name;
      if (map.contains(name))
        throw Error(Code::data, "key '" + name + "' is there twice")
            .file(file_)
            .key(path, line_of(item.first))
            .hint("remove one of them");
      map[name] = read(item.second, path, depth + 1);
    }
    return map;
  }

  static json read_scalar(const YAML::Node& node) {
    const bool quoted = node.Tag() == "!";
    if (!quoted) {
      json value = json::parse(node.Scalar(), nullptr, false);
      if (value.is_number() || value.is_boolean() || value.is_null()) return value;
    }
    return node.Scalar();
  }

  std::string file_;
  size_t values_ = 0;
};

/// A YAML scalar: plain where nothing can be mistaken, else double-quoted.
std::string scalar(const std::string& text) {
  bool plain = !text.empty() && text.find("  ") == std::string::npos && text.back() != ' ' &&
               text != "true" && text != "false" && text != "null" && text != "yes" &&
               text != "no" && text != "on" && text != "off" && text != "y" && text != "n";
  for (size_t i = 0; plain && i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool inner = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ' ' || c == '.';
    plain = letter || (i > 0 && inner);
  }
  return plain ? text : json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string flow(const json& value) {
  return value.is_string() ? scalar(value.get<std::string>())
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The entries of a mapping, a line each; lists and what is empty stand in one line.
void append_block(std::string& out, const json& map, size_t indent) {
  for (const auto& [key, value] : map.items()) {
    out += std::string(indent, ' ') + scalar(key) + ":";
    if (value.is_object() && !value.empty()) {
      out += "\n";
      append_block(out, value, indent + 2);
    } else {
      out += " " + flow(value) + "\n";
    }
  }
}

std::string scaler_text(const Scaler& scaler) {
  return "mean: " + shortest(scaler.mean) + ", std: " + shortest(scaler.std);
}

}  // namespace

std::string shortest(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

std::string training_as_json(const YAML::Node& training, const std::string& file) {
  if (!training.IsMap())
    throw Error(Code::data, "a mapping is needed here")
        .file(file)
        .key("training", line_of(training));
  const json value = TrainingReader(file).read(training, "training");
  if (value.contains("synthetic") && !value["synthetic"].is_boolean())
    throw Error(Code::data, "true or false is needed here")
        .file(file)
        .key("training.synthetic", line_of(training["synthetic"]))
        .found(value["synthetic"].dump(-1, ' ', false, json::error_handler_t::replace));
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string model_yaml(const Package& package, const std::string& weights_file,
                       const std::string& weights_sha256) {
  std::string out = "fluxtile-model: 1\narchitecture: " + scalar(package.architecture) +
                    "\nname: " + scalar(package.name) + "\n";
  if (!package.region.empty()) out += "region: " + scalar(package.region) + "\n";
  if (!package.parent_name.empty())
    out += "parent: {name: " + scalar(package.parent_name) +
           ", sha256: " + scalar(package.parent_sha256) + "}\n";
  out += "inputs:\n";
  for (const PackageInput& input : package.inputs) {
    out += "  - {name: " + scalar(input.name) + ", unit: " + scalar(input.unit) + ", " +
           scaler_text(input.scaler);
    if (input.min) out += ", min: " + shortest(*input.min);
    if (input.max) out += ", max: " + shortest(*input.max);
    if (!input.source.empty()) out += ", source: " + scalar(input.source);
    out += "}\n";
  }
  out += "outputs:\n";
  for (const PackageOutput& output : package.outputs)
    out += "  - {name: " + scalar(output.name) + ", unit: " + scalar(output.unit) + ", " +
           scaler_text(output.scaler) + ", sign: " + scalar(output.sign) + "}\n";
  if (!package.scalers.empty()) out += "scalers:\n";
  for (const auto& [name, scaler] : package.scalers)
    out += "  " + scalar(name) + ": {" + scaler_text(scaler) + "}\n";
  out += "weights: {file: " + scalar(weights_file) + ", sha256: " + scalar(weights_sha256) + "}\n";

  json training = json::object();
  if (!package.training.empty()) {
    training = json::parse(package.training, nullptr, false);
    if (!training.is_object())
      throw Error(Code::data, "the training record of a package is no JSON object")
          .key("training")
          .found(package.training.substr(0, 80));
  }
  if (package.synthetic || training.contains("synthetic"))
    training["synthetic"] = package.synthetic;
  if (!training.empty()) {
    out += "training:\n";
    append_block(out, training, 2);
  }
  return out;
}

namespace {

std::string weights_file_bytes(const Tensors& tensors) {
  return format_safetensors(tensors, {{"format", "pt"}});
}

}  // namespace

std::string weights_file_sha256(const Tensors& tensors) {
  return sha256(weights_file_bytes(tensors));
}

void save_package(const Package& package, const std::string& directory) {
  const std::filesystem::path folder(directory);
  const std::string bytes = weights_file_bytes(package.tensors);
  write_atomically((folder / weights_file_name).string(), bytes);
  write_atomically((folder / "model.yaml").string(),
                   model_yaml(package, weights_file_name, sha256(bytes)));
}

}  // namespace fluxtile
