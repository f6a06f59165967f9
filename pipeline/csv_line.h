// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

/// Text without blanks, tabs and carriage returns around it.
std::string trimmed(const std::string& text);

/// Fields of one CSV line without blanks around them; quotes may enclose commas.
std::vector<std::string> csv_fields(const std::string& line);

}  // namespace fluxtile
