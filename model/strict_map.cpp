// SPDX-License-Identifier: Apache-2.0
#include "model/strict_map.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/nearest_name.h"

namespace fluxtile {
namespace {

std::string kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "'" + node.Scalar() + "'";
    default:
      return "nothing";
  }
}

/// The whole of `text` as a finite number in C's decimal form.
std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

}  // namespace

int line_of(const YAML::Node& node) { return node.Mark().is_null() ? 0 : node.Mark().line + 1; }

StrictMap::StrictMap(const YAML::Node& node, std::string file, std::string path,
                     const std::vector<std::string>& known)
    : node_(node), file_(std::move(file)), path_(std::move(path)) {
  if (!node_.IsMap())
    throw Error(Code::data, "a mapping is needed here")
        .file(file_)
        .key(path_, fluxtile::line_of(node_))
        .found(kind_of(node_))
        .expected("key: value");
  std::set<std::string> seen;
  for (const auto& item : node_) {
    const std::string key = item.first.IsScalar() ? item.first.Scalar() : kind_of(item.first);
    const int line = fluxtile::line_of(item.first);
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(Code::data, "unknown key '" + key + "'")
          .file(file_)
          .key(path_of(key), line)
          .hint(suggestion(key, known));
    if (!seen.insert(key).second)
      throw Error(Code::data, "key '" + key + "' is there twice")
          .file(file_)
          .key(path_of(key), line)
          .hint("remove one of them");
  }
}

bool StrictMap::has(const std::string& key) const {
  const YAML::Node found = node_[key];
  return found.IsDefined() && !found.IsNull();
}

YAML::Node StrictMap::need(const std::string& key) const {
  if (!has(key)) throw error(key, "key '" + key + "' is missing");
  return node_[key];
}

std::string StrictMap::text(const std::string& key) const {
  const YAML::Node found = need(key);
  if (!found.IsScalar() || found.Scalar().empty())
    throw error(key, "a text is needed here").found(kind_of(found));
  return found.Scalar();
}

std::string StrictMap::text_or(const std::string& key, const std::string& otherwise) const {
  return has(key) ? text(key) : otherwise;
}

double StrictMap::number(const std::string& key) const {
  const YAML::Node found = need(key);
  const auto value = found.IsScalar() ? parse_number(found.Scalar()) : std::nullopt;
  if (!value)
    throw error(key, "a number is needed here").found(kind_of(found)).expected("a finite number");
  return *value;
}

std::optional<double> StrictMap::optional_number(const std::string& key) const {
  if (!has(key)) return {};
  return number(key);
}

bool StrictMap::boolean_or(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const std::string value = text(key);
  if (value == "true") return true;
  if (value == "false") return false;
  throw error(key, "true or false is needed here").found("'" + value + "'");
}

std::string StrictMap::path_of(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

int StrictMap::line_of(const std::string& key) const {
  for (const auto& item : node_)
    if (item.first.IsScalar() && item.first.Scalar() == key) return fluxtile::line_of(item.first);
  return fluxtile::line_of(node_);
}

Error StrictMap::error(const std::string& key, const std::string& message) const {
  return Error(Code::data, message).file(file_).key(path_of(key), line_of(key));
}

}  // namespace fluxtile
