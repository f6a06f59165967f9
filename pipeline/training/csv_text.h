// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

/// A line of a CSV file with its line end (RFC 4180): fields with a comma, a quote or a line break
/// are quoted.
std::string csv_line(const std::vector<std::string>& fields);
/// The shortest text that reads back as the same number; empty for what is no finite number.
std::string csv_number(double value);

}  // namespace fluxtile
