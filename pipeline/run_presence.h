// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/run_lock.h"

namespace fluxtile {

/// A note under `.fluxtile/running`, there as long as a run or shard is at work on tiles, so that
/// `clean` leaves what its plan needs. It locks nothing. Where it cannot be written the run goes on
/// without: nothing else depends on it.
class RunPresence {
 public:
  RunPresence(const std::string& private_folder, const std::string& plan_id,
              const std::string& verb) noexcept;
  ~RunPresence();
  RunPresence(const RunPresence&) = delete;
  RunPresence& operator=(const RunPresence&) = delete;

  struct Present {
    LockOwner owner;
    std::string plan_id, path;
  };
  /// All notes, those of processes that are gone among them (`owner.fate`). Never throws.
  static std::vector<Present> all(const std::string& private_folder) noexcept;

 private:
  std::string path_;
};

}  // namespace fluxtile
