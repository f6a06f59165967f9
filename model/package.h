// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/safetensors.h"

namespace fluxtile {

struct Scaler {
  double mean = 0, std = 1;
};

struct PackageInput {
  std::string name, unit, source;
  Scaler scaler;
  std::optional<double> min, max;
};

struct PackageOutput {
  std::string name, unit,
      sign;  ///< sign: negative-is-release | negative-is-uptake | positive-is-release
  Scaler scaler;
};

/// A model package: data, never code (contract, 3).
struct Package {
  std::string directory, architecture, name, region;
  std::vector<PackageInput> inputs;
  std::vector<PackageOutput> outputs;
  std::map<std::string, Scaler> scalers;
  Tensors tensors;
  std::string weights_sha256;
  std::string digest;  ///< of everything that decides values: architecture, scalers, ranges,
                       ///< weights; part of the result key
  std::string parent_name, parent_sha256;
  bool synthetic = false;  ///< training.synthetic
  std::string training;    ///< the `training` block as JSON text, for provenance
  std::vector<std::string> warnings;

  [[nodiscard]] const PackageInput& input(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> input_names() const;
};

/// Loads and checks DIR/model.yaml and its weights: unknown and duplicate keys, inputs and their
/// order, tensor names, shapes, dtype, SHA-256, NaN, scalers with std <= 0. Throws Error(data)
/// naming file, key, line, found, expected.
std::shared_ptr<const Package> load_package(const std::string& directory);

/// Writes a package directory atomically (weights first, model.yaml last). Used by `simulate` and
/// `train`.
void save_package(const Package& package, const std::string& directory);

}  // namespace fluxtile
