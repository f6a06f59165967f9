// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pipeline/yaml_tree.h"

namespace fluxtile {

/// Shapes a key's value may have; several may be combined.
enum YamlShape : unsigned { shape_text = 1, shape_list = 2, shape_map = 4 };

/// One key of a file format. `path` is dotted; `*` stands for a free name or a list position.
struct YamlKey {
  std::string path;
  unsigned shapes = shape_text;
  std::string meaning;  ///< what it should hold, for "expected:" when it is missing or misshapen
};

/// A file format: its keys, each declared once.
class YamlSchema {
 public:
  explicit YamlSchema(std::vector<YamlKey> keys) : keys_(std::move(keys)) {}
  [[nodiscard]] const std::vector<YamlKey>& keys() const noexcept { return keys_; }
  /// The key declared for a pattern, or nullptr.
  [[nodiscard]] const YamlKey* find(const std::string& pattern) const;
  /// Names of the keys directly under a pattern.
  [[nodiscard]] std::vector<std::string> children(const std::string& pattern) const;

 private:
  std::vector<YamlKey> keys_;
};

/// Checks keys and shapes of a whole document: unknown keys (with line, column and the nearest
/// known key), values of the wrong shape, keys without a value. Throws Error(data).
void check_schema(const YamlNode& root, const YamlSchema& schema, const std::string& file);

/// A place in a checked document: reads values with type and range, and knows file, key and line
/// for messages. Cheap to copy; refers to the document and the schema, which must outlive it.
class YamlWalker {
 public:
  YamlWalker(const YamlNode& root, const YamlSchema& schema, std::string file);

  [[nodiscard]] const YamlNode& node() const noexcept { return *node_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] int line() const noexcept { return line_; }
  /// Last part of the path: the name under which this stands in its map.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] bool has(const std::string& key) const { return node_->find(key) != nullptr; }
  /// The value of a key; throws Error(data) when it is missing.
  [[nodiscard]] YamlWalker at(const std::string& key) const;
  [[nodiscard]] std::optional<YamlWalker> find(const std::string& key) const;
  /// Elements of a list, or the one text that stands in for it; values of a map.
  [[nodiscard]] std::vector<YamlWalker> items() const;

  /// Text that is not empty.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] double real(double least = -std::numeric_limits<double>::infinity(),
                            double most = std::numeric_limits<double>::infinity()) const;
  [[nodiscard]] int64_t whole(int64_t least, int64_t most) const;
  [[nodiscard]] bool boolean() const;
  /// Position of the text among `words`.
  size_t choice(const std::vector<std::string>& words) const;

  /// An Error(data) that names file, key and line, and what was found here.
  [[nodiscard]] Error error(const std::string& message) const;
  /// Calls a parser on the text; an Error it throws gets file, key, line and what was found.
  template <typename Parse>
  auto parsed(Parse&& parse) const {
    const std::string& value = text();
    try {
      return parse(value);
    } catch (const Error& wrong) {
      throw located(wrong);
    }
  }

 private:
  YamlWalker(const YamlNode& node, const YamlWalker& parent, const std::string& key,
             const std::string& pattern, int line);
  [[nodiscard]] Error located(Error wrong) const;

  const YamlNode* node_;
  const YamlSchema* schema_;
  std::string file_, path_, pattern_, name_;
  int line_ = 0;
};

}  // namespace fluxtile
