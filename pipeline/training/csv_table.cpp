// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/csv_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/atomic_file.h"
#include "base/nearest_name.h"
#include "pipeline/config_values.h"
#include "pipeline/csv_line.h"

namespace fluxtile {
namespace {

/// The separator that the first line holds most of.
char separator_of(const std::string& line) {
  char best = ',';
  for (const char c : {';', '\t'}) {
    if (std::count(line.begin(), line.end(), c) > std::count(line.begin(), line.end(), best))
      best = c;
  }
  return best;
}

/// Fields of a line; in quotes a separator is text and two quotes are one.
std::vector<std::string> fields_of(const std::string& line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  for (auto& field : fields) field = trimmed(field);
  return fields;
}

}  // namespace

CsvTable::CsvTable(const std::string& path) : path_(path) {
  std::string content = read_file(path);
  if (content.compare(0, 3, "\xEF\xBB\xBF") == 0) content.erase(0, 3);
  char separator = ',';
  int number = 0;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    const std::string line = content.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (trimmed(line).empty()) continue;
    if (names_.empty()) {
      separator = separator_of(line);
      names_ = fields_of(line, separator);
      const std::set<std::string> unique(names_.begin(), names_.end());
      if (unique.size() != names_.size()) {
        const auto twice = std::find_if(names_.begin(), names_.end(), [&](const std::string& name) {
          return std::count(names_.begin(), names_.end(), name) > 1;
        });
        throw Error(Code::data, "two columns have one name").file(path).found("`" + *twice + "`");
      }
      continue;
    }
    auto fields = fields_of(line, separator);
    if (fields.size() != names_.size()) {
      throw Error(Code::data, "line " + std::to_string(number) + " has another number of fields")
          .file(path)
          .found(std::to_string(fields.size()))
          .expected(std::to_string(names_.size()) + ", as in the first line");
    }
    lines_.push_back(number);
    std::move(fields.begin(), fields.end(), std::back_inserter(fields_));
  }
  if (names_.empty())
    throw Error(Code::data, "the file is empty").file(path).expected("a line with column names");
}

bool CsvTable::has(const std::string& name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

size_t CsvTable::column(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
  std::string first;
  for (size_t i = 0; i < std::min<size_t>(8, names_.size()); ++i)
    first += (first.empty() ? "" : ", ") + names_[i];
  throw Error(Code::data, "the file has no column `" + name + "`")
      .file(path_)
      .found(std::to_string(names_.size()) + " columns: " + first +
             (names_.size() > 8 ? ", ..." : ""))
      .expected("`" + name + "`")
      .hint(suggestion(name, nearest_names(name, names_)));
}

Error CsvTable::error(size_t row, size_t column, const std::string& message) const {
  return Error(Code::data, "line " + std::to_string(lines_[row]) + ": " + message)
      .file(path_)
      .found("`" + text(row, column) + "` in column `" + names_[column] + "`");
}

double CsvTable::number(size_t row, size_t column, const std::vector<double>& missing) const {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::string& field = text(row, column);
  if (field.empty() || field == "NA") return none;
  const auto value = number_in(field);
  if (!value || std::isinf(*value)) throw error(row, column, "not a number").expected("a number");
  const bool none_given = std::find(missing.begin(), missing.end(), *value) != missing.end();
  return none_given ? none : *value;
}

}  // namespace fluxtile
