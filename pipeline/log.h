// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

namespace fluxtile {

/// Sets up the process logger on stderr: level trace|debug|info|warn|error|off, format text|json
/// (one object a line: time, level, message). Synchronous: what was logged is there after a crash.
/// GDAL's, PROJ's and torch's messages are routed into it. Throws Error(usage) for unknown words.
/// Use spdlog::info(...) afterwards.
void initialise_log(const std::string& level, const std::string& format);

/// "2018-07-14T09:05:53.123Z", the form of times in JSON lines.
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace fluxtile
