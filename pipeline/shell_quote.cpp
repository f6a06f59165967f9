// SPDX-License-Identifier: Apache-2.0
#include "pipeline/shell_quote.h"

#include "base/error.h"

namespace fluxtile {

std::string shell_quote(std::string_view word) {
  if (word.find('\0') != std::string_view::npos)
    throw Error(Code::usage, "a word of a command cannot hold a zero byte");
  // No letter ranges of a locale: what is not in this list is quoted.
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%=";
  // A first word with `=` would be an assignment, so `=` needs company.
  const bool harmless = !word.empty() && word.find_first_not_of(plain) == std::string_view::npos &&
                        (word.find('=') == std::string_view::npos || word.front() == '-');
  if (harmless) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + shell_quote(word);
  return line;
}

}  // namespace fluxtile
