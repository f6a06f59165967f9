// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace fluxtile {

/// A request to stop, set by a signal handler (TERM, INT, USR1, XCPU) and looked at between units
/// of work. Process-wide because a signal is. All calls are thread- and signal-safe.
class Stop {
 public:
  static void install_handlers();  ///< SIGTERM, SIGINT, SIGUSR1, SIGXCPU set the flag; a second
                                   ///< SIGINT kills at once
  static void request(int signal) noexcept;
  [[nodiscard]] static int requested() noexcept;  ///< the signal's number, 0 if none
  static void throw_if_requested();               ///< throws Error(interrupted) naming the signal
  /// Waits, but not past a request: then it throws as throw_if_requested() does.
  static void sleep(std::chrono::milliseconds time);
  static void clear() noexcept;  ///< for tests
};

}  // namespace fluxtile
