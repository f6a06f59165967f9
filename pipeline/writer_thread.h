// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "pipeline/timeline.h"

namespace fluxtile {

/// A thread that does one piece of work after the other, in the order of post(): for work that
/// mostly waits for a disk. Destroyed, it first does what was posted.
class WriterThread {
 public:
  /// `timeline` (may be null) calls the thread "writer".
  explicit WriterThread(Timeline* timeline);
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  /// `work` must not throw.
  void post(std::function<void()> work);

 private:
  void run(Timeline* timeline);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
  bool closing_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace fluxtile
