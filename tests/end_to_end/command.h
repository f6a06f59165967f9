// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fluxtile::end_to_end {

using Words = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

/// How a program ended and what it said.
struct Outcome {
  int code = -1;   ///< exit code; -1 when a signal ended it
  int signal = 0;  ///< the signal that ended it
  std::string out, err;
  double seconds = 0;
};

/// A program that is running. Its process is killed when the object goes.
class Program {
 public:
  /// `words.front()` is looked up in PATH. `environment` is added to this process's. stdout and
  /// stderr go to files, stdin is empty.
  explicit Program(const Words& words, const Environment& environment = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  [[nodiscard]] pid_t process() const { return process_; }
  /// Polls until `there` says so (true) or the program has ended (false).
  bool wait_until(const std::function<bool()>& there);
  /// Waits for the end; kills the program after `most` seconds.
  Outcome wait(double most = 600);

 private:
  bool ended();
  pid_t process_ = -1;
  std::optional<int> status_;
  std::filesystem::path out_, err_;
  std::chrono::steady_clock::time_point begin_;
};

/// Runs any program to its end.
Outcome execute(const Words& words, const Environment& environment = {});

/// Runs the command under test to its end.
Outcome fluxtile(const Words& words, const Environment& environment = {});

/// The words of the command under test with its path in front.
Words fluxtile_words(const Words& words);

}  // namespace fluxtile::end_to_end
