// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

namespace fluxtile {

/// The last line of a terminal, shared by the progress bar and the log: a log line clears the bar,
/// is written, and the bar is drawn again below it. Lines are written whole. Thread-safe; write
/// errors (a closed pipe) are ignored.
class StatusLine {
 public:
  explicit StatusLine(int descriptor) : descriptor_(descriptor) {}
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  /// The one of stderr, never destroyed.
  static StatusLine& standard_error();

  /// Writes `text` and a line end above the bar.
  void write_line(const std::string& text);
  /// Draws or replaces the bar; an empty text removes it. Cut to the terminal's width.
  void set_bar(const std::string& text);

  /// Goes on with another descriptor.
  void move_to(int descriptor);

  [[nodiscard]] bool terminal() const;  ///< a terminal that understands control sequences
  [[nodiscard]] int width() const;      ///< columns of the terminal, 80 if unknown

 private:
  void write_all(const std::string& bytes) const;

  int descriptor_;
  std::mutex mutex_;
  std::string bar_;
};

}  // namespace fluxtile
