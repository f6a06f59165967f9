// SPDX-License-Identifier: Apache-2.0
#include "pipeline/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace fluxtile {
namespace {

std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

/// A pipe whose ends close with it.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw Error(Code::internal, "no pipe to another program: " + reason(errno));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close_end(size_t which) {
    if (ends_.at(which) >= 0) close(ends_.at(which));
    ends_.at(which) = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// What is passed to posix_spawn.
class SpawnSettings {
 public:
  SpawnSettings(const Pipe& out, const Pipe& err) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, out.write_end(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files_, err.write_end(), STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);  // ignored by us
    posix_spawnattr_setsigdefault(&attributes_, &usual);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  [[nodiscard]] const posix_spawn_file_actions_t* files() const { return &files_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

std::vector<std::string> environment_without(const std::vector<std::string>& names) {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    if (std::find(names.begin(), names.end(), name) == names.end()) kept.emplace_back(text);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// Reads both pipes to their ends, whichever fills first.
void read_both(const Pipe& out, const Pipe& err, ChildOutcome& outcome) {
  std::array<pollfd, 2> watched{{{out.read_end(), POLLIN, 0}, {err.read_end(), POLLIN, 0}}};
  const std::array<std::string*, 2> texts{&outcome.out, &outcome.err};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (poll(watched.data(), watched.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (size_t k = 0; k < watched.size(); ++k) {
      if (watched.at(k).fd < 0 || watched.at(k).revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t n = read(watched.at(k).fd, buffer.data(), buffer.size());
      if (n > 0) texts.at(k)->append(buffer.data(), static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) watched.at(k).fd = -1;
    }
  }
}

}  // namespace

ChildOutcome run_child(const std::vector<std::string>& words,
                       const std::vector<std::string>& without) {
  for (const auto& word : words) {
    if (word.find('\0') != std::string::npos)
      throw Error(Code::usage, "a word of a command cannot hold a zero byte");
  }
  Pipe out, err;
  const SpawnSettings settings(out, err);
  std::vector<std::string> arguments = words, environment = environment_without(without);
  ChildOutcome outcome;
  pid_t process = 0;
  const int failed =
      posix_spawnp(&process, arguments.front().c_str(), settings.files(), settings.attributes(),
                   pointers(arguments).data(), pointers(environment).data());
  if (failed != 0) {
    outcome.err = reason(failed);
    return outcome;
  }
  outcome.started = true;
  out.close_end(1);
  err.close_end(1);
  read_both(out, err, outcome);
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) throw Error(Code::internal, "waitpid: " + reason(errno));
  }
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

}  // namespace fluxtile
