// SPDX-License-Identifier: Apache-2.0
#include "base/work_span.h"

#include <atomic>

namespace fluxtile {
namespace {
std::atomic<WorkSpanSink*> receiver{nullptr};
}  // namespace

void set_work_span_sink(WorkSpanSink* sink) noexcept { receiver = sink; }

WorkSpan::WorkSpan(const char* what) noexcept
    : what_(what), sink_(receiver.load(std::memory_order_acquire)) {
  if (sink_ != nullptr) begin_ = WorkSpanSink::Clock::now();
}

WorkSpan::~WorkSpan() {
  if (sink_ != nullptr) sink_->add(what_, begin_, WorkSpanSink::Clock::now());
}

}  // namespace fluxtile
