// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/error.h"
#include "model/engine.h"
#include "model/package.h"

namespace fluxtile {

/// Throws Error(internal) for a member or a state that does not fit the inputs.
void check_engine_inputs(const YearInputs& inputs, const MemberInputs& member,
                         const MemberState& state, size_t state_size);
/// Results of a year for all cells, nothing modelled yet.
MemberYear empty_year(const YearInputs& inputs, size_t variables, size_t annual_variables,
                      bool daily);

/// What engines refuse: an input whose z-score is not finite (the gates would hide it), `day` from
/// 0; and a flux of the network that is not finite.
Error no_finite_score(const Package& package, size_t input, float found, size_t day, int year);
Error no_finite_flux(const Package& package, size_t day, int year);

}  // namespace fluxtile
