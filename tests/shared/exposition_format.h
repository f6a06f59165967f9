// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace fluxtile::test {

/// A metrics file as a strict reader of Prometheus' text format 0.0.4 sees it.
struct Exposition {
  std::vector<std::string> problems;
  /// name -> labels as `a="x",b="y"` in the order of the file -> value
  std::map<std::string, std::map<std::string, double>> samples;
  std::map<std::string, std::string> types;

  /// The value of the only sample of a metric.
  [[nodiscard]] double one(const std::string& name) const {
    const auto found = samples.find(name);
    return found == samples.end() || found->second.size() != 1 ? -1e99
                                                               : found->second.begin()->second;
  }
  /// The sum of the samples whose labels hold a text.
  [[nodiscard]] double sum(const std::string& name, const std::string& label = "") const {
    double total = 0;
    const auto found = samples.find(name);
    if (found == samples.end()) return -1e99;
    for (const auto& [labels, value] : found->second)
      if (labels.find(label) != std::string::npos) total += value;
    return total;
  }
};

/// Reads a text and notes everything that node_exporter's parser would refuse, and what is bad
/// manners: samples without HELP and TYPE before them, metrics that are not in one piece, repeated
/// samples, time stamps.
inline Exposition read_exposition(const std::string& text) {
  Exposition found;
  const auto bad = [&found](const std::string& what, const std::string& line) {
    found.problems.push_back(what + ": " + line);
  };
  const auto is_name = [](const std::string& name, bool colon) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (!letter && !(c >= '0' && c <= '9') && !(colon && c == ':')) return false;
    }
    return true;
  };
  if (text.empty() || text.back() != '\n') bad("no line end at the end", "");
  std::set<std::string> helped, closed;
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      bad("an empty line", line);
      continue;
    }
    if (line[0] == '#') {
      std::istringstream words(line);
      std::string hash, kind, name, rest;
      words >> hash >> kind >> name;
      std::getline(words, rest);
      if (!is_name(name, true)) bad("not a metric's name", line);
      if (kind == "HELP") {
        if (!helped.insert(name).second) bad("a second HELP", line);
        if (rest.size() < 2) bad("an empty HELP", line);
        for (size_t k = 0; k < rest.size(); ++k) {
          if (rest[k] != '\\') continue;
          if (k + 1 == rest.size() || (rest[k + 1] != '\\' && rest[k + 1] != 'n'))
            bad("an unknown escape", line);
          ++k;
        }
      } else if (kind == "TYPE") {
        if (rest != " gauge" && rest != " counter") bad("not a type", line);
        if (!found.types.emplace(name, rest.substr(rest.empty() ? 0 : 1)).second)
          bad("a second TYPE", line);
        if (helped.count(name) == 0) bad("TYPE before HELP", line);
        if (found.samples.count(name) > 0) bad("TYPE behind samples", line);
      } else {
        bad("neither HELP nor TYPE", line);
      }
      continue;
    }
    const size_t name_end = line.find_first_of("{ ");
    const std::string name = line.substr(0, name_end);
    if (!is_name(name, true)) bad("not a metric's name", line);
    if (found.types.count(name) == 0) bad("a sample without TYPE", line);
    if (name != current) {
      if (!closed.insert(name).second) bad("a metric in two pieces", line);
      current = name;
    }
    size_t at = name_end;
    std::string labels;
    std::set<std::string> label_names;
    if (at != std::string::npos && line[at] == '{') {
      ++at;
      while (at < line.size() && line[at] != '}') {
        const size_t equals = line.find('=', at);
        if (equals == std::string::npos || equals + 1 >= line.size() || line[equals + 1] != '"') {
          bad("a label without a value in quotes", line);
          break;
        }
        const std::string label = line.substr(at, equals - at);
        if (!is_name(label, false)) bad("not a label's name", line);
        if (!label_names.insert(label).second) bad("a label twice", line);
        size_t end = equals + 2;
        for (; end < line.size() && line[end] != '"'; ++end) {
          if (line[end] != '\\') continue;
          ++end;
          if (end >= line.size() || (line[end] != '\\' && line[end] != '"' && line[end] != 'n'))
            bad("an unknown escape", line);
        }
        labels += (labels.empty() ? "" : ",") + line.substr(at, end + 1 - at);
        at = end + 1;
        if (at < line.size() && line[at] == ',') {
          ++at;
        } else if (at >= line.size() || line[at] != '}') {
          bad("labels that do not end", line);
          break;
        }
      }
      ++at;
    }
    if (at >= line.size() || line[at] != ' ') {
      bad("no blank before the value", line);
      continue;
    }
    const std::string number = line.substr(at + 1);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || number.find(' ') != std::string::npos)
      bad("not a value alone", line);
    if (!found.samples[name].emplace(labels, value).second) bad("a sample twice", line);
  }
  for (const auto& name : helped)
    if (found.types.count(name) == 0) bad("HELP without TYPE", name);
  for (size_t k = 0; k < text.size();) {  // the format is UTF-8
    const auto c = static_cast<unsigned char>(text[k]);
    const size_t length = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
    bool whole = length > 0 && k + length <= text.size();
    for (size_t j = 1; whole && j < length; ++j)
      whole = (static_cast<unsigned char>(text[k + j]) & 0xC0U) == 0x80;
    if (!whole) {
      bad("not UTF-8", "");
      break;
    }
    k += length;
  }
  return found;
}

}  // namespace fluxtile::test
