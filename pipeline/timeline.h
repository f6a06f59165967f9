// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/work_span.h"

namespace fluxtile {

/// What a thread did between two moments of a run.
struct TimelineSpan {
  const char* stage = "";
  int32_t tile = -1, year = -1;  ///< position among the run's tiles, calendar year; -1: neither
  int32_t row = 0;               ///< thread, in order of appearance
  double begin = 0, end = 0;     ///< s since the program began
};

/// Records what the threads of a run do. Memory is bounded: when `limit` spans are there, the
/// shorter half is dropped, and from then on spans as short are not taken any more. Thread-safe.
class Timeline : public WorkSpanSink {
 public:
  explicit Timeline(size_t limit = size_t{1} << 17);
  ~Timeline() override;  ///< stops listening, if it did

  /// Receives WorkSpans from now on: the engines' blocks.
  void listen();
  void add(const char* stage, int32_t tile, int32_t year, Clock::time_point begin,
           Clock::time_point end) noexcept;
  void add(const char* what, Clock::time_point begin, Clock::time_point end) noexcept override {
    add(what, -1, -1, begin, end);
  }

  /// What the calling thread's row is called; "thread N" otherwise.
  void name_thread(const std::string& name);
  [[nodiscard]] std::string row_name(int32_t row) const;
  /// By row, then begin, longer ones first.
  [[nodiscard]] std::vector<TimelineSpan> spans() const;
  [[nodiscard]] size_t dropped() const;   ///< spans that are not in spans()
  [[nodiscard]] double shortest() const;  ///< s; spans shorter than this were dropped, 0 = none

 private:
  int32_t row_of_this_thread();
  void thin_out();

  mutable std::mutex mutex_;
  size_t limit_, dropped_ = 0;
  double shortest_ = 0;
  Clock::time_point origin_;
  std::map<std::thread::id, int32_t> rows_;
  std::map<int32_t, std::string> names_;
  std::vector<TimelineSpan> spans_;
  bool listening_ = false;
};

/// Names a tile by its position among the run's tiles.
using TileNames = std::function<std::string(int32_t tile)>;

/// The spans as Chrome trace events (JSON), which Perfetto and chrome://tracing open.
std::string timeline_trace(const Timeline& timeline, const TileNames& names);
/// The spans as a picture (SVG): a row a thread, a colour a stage, seconds along x.
std::string timeline_picture(const Timeline& timeline, const std::string& title,
                             const TileNames& names);

/// Throws Error(usage) unless `path` ends in .json or .svg.
void require_timeline_name(const std::string& path);
/// Writes the trace or the picture, as the name's ending says. Throws Error (cannot_create | io).
void write_timeline(const std::string& path, const Timeline& timeline, const std::string& title,
                    const TileNames& names);

}  // namespace fluxtile
