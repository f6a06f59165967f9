// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace fluxtile {

/// Where a phase stands; counts are in its units (tile-years).
struct ProgressState {
  std::string phase, note;
  uint64_t total = 0;
  uint64_t already = 0;  ///< of them done before this phase began
  uint64_t done = 0;     ///< finished in this phase, failed ones among them
  uint64_t failed = 0;
  uint64_t cells = 0;  ///< modelled cell-years finished in this phase
  double seconds = 0;  ///< since the phase began

  [[nodiscard]] double rate() const;       ///< units a second in this phase; 0 before the first
  [[nodiscard]] double remaining() const;  ///< seconds; negative while unknown
};

/// "tile-years [####......] 40 % 120/300, 3.2/s, 56 s left", at most `width` columns.
std::string progress_bar(const ProgressState& state, int width);
/// The same facts as a line of a log.
std::string progress_line(const ProgressState& state);
/// One JSON object: event (begin, progress, end), phase, done, total, failed, cells, rate, eta_s
/// (null while unknown), elapsed_s, note.
std::string progress_json(const ProgressState& state, const std::string& event);
/// "45 s", "2 min 10 s", "1 h 05 min", "3 d 4 h".
std::string duration_text(double seconds);

}  // namespace fluxtile
