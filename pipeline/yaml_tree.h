// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

struct YamlEntry;

/// One node of a YAML document as it was written: scalars stay text (a code `010` is not 8, `no` is
/// not false), every node knows where it stands. Aliases are expanded. Value type, copied deeply.
struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;                ///< scalar
  std::vector<YamlNode> items;     ///< list
  std::vector<YamlEntry> entries;  ///< map, in the order written; keys are unique
  int line = 0, column = 0;        ///< 1-based; 0 where it came from --set
  bool overridden = false;         ///< came from --set

  /// The value of a map's key, or nullptr.
  [[nodiscard]] const YamlNode* find(const std::string& key) const;
  [[nodiscard]] YamlNode* find(const std::string& key);
};

/// A key and its value in a map.
struct YamlEntry {
  std::string key;
  int line = 0, column = 0;  ///< of the key, 1-based; 0 where it came from --set
  YamlNode value;
};

/// Reads one YAML document. `file` is named in messages only. Throws Error(data): syntax errors,
/// duplicate keys, keys that are no scalars, several documents, more than a hundred thousand nodes
/// (aliases of aliases), nesting deeper than 60.
YamlNode parse_yaml(const std::string& text, const std::string& file);
/// The same of a file, of which no more is read than a YAML document may have.
YamlNode read_yaml(const std::string& file);

/// Applies one `key.path=value` of --set. The value is read as YAML; missing maps on the way are
/// created; a number steps into a list (its length appends); a part with dots is quoted
/// (models.regions."St. Louis"=stl). Throws Error(usage) for a malformed override and Error(data)
/// for a path that does not fit the document.
void apply_override(YamlNode& root, const std::string& assignment);

/// The document as JSON with sorted keys and every scalar as text: equal for files that differ in
/// comments, order, quoting and layout only.
std::string canonical_json(const YamlNode& node);

/// What a node is, for messages: "a map", "a list", "`text`", "nothing".
std::string describe(const YamlNode& node);

}  // namespace fluxtile
