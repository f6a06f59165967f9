// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// As read_file(), but throws Error(data) for a file of more than `most` bytes, also for one that
/// does not tell its size or never ends.
std::string read_file_up_to(const std::string& path, size_t most);

}  // namespace fluxtile
