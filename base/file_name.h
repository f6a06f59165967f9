// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// A name from data (a region, a site) as part of a file name: letters, digits, '_', '-' and a '.'
/// that is not the first stay, every other byte becomes %XX. Different names stay different, and no
/// name leads to another folder.
std::string file_name_of(const std::string& name);

/// Whether `name` names a file of the folder it is looked for in, and nothing else: not empty, no
/// '/' or NUL, neither "." nor "..", no longer than a file system takes.
bool is_file_name(const std::string& name) noexcept;

}  // namespace fluxtile
