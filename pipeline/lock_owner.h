// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/process_identity.h"

namespace fluxtile {

/// Who holds a lock, or is at work, as a file says.
struct LockOwner {
  ProcessIdentity process;
  std::string verb, since;  ///< since: UTC, for people; no decision looks at it
  Fate fate = Fate::unknown;

  /// This process.
  static LockOwner own(const std::string& verb);
  [[nodiscard]] std::string text() const;  ///< "`merge` of node7, process 4711, since ..."
};

nlohmann::ordered_json owner_json(const LockOwner& owner);
/// Throws nlohmann::json::exception where something is missing. `fate` is not looked up.
LockOwner owner_of(const nlohmann::json& json);

}  // namespace fluxtile
