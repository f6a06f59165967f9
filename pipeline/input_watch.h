// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "pipeline/plan.h"

namespace fluxtile {

/// An input file that is not as it was planned with.
struct ChangedInput {
  PlanFile planned;
  std::optional<PlanFile> now;  ///< none: it is gone
};

/// The first input file of the plan that is gone or is not the one that was planned with (size or
/// time of last change); nullopt if all are as they were. One stat() a file.
std::optional<ChangedInput> changed_input(const Plan& plan);

/// Throws Error(interrupted) that names changed_input(), if there is one. Asked before a tile-year
/// is stored, so that its stamp never vouches for values of other files, and before products are
/// made, which must not mix two versions of an input. Thread-safe.
void require_unchanged_inputs(const Plan& plan);

}  // namespace fluxtile
