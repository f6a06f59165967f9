// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

/// The names closest to `wanted` by edit distance (case folded), best first, at most `limit`; empty
/// if nothing is near. For messages: "did you mean ...?".
std::vector<std::string> nearest_names(const std::string& wanted,
                                       const std::vector<std::string>& names, size_t limit = 3);

/// "did you mean a, b or c?", or the first few known names when none is near. Empty if `names` is
/// empty.
std::string suggestion(const std::string& wanted, const std::vector<std::string>& names);

}  // namespace fluxtile
