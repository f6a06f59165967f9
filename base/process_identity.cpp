// SPDX-License-Identifier: Apache-2.0
#include "base/process_identity.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>

namespace fluxtile {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct ProcessState {
  char state = '?';
  uint64_t started = 0;
};

/// From /proc/PID/stat; nullopt where it cannot be read (gone, or /proc hides it).
std::optional<ProcessState> state_of(int64_t pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = line.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  ProcessState state;
  fields >> state.state;
  std::string skipped;
  constexpr int before_start = 18;  // fields 4 to 21
  for (int k = 0; k < before_start; ++k) fields >> skipped;
  fields >> state.started;
  if (!fields) return std::nullopt;
  return state;
}

}  // namespace

ProcessIdentity ProcessIdentity::own() {
  ProcessIdentity own;
  own.host = this_host();
  own.machine = first_line("/etc/machine-id");
  own.boot = first_line("/proc/sys/kernel/random/boot_id");
  char space[64] = {};
  if (readlink("/proc/self/ns/pid", space, sizeof space - 1) > 0) own.pid_space = space;
  own.pid = getpid();
  own.started = own_start();
  return own;
}

Fate fate_of(const ProcessIdentity& process, const ProcessIdentity& here) {
  if (process.host != here.host || process.machine != here.machine || process.boot.empty())
    return Fate::unknown;
  if (process.boot != here.boot) return Fate::gone;
  if (process.pid_space != here.pid_space || process.pid <= 0) return Fate::unknown;
  return fate_of_neighbour(process.pid, process.started);
}

Fate fate_of_neighbour(int64_t pid, uint64_t started) {
  if (kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return Fate::gone;
  const auto state = state_of(pid);
  if (!state) return Fate::running;  // there, but /proc shows no more of it
  const bool ended = state->state == 'Z' || state->state == 'X';
  return ended || (started != 0 && state->started != started) ? Fate::gone : Fate::running;
}

std::string this_host() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "host";
}

uint64_t own_start() {
  const auto state = state_of(getpid());
  return state ? state->started : 0;
}

}  // namespace fluxtile
