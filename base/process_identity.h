// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace fluxtile {

/// Which process of which machine: what tells a process apart from a later one that got its number.
struct ProcessIdentity {
  std::string host;       ///< its name
  std::string machine;    ///< /etc/machine-id; empty where there is none
  std::string boot;       ///< the kernel's boot id
  std::string pid_space;  ///< the namespace that the number belongs to (containers have their own)
  int64_t pid = 0;
  uint64_t started = 0;  ///< clock ticks after boot

  /// Of this process, as it is now (also after a fork).
  static ProcessIdentity own();
};

enum class Fate {
  running,
  gone,    ///< ended, or its machine has booted since
  unknown  ///< of another machine or container: cannot be seen from here
};

/// What became of `process`, seen from `here`.
Fate fate_of(const ProcessIdentity& process, const ProcessIdentity& here = ProcessIdentity::own());

/// The same of a process of this machine and namespace, known by its number and start alone.
/// `started` 0: not known, so that any process of that number is taken for it.
Fate fate_of_neighbour(int64_t pid, uint64_t started);

/// The name of this machine; "host" where it has none.
std::string this_host();

/// When this process started, in clock ticks after boot; 0 where /proc does not tell.
uint64_t own_start();

}  // namespace fluxtile
