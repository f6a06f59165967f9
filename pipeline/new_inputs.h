// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/plan.h"
#include "pipeline/run_facts.h"

namespace fluxtile {

/// Which input files differ, by size and mtime, from those of an earlier plan. Not known when that
/// plan is not there any more.
NewInputs new_inputs(const Plan& plan, const std::string& private_folder,
                     const std::string& earlier_plan);

/// What of a plan is told of its run.
PlannedFacts planned_facts(const Plan& plan, const std::vector<TileUnit>& units, NewInputs inputs);

}  // namespace fluxtile
