// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <thread>

namespace fluxtile {

/// While it lives, whatever a library writes to stderr by itself (HDF5, OpenBLAS, torch, the C++
/// runtime on its way down) becomes a JSON line of the log, so that a program that reads the log
/// can rely on every line. Our own lines go where they went, at once. One a process.
class JsonStderr {
 public:
  JsonStderr();
  ~JsonStderr();
  JsonStderr(const JsonStderr&) = delete;
  JsonStderr& operator=(const JsonStderr&) = delete;

 private:
  void read_lines();
  void say(const std::string& line) const;

  int true_stderr_ = -1, read_end_ = -1, wake_ = -1;
  std::thread reader_;
};

}  // namespace fluxtile
