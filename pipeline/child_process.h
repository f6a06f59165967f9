// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

/// How a program ended and what it said.
struct ChildOutcome {
  bool started = false;  ///< false: there is no such program, `err` says why
  int code = -1;         ///< exit code; -1 when a signal ended it
  int signal = 0;        ///< the signal that ended it
  std::string out, err;
};

/// Starts `words.front()`, looked up in PATH, with these words as they are (no shell), without the
/// environment variables named in `without`, with empty stdin, and waits for its end. Throws
/// Error(internal) when the system has no pipe or process to give.
ChildOutcome run_child(const std::vector<std::string>& words,
                       const std::vector<std::string>& without = {});

}  // namespace fluxtile
