// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "pipeline/run_facts.h"

namespace fluxtile {

/// `.fluxtile/last-run.json`: what a run tells of itself while it goes on and when it has ended.
std::string last_run_path(const std::string& private_folder);
std::string last_run_text(const RunFacts& facts);
/// Nullopt for what is not there or cannot be read.
std::optional<RunFacts> read_last_run(const std::string& private_folder);

/// "running", "ended", or "gone" for a run that neither ended nor goes on: killed, or its machine
/// went down.
std::string state_of(const RunFacts& facts);

/// "2018-07-14T09:05:53Z"; empty for 0, which is never.
std::string utc_seconds(double time);

}  // namespace fluxtile
