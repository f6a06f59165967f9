// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/run_lock.h"
#include "pipeline/run_record.h"

namespace fluxtile {

/// What a comparison of products with their run.json found.
struct Verification {
  RunRecord record;
  std::vector<std::string> problems;  ///< empty: all is well
  size_t of_another_run = 0;          ///< products whose FLUXTILE_RESULT is not run.json's
  bool interrupted = false;           ///< a replacement of the products was begun and not ended
  std::optional<LockOwner> owner;     ///< who may be replacing them at this moment
};

/// Compares the products in `directory` with its run.json: there, plain files, size, SHA-256,
/// FLUXTILE_RESULT; nothing besides that looks like a product; no replacement that was interrupted.
/// Looks again when run.json is replaced meanwhile. Throws Error(data) when there is no run.json
/// that can be read.
Verification verify_products(const std::string& directory);

}  // namespace fluxtile
