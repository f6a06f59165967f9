// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/error.h"
#include "model/package.h"

namespace fluxtile {

/// What engines refuse: an input whose z-score is not finite (the gates would hide it), `day` from
/// 0; and a flux of the network that is not finite.
Error no_finite_score(const Package& package, size_t input, float found, size_t day, int year);
Error no_finite_flux(const Package& package, size_t day, int year);

}  // namespace fluxtile
