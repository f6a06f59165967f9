// SPDX-License-Identifier: Apache-2.0
#include "base/stop.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include "base/error.h"

namespace fluxtile {
namespace {
std::atomic<int> pending{0};
static_assert(std::atomic<int>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

std::string name_of(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? std::to_string(signal) : name;
}

extern "C" void on_signal(int signal) {
  if (pending != 0 && signal == SIGINT) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  pending = signal;
}
}  // namespace

void Stop::install_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGXCPU}) sigaction(signal, &action, nullptr);
}

void Stop::request(int signal) noexcept { pending = signal; }
int Stop::requested() noexcept { return pending.load(); }
void Stop::clear() noexcept { pending = 0; }

void Stop::throw_if_requested() {
  const int signal = requested();
  if (signal == 0) return;
  throw Error(Code::interrupted, "stopped by signal SIG" + name_of(signal))
      .hint("run the same command again: finished tile-years are kept");
}

void Stop::sleep(std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds slice{50};
  const auto end = Clock::now() + time;
  for (;;) {
    throw_if_requested();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left <= left.zero()) return;
    std::this_thread::sleep_for(std::min(slice, left));
  }
}

}  // namespace fluxtile
