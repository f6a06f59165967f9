// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "model/package.h"

namespace YAML {
class Node;
}

namespace fluxtile {

/// A number in the fewest digits that read back as the same double.
std::string shortest(double value);

/// The free-form `training` mapping as JSON text with sorted keys. Plain scalars that are JSON
/// numbers, true, false or null keep their type, all else is text (010 stays 010). Throws
/// Error(data) for duplicate keys, a `synthetic` that is no boolean, and for more than 100,000
/// values (aliases that multiply).
std::string training_as_json(const YAML::Node& training, const std::string& file);

/// model.yaml of a package whose weights have `weights_sha256`. Throws Error(data) if
/// `package.training` is neither empty nor a JSON object.
std::string model_yaml(const Package& package, const std::string& weights_file,
                       const std::string& weights_sha256);

/// Package::digest: xxh3-128 of all that decides values, without name, region and training.
std::string package_digest(const Package& package);

/// SHA-256 of the weights file that save_package() would write.
std::string weights_file_sha256(const Tensors& tensors);

}  // namespace fluxtile
