// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace fluxtile {

enum class ProgressMode { automatic, plain, json, off };
ProgressMode parse_progress_mode(const std::string& text);

/// Progress of a run on stderr: a bar on a terminal (tile-years/s, time left), plain lines
/// otherwise, JSON lines on request. Never mixes with log lines: the logger asks it to clear and
/// redraw. All calls are thread-safe and cheap (drawn at most 5 times a second).
class Progress {
 public:
  explicit Progress(ProgressMode mode);
  ~Progress();
  /// Begins a phase: "tile-years" with `total` units of which `already` were done before.
  void begin(const std::string& phase, uint64_t total, uint64_t already = 0);
  /// One more unit; `failed` ones count too. `cells` = modelled cell-years in it.
  void advance(uint64_t cells, bool failed = false);
  /// A word on what happens now ("merging IA"), for the bar and JSON.
  void note(const std::string& text);
  void end();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxtile
