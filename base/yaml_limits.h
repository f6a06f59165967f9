// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// Throws Error(data) for YAML that would take much more memory or time than its size: too long,
/// nested too deeply, or with aliases that grow it (or never end). Reads the text once and builds
/// nothing. Text that is no YAML throws yaml-cpp's own YAML::ParserException.
void check_yaml_limits(const std::string& text, const std::string& file);

}  // namespace fluxtile
