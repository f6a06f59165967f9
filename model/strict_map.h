// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace fluxtile {

/// A mapping of a YAML file whose keys are all known and appear once. yaml-cpp itself accepts
/// duplicates, reads 010 as 8 and `no` as false: so every value is taken from its text here.
/// All members throw Error(data) with file, dotted key and line.
class StrictMap {
 public:
  /// `path` is the dotted key of `node`, empty for the document. Refuses keys outside `known`.
  StrictMap(const YAML::Node& node, std::string file, std::string path,
            const std::vector<std::string>& known);

  [[nodiscard]] bool has(const std::string& key) const;
  /// The node of a key that must be there.
  [[nodiscard]] YAML::Node need(const std::string& key) const;

  [[nodiscard]] std::string text(const std::string& key) const;  ///< a non-empty scalar
  [[nodiscard]] std::string text_or(const std::string& key, const std::string& otherwise) const;
  [[nodiscard]] double number(const std::string& key) const;  ///< finite
  [[nodiscard]] std::optional<double> optional_number(const std::string& key) const;
  [[nodiscard]] bool boolean_or(const std::string& key, bool otherwise) const;

  [[nodiscard]] std::string path_of(const std::string& key) const;
  [[nodiscard]] int line_of(const std::string& key) const;  ///< 1-based; of the map if absent
  /// An Error(data) that points at `key`.
  [[nodiscard]] Error error(const std::string& key, const std::string& message) const;

 private:
  YAML::Node node_;
  std::string file_, path_;
};

/// 1-based line of a node, 0 if unknown.
int line_of(const YAML::Node& node);

}  // namespace fluxtile
