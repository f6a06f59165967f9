// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace fluxtile {

/// Sets up the process logger on stderr: level trace|debug|info|warn|error|off, format text|json
/// (one object a line: time, level, message). Synchronous: what was logged is there after a crash.
/// GDAL's, PROJ's and torch's messages are routed into it. Throws Error(usage) for unknown words.
/// Use spdlog::info(...) afterwards.
void initialise_log(const std::string& level, const std::string& format);

}  // namespace fluxtile
