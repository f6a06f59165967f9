// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/plan.h"

namespace fluxtile {

/// Throws Error(interrupted) naming the first input file of the plan that is gone or is not the one
/// that was planned with (size or time of last change). Asked before a tile-year is stored, so that
/// its stamp never vouches for values of other files, and before products are made, which must not
/// mix two versions of an input. Thread-safe; one stat() a file.
void require_unchanged_inputs(const Plan& plan);

}  // namespace fluxtile
