// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace fluxtile {

/// A CSV file as text: one line with column names, then rows. Fields may be quoted; a byte order
/// mark, CR LF and blank lines are understood; the separator is `,`, or `;` or a tab where the
/// first line holds more of them.
class CsvTable {
 public:
  /// Throws Error(data) for a file without a first line or a row of another length, with its line.
  explicit CsvTable(const std::string& path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] size_t rows() const noexcept { return lines_.size(); }
  [[nodiscard]] bool has(const std::string& name) const;
  /// Position of a column; throws Error(data) with the nearest names there are.
  [[nodiscard]] size_t column(const std::string& name) const;
  [[nodiscard]] const std::string& text(size_t row, size_t column) const {
    return fields_[row * names_.size() + column];
  }
  /// A number; NaN for an empty field, `NA`, `NaN` and the numbers listed in `missing`. Throws
  /// Error(data) with line and column for anything else.
  [[nodiscard]] double number(size_t row, size_t column, const std::vector<double>& missing) const;
  /// An Error(data) that names file, line and column.
  [[nodiscard]] Error error(size_t row, size_t column, const std::string& message) const;

 private:
  std::string path_;
  std::vector<std::string> names_, fields_;
  std::vector<int> lines_;  // 1-based line of each row
};

}  // namespace fluxtile
