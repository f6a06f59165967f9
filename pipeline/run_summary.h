// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/run_facts.h"

namespace fluxtile {

/// What an exit code means, in few words.
const char* meaning_of(int code) noexcept;

/// A run in one line: name, how it ended, tile-years, days, products, wall clock, memory, and what
/// was new.
std::string summary_line(const RunFacts& facts);
/// The same as one JSON object: event "summary", message (that line), and every number.
std::string summary_json(const RunFacts& facts);

}  // namespace fluxtile
