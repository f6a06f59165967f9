// SPDX-License-Identifier: Apache-2.0
#include "pipeline/writer_thread.h"

#include <utility>

namespace fluxtile {

WriterThread::WriterThread(Timeline* timeline) : thread_([this, timeline] { run(timeline); }) {}

WriterThread::~WriterThread() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void WriterThread::post(std::function<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void WriterThread::run(Timeline* timeline) {
  if (timeline != nullptr) timeline->name_thread("writer");
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return closing_ || !posted_.empty(); });
      if (posted_.empty()) return;
      work = std::move(posted_.front());
      posted_.pop_front();
    }
    work();
  }
}

}  // namespace fluxtile
