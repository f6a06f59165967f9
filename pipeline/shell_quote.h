// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxtile {

/// `word` as one word of a POSIX shell's command line that stands for exactly these bytes, whatever
/// they are (a word cannot hold NUL; Error(usage)). Plain words stay as they are.
std::string shell_quote(std::string_view word);

/// Words as one command line.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace fluxtile
