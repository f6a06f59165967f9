// SPDX-License-Identifier: Apache-2.0
#include "pipeline/json_stderr.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>

#include "pipeline/log.h"
#include "pipeline/status_line.h"

namespace fluxtile {
namespace {

std::atomic<int> pipe_to_drain{-1};

/// The reader still runs when a thread aborts: it is given the time to pass the last words on.
void wait_for_last_words(int) {
  const int pipe = pipe_to_drain.load();
  const timespec moment{0, 20000000};
  int waiting = 1;
  for (int k = 0; k < 50 && waiting > 0; ++k) {
    if (ioctl(pipe, FIONREAD, &waiting) != 0) return;
    nanosleep(&moment, nullptr);
  }
}

}  // namespace

JsonStderr::JsonStderr() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;  // without it, all is as it was
  true_stderr_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  wake_ = eventfd(0, EFD_CLOEXEC);
  if (true_stderr_ < 0 || wake_ < 0) {
    close(ends[0]);
    close(ends[1]);
    if (true_stderr_ >= 0) close(true_stderr_);
    true_stderr_ = -1;
    return;
  }
  read_end_ = ends[0];
  fcntl(read_end_, F_SETFL, O_NONBLOCK);
  StatusLine::standard_error().move_to(true_stderr_);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  pipe_to_drain = read_end_;
  struct sigaction action {};
  action.sa_handler = wait_for_last_words;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGABRT, &action, nullptr);
  reader_ = std::thread([this] { read_lines(); });
}

JsonStderr::~JsonStderr() {
  if (true_stderr_ < 0) return;
  dup2(true_stderr_, STDERR_FILENO);
  const uint64_t one = 1;
  while (write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  reader_.join();
  std::signal(SIGABRT, SIG_DFL);
  pipe_to_drain = -1;
  StatusLine::standard_error().move_to(STDERR_FILENO);
  for (const int descriptor : {read_end_, wake_, true_stderr_}) close(descriptor);
}

void JsonStderr::say(const std::string& text) const {
  if (text.empty()) return;
  nlohmann::ordered_json line;
  line["time"] = utc_text(std::chrono::system_clock::now());
  line["level"] = "warn";
  line["message"] = text;
  StatusLine::standard_error().write_line(
      line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void JsonStderr::read_lines() {
  std::string line;
  bool closing = false;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(read_end_, buffer, sizeof buffer);
    if (n > 0) {
      for (ssize_t k = 0; k < n; ++k) {
        if (buffer[k] != '\n') {
          line += buffer[k];
          continue;
        }
        say(line);
        line.clear();
      }
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || closing) break;
    pollfd wanted[2] = {{read_end_, POLLIN, 0}, {wake_, POLLIN, 0}};
    poll(wanted, 2, -1);
    closing = (wanted[1].revents & POLLIN) != 0;
  }
  say(line);
}

}  // namespace fluxtile
