// SPDX-License-Identifier: Apache-2.0
#include "pipeline/yaml_tree.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/limited_file.h"
#include "base/yaml_limits.h"

namespace fluxtile {
namespace {

constexpr int max_depth = 60;
constexpr size_t max_nodes = 100000;

std::string place(int line, int column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

std::string child_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

/// Turns yaml-cpp's nodes into ours, checking what yaml-cpp lets pass.
class Converter {
 public:
  explicit Converter(std::string file) : file_(std::move(file)) {}

  YamlNode convert(const YAML::Node& source, const std::string& path, int line, int depth) {
    if (depth > max_depth || ++nodes_ > max_nodes) {
      throw Error(Code::data, "the YAML document is nested too deeply or grows without end")
          .file(file_)
          .key(path, line)
          .expected("at most " + std::to_string(max_depth) + " levels and " +
                    std::to_string(max_nodes) + " values after aliases are expanded");
    }
    YamlNode node;
    const YAML::Mark mark = source.Mark();
    node.line = mark.is_null() ? line : mark.line + 1;
    node.column = mark.is_null() ? 0 : mark.column + 1;
    switch (source.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        node.kind = YamlNode::Kind::scalar;
        node.text = source.Scalar();
        refuse_nul(node.text, path, node.line);
        break;
      case YAML::NodeType::Sequence:
        node.kind = YamlNode::Kind::list;
        for (const auto& item : source) {
          node.items.push_back(convert(item, child_path(path, std::to_string(node.items.size())),
                                       node.line, depth + 1));
        }
        break;
      case YAML::NodeType::Map: {
        node.kind = YamlNode::Kind::map;
        std::set<std::string> keys;
        for (const auto& pair : source) add_entry(node, keys, pair.first, pair.second, path, depth);
        break;
      }
    }
    return node;
  }

 private:
  /// A text that ends early wherever a C library reads it.
  void refuse_nul(const std::string& text, const std::string& path, int line) const {
    if (text.find('\0') == std::string::npos) return;
    throw Error(Code::data, "a text with a NUL character").file(file_).key(path, line);
  }

  void add_entry(YamlNode& node, std::set<std::string>& keys, const YAML::Node& key,
                 const YAML::Node& value, const std::string& path, int depth) {
    YamlEntry entry;
    const YAML::Mark mark = key.Mark();
    entry.line = mark.is_null() ? node.line : mark.line + 1;
    entry.column = mark.is_null() ? 0 : mark.column + 1;
    if (!key.IsScalar() || key.Scalar().empty()) {
      throw Error(Code::data, "a map key must be plain text")
          .file(file_)
          .key(path, entry.line)
          .found(key.IsMap()        ? "a map as a key"
                 : key.IsSequence() ? "a list as a key"
                                    : "an empty key")
          .expected("key: value")
          .hint("at " + place(entry.line, entry.column));
    }
    entry.key = key.Scalar();
    refuse_nul(entry.key, path, entry.line);
    if (!keys.insert(entry.key).second) {
      const YamlEntry& earlier =
          *std::find_if(node.entries.begin(), node.entries.end(),
                        [&](const YamlEntry& other) { return other.key == entry.key; });
      throw Error(Code::data,
                  "duplicate key `" + entry.key + "` at " + place(entry.line, entry.column))
          .file(file_)
          .key(child_path(path, entry.key), entry.line)
          .found("the same key at " + place(earlier.line, earlier.column))
          .expected("every key once in its map")
          .hint("remove one of the two");
    }
    entry.value = convert(value, child_path(path, entry.key), entry.line, depth + 1);
    node.entries.push_back(std::move(entry));
  }

  std::string file_;
  size_t nodes_ = 0;
};

void mark_overridden(YamlNode& node) {
  node.overridden = true;
  node.line = node.column = 0;
  for (auto& item : node.items) mark_overridden(item);
  for (auto& entry : node.entries) {
    entry.line = entry.column = 0;
    mark_overridden(entry.value);
  }
}

Error malformed(const std::string& assignment, const std::string& why) {
  return Error(Code::usage, "cannot read the override: " + why)
      .found("--set " + assignment)
      .expected("--set key.path=value, for example --set grid.tile=128");
}

/// Cuts "a.0."b.c"" into its parts.
std::vector<std::string> path_parts(const std::string& path, const std::string& assignment) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (const char c : path) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (quoted) throw malformed(assignment, "a quote is not closed");
  for (const auto& part : parts) {
    if (part.empty()) throw malformed(assignment, "a part of the key is empty");
  }
  return parts;
}

/// Position of the `=` that ends the key: the first one outside quotes.
size_t key_end(const std::string& assignment) {
  bool quoted = false;
  for (size_t i = 0; i < assignment.size(); ++i) {
    if (assignment[i] == '"') quoted = !quoted;
    if (assignment[i] == '=' && !quoted) return i;
  }
  return std::string::npos;
}

YamlNode& step_into(YamlNode& node, const std::string& part, const std::string& path,
                    const std::string& assignment) {
  if (node.kind == YamlNode::Kind::null) {
    node = YamlNode{};
    node.kind = YamlNode::Kind::map;
    node.overridden = true;
  }
  if (node.kind == YamlNode::Kind::map) {
    if (YamlNode* child = node.find(part)) return *child;
    node.entries.push_back(YamlEntry{part, 0, 0, YamlNode{}});
    node.entries.back().value.overridden = true;
    return node.entries.back().value;
  }
  if (node.kind == YamlNode::Kind::list) {
    size_t index = 0;
    const char* end = part.data() + part.size();
    const auto [stop, status] = std::from_chars(part.data(), end, index);
    if (status == std::errc{} && stop == end && index <= node.items.size()) {
      if (index == node.items.size()) {
        node.items.emplace_back();
        node.items.back().overridden = true;
      }
      return node.items[index];
    }
    throw Error(Code::data, "the override does not fit the configuration: `" + path + "` is a list")
        .key(path)
        .found("`" + part + "` in --set " + assignment)
        .expected("a position from 0 to " + std::to_string(node.items.size()));
  }
  throw Error(Code::data, "the override does not fit the configuration: `" + path + "` is no map")
      .key(path)
      .found(describe(node) + " where --set " + assignment + " needs a map")
      .hint("set the whole value: --set '" + path + "={" + part + ": ...}'");
}

nlohmann::json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return nullptr;
    case YamlNode::Kind::scalar:
      return node.text;
    case YamlNode::Kind::list: {
      auto list = nlohmann::json::array();
      for (const auto& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case YamlNode::Kind::map:
      break;
  }
  auto map = nlohmann::json::object();
  for (const auto& entry : node.entries) map[entry.key] = to_json(entry.value);
  return map;
}

}  // namespace

const YamlNode* YamlNode::find(const std::string& key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

YamlNode* YamlNode::find(const std::string& key) {
  for (auto& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

YamlNode parse_yaml(const std::string& text, const std::string& file) {
  std::vector<YAML::Node> documents;
  try {
    check_yaml_limits(text, file);
    documents = YAML::LoadAll(text);
  } catch (const YAML::Exception& error) {
    const int line = error.mark.is_null() ? 0 : error.mark.line + 1;
    Error wrong(Code::data,
                "not valid YAML" + (line > 0 ? " at " + place(line, error.mark.column + 1) : ""));
    wrong.file(file).found(error.msg);
    wrong.hint("indent with spaces, close every bracket and quote, put a space after each colon");
    throw std::move(wrong);
  }
  if (documents.empty()) return {};
  if (documents.size() > 1) {
    throw Error(Code::data, "several YAML documents in one file")
        .file(file)
        .found(std::to_string(documents.size()) + " documents separated by ---")
        .expected("one");
  }
  return Converter(file).convert(documents.front(), "", 1, 0);
}

YamlNode read_yaml(const std::string& file) {
  constexpr size_t longest = size_t{2} << 20;
  return parse_yaml(read_file_up_to(file, longest), file);
}

void apply_override(YamlNode& root, const std::string& assignment) {
  const size_t equals = key_end(assignment);
  if (equals == std::string::npos) throw malformed(assignment, "no `=`");
  const auto parts = path_parts(assignment.substr(0, equals), assignment);
  YamlNode value;
  try {
    value = parse_yaml(assignment.substr(equals + 1), "--set " + assignment);
  } catch (const Error& error) {
    throw malformed(assignment, "the value is " + error.message() +
                                    (error.found().empty() ? "" : " (" + error.found() + ")"));
  }
  mark_overridden(value);
  YamlNode* node = &root;
  YamlNode* parent = nullptr;
  std::string path;
  for (const auto& part : parts) {
    parent = node;
    node = &step_into(*node, part, path, assignment);
    path = child_path(path, part);
  }
  *node = std::move(value);
  for (auto& entry : parent->entries) {
    if (&entry.value == node) entry.line = entry.column = 0;
  }
}

std::string canonical_json(const YamlNode& node) {
  return to_json(node).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    case YamlNode::Kind::scalar:
      break;
  }
  constexpr size_t shown = 80;
  return "`" + (node.text.size() > shown ? node.text.substr(0, shown) + "..." : node.text) + "`";
}

}  // namespace fluxtile
