// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "pipeline/verbs.h"

namespace fluxtile {

/// What the user asked for, checked as far as the words alone allow.
struct Command {
  std::string verb;                    ///< empty: only `text` is wanted
  std::string text;                    ///< answer to --help or --version, for stdout
  std::string config;                  ///< CONFIG, or the world description of simulate
  std::vector<std::string> overrides;  ///< --set, then --threads and --memory as overrides
  std::vector<std::string> paths;      ///< inspect: PATH...; verify: DIR; simulate: --out
  VerbOptions options;
  PixelOptions pixel;
  CleanOptions clean;
  SubmitOptions submit;
  std::string points_file;  ///< --points
  std::string metrics;      ///< --metrics
  std::string log_level = "info", log_format = "text";
};

/// Reads the words after the program's name. Throws Error(usage), with the nearest verb or option.
Command parse_command_line(const std::vector<std::string>& words);

/// Runs one command: sets up log, signals and GDAL, reads the configuration, calls the verb. What a
/// script may parse goes to `out`, everything else to stderr. Returns the exit code; never throws.
int command_line(const std::vector<std::string>& words, std::ostream& out);

/// Whether the log shall be JSON, also where the command line cannot be parsed.
bool wants_json_log(const std::vector<std::string>& words);

/// The message for an error, as text ("fluxtile: error: ...") or as one JSON object.
std::string error_text(const Error& error, bool json);

}  // namespace fluxtile
