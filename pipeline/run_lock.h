// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "pipeline/lock_owner.h"

namespace fluxtile {

/// The lock of a run's output folder: one process at a time merges, replaces products or cleans.
/// Tiles need none (the same bytes, the last rename wins).
///
/// It works on file systems that machines share and needs no lock daemon. `folder` holds one small
/// file a generation, named by its number. The owner of the newest generation holds the lock, until
/// the file says `released`. Generation N+1 is created by link(2), which one process alone can do,
/// and only after N was released or found dead: so two waiters never both take over. An owner
/// raises a counter in its file every `beat`, by rename; it only ever writes the file of its own
/// generation, so that one who wakes up from a long sleep disturbs nobody.
///
/// An owner is dead when its process is gone (same machine and boot), its machine has booted
/// since, or its counter stands still for `dead_after` by the waiter's monotonic clock; times of
/// different machines are never compared. An owner that was taken for dead, because it was frozen
/// (SIGSTOP, a closed lid), finds out by require().
class RunLock {
 public:
  using Duration = std::chrono::milliseconds;
  struct Times {
    Duration beat{5000};
    Duration dead_after{60000};
    Duration look{500};  ///< how often a waiter looks
    /// The usual ones, with dead_after from $FLUXTILE_LOCK_DEAD_AFTER (seconds; the same on all
    /// machines) where it is set.
    static Times usual();
  };

  /// Takes the lock, waiting at most `wait` (0: looks once). `verb` is what others are told.
  /// Throws Error(interrupted) with the owner's name when it is still held then or a signal came;
  /// Error(cannot_create | io) when the folder cannot be written.
  RunLock(std::string folder, const std::string& verb, Duration wait, const Times& times);
  /// Releases it.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// Whether somebody else held it when the constructor looked first.
  [[nodiscard]] bool waited() const noexcept;
  /// Throws Error(interrupted) when another process has taken the lock over. To be called
  /// immediately before each step that others must not see from two owners.
  void require() const;

  /// Who holds the lock in `folder`; nullopt when nobody does. Never waits, never throws.
  static std::optional<LockOwner> holder(const std::string& folder) noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxtile
