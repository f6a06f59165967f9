// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace fluxtile {

/// Receives when pieces of work began and ended; add() is called from any thread.
class WorkSpanSink {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~WorkSpanSink() = default;
  /// `what` lives as long as the program.
  virtual void add(const char* what, Clock::time_point begin, Clock::time_point end) noexcept = 0;
};

/// Who receives the spans of this process, null for nobody (the default). The sink must outlive
/// the work that is under way.
void set_work_span_sink(WorkSpanSink* sink) noexcept;

/// A piece of work on the calling thread, from construction to destruction. Costs one load when
/// nobody listens.
class WorkSpan {
 public:
  explicit WorkSpan(const char* what) noexcept;
  ~WorkSpan();
  WorkSpan(const WorkSpan&) = delete;
  WorkSpan& operator=(const WorkSpan&) = delete;

 private:
  const char* what_;
  WorkSpanSink* sink_;
  WorkSpanSink::Clock::time_point begin_;
};

}  // namespace fluxtile
