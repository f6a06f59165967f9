// SPDX-License-Identifier: Apache-2.0
#include "pipeline/timeline.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <tuple>

#include "base/atomic_file.h"
#include "base/error.h"

namespace fluxtile {
namespace {

/// Seconds since this process began; 0 where the system does not tell.
double process_age() {
  const auto text = attempt([] { return read_file("/proc/self/stat"); });
  if (!text.ok()) return 0;
  // The second field, the program's name in parentheses, may hold anything.
  const size_t name_end = text.value().rfind(')');
  if (name_end == std::string::npos) return 0;
  unsigned long long ticks = 0;
  if (std::sscanf(text.value().c_str() + name_end + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                  "%llu",
                  &ticks) != 1)
    return 0;
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  const double age = static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) -
                     static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return std::max(age, 0.0);
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() > end.size() &&
         text.compare(text.size() - end.size(), std::string::npos, end) == 0;
}

}  // namespace

Timeline::Timeline(size_t limit) : limit_(std::max<size_t>(limit, 2)) {
  const Clock::time_point now = Clock::now();
  origin_ = now - std::chrono::duration_cast<Clock::duration>(
                      std::chrono::duration<double>(process_age()));
  add("start", -1, -1, origin_, now);
}

Timeline::~Timeline() {
  if (listening_) set_work_span_sink(nullptr);
}

void Timeline::listen() {
  listening_ = true;
  set_work_span_sink(this);
}

void Timeline::add(const char* stage, int32_t tile, int32_t year, Clock::time_point begin,
                   Clock::time_point end) noexcept {
  const auto seconds = [this](Clock::time_point at) {
    return std::chrono::duration<double>(at - origin_).count();
  };
  const std::lock_guard<std::mutex> lock(mutex_);
  const TimelineSpan span{stage, tile, year, row_of_this_thread(), seconds(begin), seconds(end)};
  if (shortest_ > 0 && span.end - span.begin <= shortest_) {
    ++dropped_;
    return;
  }
  spans_.push_back(span);
  if (spans_.size() >= limit_) thin_out();
}

int32_t Timeline::row_of_this_thread() {
  return rows_.emplace(std::this_thread::get_id(), static_cast<int32_t>(rows_.size()))
      .first->second;
}

void Timeline::name_thread(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  names_[row_of_this_thread()] = name;
}

std::string Timeline::row_name(int32_t row) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = names_.find(row);
  return found == names_.end() ? "thread " + std::to_string(row + 1) : found->second;
}

void Timeline::thin_out() {
  std::vector<double> lengths;
  lengths.reserve(spans_.size());
  for (const auto& span : spans_) lengths.push_back(span.end - span.begin);
  const auto middle = lengths.begin() + static_cast<long>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  shortest_ = std::max(shortest_, *middle);
  const size_t before = spans_.size();
  spans_.erase(std::remove_if(
                   spans_.begin(), spans_.end(),
                   [this](const TimelineSpan& span) { return span.end - span.begin <= shortest_; }),
               spans_.end());
  dropped_ += before - spans_.size();
}

std::vector<TimelineSpan> Timeline::spans() const {
  std::vector<TimelineSpan> out;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    out = spans_;
  }
  std::stable_sort(out.begin(), out.end(), [](const TimelineSpan& a, const TimelineSpan& b) {
    return std::make_tuple(a.row, a.begin, -a.end) < std::make_tuple(b.row, b.begin, -b.end);
  });
  return out;
}

size_t Timeline::dropped() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

double Timeline::shortest() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return shortest_;
}

void require_timeline_name(const std::string& path) {
  if (ends_with(path, ".json") || ends_with(path, ".svg")) return;
  throw Error(Code::usage, "a timeline is a Chrome trace or a picture")
      .found("--timeline " + path)
      .expected("a file name that ends in .json or .svg");
}

void write_timeline(const std::string& path, const Timeline& timeline, const std::string& title,
                    const TileNames& names) {
  require_timeline_name(path);
  write_atomically(path, ends_with(path, ".svg") ? timeline_picture(timeline, title, names)
                                                 : timeline_trace(timeline, names));
}

}  // namespace fluxtile
