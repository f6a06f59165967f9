// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/plan.h"

namespace fluxtile {

/// Number of the rules by which values are made. Raised whenever a change of the code changes
/// results.
constexpr int kResultRules = 1;

/// Digest of what decides a region's values apart from the input values themselves: packages,
/// members, engine, options, grid, PROJ pipelines, rules of the code. No paths, dates, threads or
/// tiles.
std::string result_key(const Plan& plan, size_t region);

}  // namespace fluxtile
