// SPDX-License-Identifier: Apache-2.0
#include "pipeline/status_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace fluxtile {
namespace {
const std::string clear_line = "\r\033[K";
}

StatusLine& StatusLine::standard_error() {
  static auto* line = new StatusLine(STDERR_FILENO);  // outlives threads that still log at exit
  return *line;
}

void StatusLine::write_line(const std::string& text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  write_all(bar_.empty() ? text + "\n" : clear_line + text + "\n" + bar_);
}

void StatusLine::set_bar(const std::string& text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (text.empty() && bar_.empty()) return;
  bar_ = text.substr(0, static_cast<size_t>(width() - 1));
  write_all(clear_line + bar_);
}

void StatusLine::move_to(int descriptor) {
  const std::lock_guard<std::mutex> lock(mutex_);
  descriptor_ = descriptor;
}

bool StatusLine::terminal() const {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor_) == 1 && kind != nullptr && std::string(kind) != "dumb";
}

int StatusLine::width() const {
  struct winsize size {};
  if (ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col;
  return 80;
}

void StatusLine::write_all(const std::string& bytes) const {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace fluxtile
