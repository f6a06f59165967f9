// SPDX-License-Identifier: Apache-2.0
#include "pipeline/yaml_walker.h"

#include <sstream>

#include "base/nearest_name.h"
#include "pipeline/config_values.h"

namespace fluxtile {
namespace {

std::string joined_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string shapes_text(unsigned shapes) {
  std::string text;
  const auto add = [&text](const char* word) {
    text += (text.empty() ? "" : " or ") + std::string(word);
  };
  if ((shapes & shape_text) != 0) add("a single value");
  if ((shapes & shape_list) != 0) add("a list");
  if ((shapes & shape_map) != 0) add("a map of keys");
  return text;
}

unsigned shape_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::scalar:
      return shape_text;
    case YamlNode::Kind::list:
      return shape_list;
    case YamlNode::Kind::map:
      return shape_map;
    case YamlNode::Kind::null:
      break;
  }
  return 0;
}

class SchemaCheck {
 public:
  SchemaCheck(const YamlSchema& schema, const std::string& file) : schema_(schema), file_(file) {}

  void value(const YamlNode& node, const std::string& path, const std::string& pattern,
             int line) const {
    const YamlKey* key = schema_.find(pattern);
    const unsigned shapes = pattern.empty() ? shape_map : key != nullptr ? key->shapes : shape_text;
    if ((shape_of(node) & shapes) == 0) {
      const bool nothing = node.kind == YamlNode::Kind::null;
      throw Error(Code::data, path.empty() ? "the file holds no map of keys"
                              : nothing    ? "`" + path + "` has no value"
                                           : "`" + path + "` has the wrong shape")
          .file(file_)
          .key(path, line)
          .found(describe(node) + (node.overridden ? " (given by --set)" : ""))
          .expected(shapes_text(shapes) +
                    (key != nullptr && !key->meaning.empty() ? ": " + key->meaning : ""));
    }
    const std::string any = joined_path(pattern, "*");
    for (size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& item = node.items[i];
      value(item, joined_path(path, std::to_string(i)), any, item.line > 0 ? item.line : line);
    }
    if (node.kind == YamlNode::Kind::map) entries(node, path, pattern, any);
  }

 private:
  void entries(const YamlNode& node, const std::string& path, const std::string& pattern,
               const std::string& any) const {
    const bool free_names = schema_.find(any) != nullptr;
    for (const auto& entry : node.entries) {
      const std::string child = joined_path(path, entry.key);
      if (free_names) {
        value(entry.value, child, any, entry.line);
        continue;
      }
      const std::string known = joined_path(pattern, entry.key);
      if (schema_.find(known) == nullptr || entry.key == "*") {
        throw unknown(entry, child, path, schema_.children(pattern));
      }
      value(entry.value, child, known, entry.line);
    }
  }

  [[nodiscard]] Error unknown(const YamlEntry& entry, const std::string& child,
                              const std::string& path,
                              const std::vector<std::string>& names) const {
    std::string message = "unknown key `" + entry.key + "`";
    if (entry.line > 0) {
      message +=
          " at line " + std::to_string(entry.line) + ", column " + std::to_string(entry.column);
    } else {
      message += " (given by --set)";
    }
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
    return Error(Code::data, message)
        .file(file_)
        .key(child, entry.line)
        .expected("keys " + (path.empty() ? "of the file" : "under `" + path + "`") + ": " + all)
        .hint(suggestion(entry.key, nearest_names(entry.key, names)));
  }

  const YamlSchema& schema_;
  const std::string& file_;
};

std::string plain(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

template <typename Number>
std::string range_text(Number least, Number most, const std::string& kind) {
  const bool low = least > std::numeric_limits<Number>::lowest();
  const bool high = most < std::numeric_limits<Number>::max();
  const auto show = [](Number n) { return plain(static_cast<double>(n)); };
  if (low && high) return kind + " from " + show(least) + " to " + show(most);
  if (low) return kind + " not below " + show(least);
  if (high) return kind + " not above " + show(most);
  return kind;
}

}  // namespace

const YamlKey* YamlSchema::find(const std::string& pattern) const {
  for (const auto& key : keys_) {
    if (key.path == pattern) return &key;
  }
  return nullptr;
}

std::vector<std::string> YamlSchema::children(const std::string& pattern) const {
  const std::string prefix = pattern.empty() ? "" : pattern + ".";
  std::vector<std::string> names;
  for (const auto& key : keys_) {
    if (key.path.size() <= prefix.size() || key.path.compare(0, prefix.size(), prefix) != 0)
      continue;
    const std::string rest = key.path.substr(prefix.size());
    if (rest.find('.') == std::string::npos && rest != "*") names.push_back(rest);
  }
  return names;
}

void check_schema(const YamlNode& root, const YamlSchema& schema, const std::string& file) {
  SchemaCheck(schema, file).value(root, "", "", root.line);
}

YamlWalker::YamlWalker(const YamlNode& root, const YamlSchema& schema, std::string file)
    : node_(&root), schema_(&schema), file_(std::move(file)), line_(root.line) {}

YamlWalker::YamlWalker(const YamlNode& node, const YamlWalker& parent, const std::string& key,
                       const std::string& pattern, int line)
    : node_(&node),
      schema_(parent.schema_),
      file_(parent.file_),
      path_(joined_path(parent.path_, key)),
      pattern_(joined_path(parent.pattern_, pattern)),
      name_(key),
      line_(line) {}

std::optional<YamlWalker> YamlWalker::find(const std::string& key) const {
  for (const auto& entry : node_->entries) {
    if (entry.key != key) continue;
    const bool declared = schema_->find(joined_path(pattern_, key)) != nullptr;
    return YamlWalker(entry.value, *this, key, declared ? key : "*", entry.line);
  }
  return std::nullopt;
}

YamlWalker YamlWalker::at(const std::string& key) const {
  if (auto value = find(key)) return *value;
  const std::string child = joined_path(path_, key);
  const YamlKey* known = schema_->find(joined_path(pattern_, key));
  throw Error(Code::data, "missing required key `" + child + "`")
      .file(file_)
      .key(child, line_)
      .expected(known != nullptr && !known->meaning.empty() ? key + ": " + known->meaning : key);
}

std::vector<YamlWalker> YamlWalker::items() const {
  std::vector<YamlWalker> found;
  if (node_->kind == YamlNode::Kind::scalar) found.push_back(*this);
  for (size_t i = 0; i < node_->items.size(); ++i) {
    const YamlNode& item = node_->items[i];
    found.push_back(
        YamlWalker(item, *this, std::to_string(i), "*", item.line > 0 ? item.line : line_));
  }
  for (const auto& entry : node_->entries) {
    const bool declared = schema_->find(joined_path(pattern_, entry.key)) != nullptr;
    found.push_back(
        YamlWalker(entry.value, *this, entry.key, declared ? entry.key : "*", entry.line));
  }
  return found;
}

const std::string& YamlWalker::text() const {
  if (node_->kind != YamlNode::Kind::scalar || node_->text.empty())
    throw error("`" + path_ + "` has no value").expected("text");
  return node_->text;
}

double YamlWalker::real(double least, double most) const {
  const auto number = number_in(text());
  if (!number || !(*number >= least && *number <= most)) {
    throw error(number ? "`" + path_ + "` is out of range" : "`" + path_ + "` is no number")
        .expected(range_text(least, most, "a number"));
  }
  return *number;
}

int64_t YamlWalker::whole(int64_t least, int64_t most) const {
  const auto number = whole_number_in(text());
  if (!number || *number < least || *number > most) {
    throw error(number ? "`" + path_ + "` is out of range" : "`" + path_ + "` is no whole number")
        .expected(range_text(least, most, "a whole number"));
  }
  return *number;
}

bool YamlWalker::boolean() const {
  const std::string& word = text();
  if (word == "true" || word == "True" || word == "TRUE") return true;
  if (word == "false" || word == "False" || word == "FALSE") return false;
  throw error("`" + path_ + "` is neither true nor false").expected("true or false");
}

size_t YamlWalker::choice(const std::vector<std::string>& words) const {
  const std::string& word = text();
  std::string all;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return i;
    all += (i == 0 ? "" : ", ") + words[i];
  }
  const auto near = nearest_names(word, words);
  throw error("`" + path_ + "` has an unknown value")
      .expected("one of " + all)
      .hint(near.empty() ? "" : suggestion(word, near));
}

Error YamlWalker::error(const std::string& message) const {
  return Error(Code::data, message)
      .file(file_)
      .key(path_, line_)
      .found(describe(*node_) + (node_->overridden ? " (given by --set)" : ""));
}

Error YamlWalker::located(Error wrong) const {
  wrong.file(file_).key(path_, line_);
  const std::string what = wrong.found().empty() ? describe(*node_) : wrong.found();
  return wrong.found(what + (node_->overridden ? " (given by --set)" : ""));
}

}  // namespace fluxtile
