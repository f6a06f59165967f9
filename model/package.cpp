// SPDX-License-Identifier: Apache-2.0
#include "model/package.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/file_name.h"
#include "base/limited_file.h"
#include "base/nearest_name.h"
#include "base/yaml_limits.h"
#include "model/engine.h"
#include "model/kgml_ag_c.h"
#include "model/package_text.h"
#include "model/recurrent_shapes.h"
#include "model/strict_map.h"

namespace fluxtile {
namespace {

const std::string carbon_flux = "gC m-2 d-1";

Scaler read_scaler(const StrictMap& map) {
  const Scaler scaler{map.number("mean"), map.number("std")};
  if (!(scaler.std > 0))
    throw map.error("std", "a standard deviation must be above 0").found(shortest(scaler.std));
  return scaler;
}

YAML::Node need_list(const StrictMap& document, const std::string& key) {
  const YAML::Node list = document.need(key);
  if (!list.IsSequence()) throw document.error(key, "a list is needed here");
  return list;
}

std::string element(const std::string& key, size_t index) {
  return key + "[" + std::to_string(index) + "]";
}

std::vector<PackageInput> read_inputs(const StrictMap& document, const std::string& file) {
  const YAML::Node list = need_list(document, "inputs");
  std::vector<PackageInput> inputs;
  for (size_t i = 0; i < list.size(); ++i) {
    const StrictMap map(list[i], file, element("inputs", i),
                        {"name", "unit", "mean", "std", "min", "max", "source"});
    PackageInput input;
    input.name = map.text("name");
    input.unit = map.text("unit");
    input.source = map.text_or("source", "");
    input.scaler = read_scaler(map);
    input.min = map.optional_number("min");
    input.max = map.optional_number("max");
    if (input.min && input.max && *input.min > *input.max)
      throw map.error("min", "min of input " + input.name + " is above its max")
          .found("min " + shortest(*input.min) + ", max " + shortest(*input.max));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::vector<PackageOutput> read_outputs(const StrictMap& document, const std::string& file) {
  const YAML::Node list = need_list(document, "outputs");
  const std::vector<std::string> signs = {"negative-is-release", "negative-is-uptake",
                                          "positive-is-release"};
  std::vector<PackageOutput> outputs;
  for (size_t i = 0; i < list.size(); ++i) {
    const StrictMap map(list[i], file, element("outputs", i),
                        {"name", "unit", "mean", "std", "sign"});
    PackageOutput output;
    output.name = map.text("name");
    output.unit = map.text("unit");
    output.sign = map.text("sign");
    output.scaler = read_scaler(map);
    if (std::find(signs.begin(), signs.end(), output.sign) == signs.end())
      throw map.error("sign", "unknown sign convention")
          .found(output.sign)
          .hint(suggestion(output.sign, signs));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

std::map<std::string, Scaler> read_scalers(const StrictMap& document, const std::string& file,
                                           const std::vector<std::string>& names) {
  std::map<std::string, Scaler> scalers;
  const StrictMap map(document.need("scalers"), file, "scalers", names);
  for (const std::string& name : names)
    scalers[name] =
        read_scaler(StrictMap(map.need(name), file, map.path_of(name), {"mean", "std"}));
  return scalers;
}

void check_names(const StrictMap& document, const std::string& key,
                 const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  for (size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
    const std::string at = " at place " + std::to_string(i + 1);
    if (i >= found.size())
      throw document.error(key, key + ": " + expected[i] + " is missing" + at)
          .found(std::to_string(found.size()) + " entries")
          .expected(std::to_string(expected.size()) + " entries");
    if (i >= expected.size() || found[i] != expected[i])
      throw document.error(key, key + " of this architecture are fixed, in order")
          .found(found[i] + at)
          .expected(i < expected.size() ? expected[i] : "no more")
          .hint(std::find(expected.begin(), expected.end(), found[i]) != expected.end()
                    ? "put the entries into the order of the architecture"
                    : suggestion(found[i], expected));
  }
}

/// Outputs are the same for all networks that give carbon fluxes.
void check_outputs(const Package& package, const StrictMap& document) {
  std::vector<std::string> outputs;
  for (const PackageOutput& output : package.outputs) outputs.push_back(output.name);
  check_names(document, "outputs", outputs, {"Ra", "Rh", "NEE"});
  for (const PackageOutput& output : package.outputs) {
    if (output.unit != carbon_flux)
      throw document.error("outputs", "the unit of output " + output.name + " is fixed")
          .found(output.unit)
          .expected(carbon_flux);
    const std::string sign = output.name == "NEE" ? "negative-is-uptake" : "negative-is-release";
    if (output.sign != sign)
      throw document.error("outputs", "the sign of output " + output.name + " is fixed")
          .found(output.sign)
          .expected(sign)
          .hint("Ra and Rh are below 0 inside the network: turn the sign while training");
  }
}

/// What the equations of kgml-ag-c take for granted about a package.
void check_kgml_ag_c(const Package& package, const StrictMap& document) {
  check_names(document, "inputs", package.input_names(), kgml_ag_c::input_names());
  const PackageInput& gpp = package.inputs[kgml_ag_c::gpp_feature];
  if (gpp.unit != carbon_flux)
    throw document.error("inputs", "the unit of input GPP is fixed")
        .found(gpp.unit)
        .expected(carbon_flux);
}

void check_tensors(const Package& package, const std::string& file) {
  const auto shapes = package.architecture == kgml_ag_c::architecture
                          ? kgml_ag_c::tensor_shapes()
                          : recurrent::tensor_shapes(package.architecture, package.inputs.size());
  std::vector<std::string> names;
  for (const auto& [name, shape] : shapes) names.push_back(name);
  for (const auto& [name, tensor] : package.tensors)
    if (shapes.find(name) == shapes.end())
      throw Error(Code::data, "tensor '" + name + "' does not belong to " + package.architecture)
          .file(file)
          .key(name)
          .hint(suggestion(name, names));
  for (const auto& [name, shape] : shapes) {
    const auto found = package.tensors.find(name);
    if (found == package.tensors.end())
      throw Error(Code::data, "tensor '" + name + "' of " + package.architecture + " is missing")
          .file(file)
          .key(name);
    const Tensor& tensor = found->second;
    if (tensor.type != DType::F32)
      throw Error(Code::data, "tensor '" + name + "' is not float32")
          .file(file)
          .key(name)
          .expected("F32")
          .hint("convert the state_dict with tensor.float() before saving");
    if (tensor.shape != shape)
      throw Error(Code::data, "tensor '" + name + "' has another shape")
          .file(file)
          .key(name)
          .found(nlohmann::json(tensor.shape).dump())
          .expected(nlohmann::json(shape).dump());
    const auto* values = tensor.data<float>();
    for (size_t i = 0; i < tensor.count(); ++i)
      if (!std::isfinite(values[i]))
        throw Error(Code::data, "tensor '" + name + "' holds a value that is not finite")
            .file(file)
            .key(name)
            .found(std::isnan(values[i]) ? "NaN at element " + std::to_string(i)
                                         : "infinity at element " + std::to_string(i))
            .hint("training diverged or the file is damaged");
  }
}

/// The weights file: a plain name inside the package folder, so that a package is moved as one.
std::string weights_path(const StrictMap& weights, const std::string& directory) {
  const std::string name = weights.text("file");
  if (!is_file_name(name))
    throw weights.error("file", "the weights lie beside model.yaml")
        .found(name)
        .expected("a file name without a folder");
  return (std::filesystem::path(directory) / name).string();
}

std::string read_sha256(const StrictMap& map) {
  std::string digits = map.text("sha256");
  std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw map.error("sha256", "this is no SHA-256").found(digits).expected("64 hex digits");
  return digits;
}

constexpr size_t longest_description = size_t{2} << 20;
constexpr size_t largest_weights = size_t{1} << 30;

/// A file of the package, which must be a plain one: nothing that never ends or waits.
std::string read_part(const std::string& file, size_t most) {
  std::error_code unknown;
  const auto status = std::filesystem::status(file, unknown);
  if (!unknown && std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw Error(Code::data, "a file of the package is no plain file").file(file);
  return read_file_up_to(file, most);
}

void read_weights(Package& package, const StrictMap& weights, const std::string& file) {
  const std::string bytes = read_part(file, largest_weights);
  package.weights_sha256 = read_sha256(weights);
  if (sha256_available()) {
    const std::string digest = sha256(bytes);
    if (digest != package.weights_sha256)
      throw weights.error("sha256", "the weights are not those that model.yaml describes")
          .found(digest + " of " + file)
          .expected(package.weights_sha256)
          .hint("if the weights were replaced on purpose, write their sha256 into model.yaml");
  } else {
    package.warnings.push_back(file + ": SHA-256 not checked, this build has no OpenSSL");
  }
  package.tensors = parse_safetensors(bytes, file).tensors;
}

YAML::Node parse_yaml(const std::string& file) {
  try {
    const std::string text = read_part(file, longest_description);
    check_yaml_limits(text, file);
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw Error(Code::data, "no valid YAML: " + error.msg)
        .file(file)
        .key("", error.mark.is_null() ? 0 : error.mark.line + 1);
  }
}

std::string architecture_of(const StrictMap& document) {
  const std::string name = document.text("architecture");
  if (name == kgml_ag_c::architecture || recurrent::is_architecture(name)) return name;
  throw document.error("architecture", "architecture '" + name + "' is not known here")
      .found(name)
      .expected("kgml-ag-c, gru or lstm")
      .hint(suggestion(name, {kgml_ag_c::architecture, "gru", "lstm"}));
}

}  // namespace

const PackageInput& Package::input(const std::string& wanted) const {
  for (const PackageInput& candidate : inputs)
    if (candidate.name == wanted) return candidate;
  throw Error(Code::data, "the model has no input '" + wanted + "'")
      .file(directory)
      .key(wanted)
      .hint(suggestion(wanted, input_names()));
}

std::vector<std::string> Package::input_names() const {
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const PackageInput& input : inputs) names.push_back(input.name);
  return names;
}

std::string package_digest(const Package& package) {
  Digest digest;
  const auto add_scaler = [&digest](const Scaler& scaler) {
    digest.add_value(scaler.mean).add_value(scaler.std);
  };
  const auto add_bound = [&digest](const std::optional<double>& bound) {
    digest.add_value(static_cast<uint8_t>(bound.has_value())).add_value(bound.value_or(0));
  };
  digest.add_text(package.architecture);
  for (const PackageInput& input : package.inputs) {
    digest.add_text(input.name).add_text(input.unit);
    add_scaler(input.scaler);
    add_bound(input.min);
    add_bound(input.max);
  }
  for (const PackageOutput& output : package.outputs) {
    digest.add_text(output.name).add_text(output.unit).add_text(output.sign);
    add_scaler(output.scaler);
  }
  for (const auto& [name, scaler] : package.scalers) {
    digest.add_text(name);
    add_scaler(scaler);
  }
  for (const auto& [name, tensor] : package.tensors) {
    digest.add_text(name).add_value(static_cast<int32_t>(tensor.type));
    for (const int64_t extent : tensor.shape) digest.add_value(extent);
    digest.add(tensor.bytes.data(), tensor.bytes.size());
  }
  return digest.hex();
}

std::shared_ptr<const Package> load_package(const std::string& directory) {
  const std::string file = (std::filesystem::path(directory) / "model.yaml").string();
  const YAML::Node root = parse_yaml(file);
  const StrictMap document(root, file, "",
                           {"fluxtile-model", "architecture", "name", "region", "parent", "inputs",
                            "outputs", "scalers", "weights", "training", "format", "trusted"});
  if (document.text("fluxtile-model") != "1")
    throw document.error("fluxtile-model", "this format of model packages is not known here")
        .found(document.text("fluxtile-model"))
        .expected("1");
  if (document.text_or("format", "safetensors") != "safetensors")
    throw document.error("format", "weights are read from safetensors only")
        .found(document.text("format"))
        .expected("safetensors")
        .hint("save the state_dict with safetensors.torch.save_file");
  (void)document.boolean_or("trusted", false);

  auto package = std::make_shared<Package>();
  package->directory = directory;
  package->architecture = architecture_of(document);
  package->name = document.text("name");
  package->region = document.text_or("region", "");
  package->inputs = read_inputs(document, file);
  package->outputs = read_outputs(document, file);
  const bool knows_carbon = package->architecture == kgml_ag_c::architecture;
  if (knows_carbon)
    package->scalers = read_scalers(document, file, {"GPP", "Yield", "Residue"});
  else if (document.has("scalers"))
    throw document.error("scalers", "architecture " + package->architecture + " has no scalers")
        .hint("those of inputs and outputs stand beside their names");
  if (!knows_carbon && package->inputs.empty())
    throw document.error("inputs", "a network needs at least one input");
  if (document.has("parent")) {
    const StrictMap parent(document.need("parent"), file, "parent", {"name", "sha256"});
    package->parent_name = parent.text("name");
    package->parent_sha256 = read_sha256(parent);
  }
  if (document.has("training")) {
    package->training = training_as_json(document.need("training"), file);
    package->synthetic = nlohmann::json::parse(package->training).value("synthetic", false);
  }
  check_outputs(*package, document);
  if (knows_carbon) check_kgml_ag_c(*package, document);

  const StrictMap weights(document.need("weights"), file, "weights", {"file", "sha256"});
  const std::string path = weights_path(weights, directory);
  read_weights(*package, weights, path);
  check_tensors(*package, path);

  if (knows_carbon) {
    const Scaler& gpp = package->scalers.at("GPP");
    const Scaler& input = package->inputs[kgml_ag_c::gpp_feature].scaler;
    if (gpp.mean != input.mean || gpp.std != input.std)
      package->warnings.push_back(file + ": scalers.GPP differs from the scaler of the input GPP");
  }
  package->digest = package_digest(*package);
  return package;
}

}  // namespace fluxtile
