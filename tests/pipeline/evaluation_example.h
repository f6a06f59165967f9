// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/training/evaluation_report.h"

namespace fluxtile::test {

/// A whole evaluation of made-up predictions: three regions with twelve, nine and three sites, ten
/// arms that differ in noise and in errors by region, learning curve, robustness, training
/// histories. `letters`: put into names, to see that they are escaped.
EvaluationReport example_evaluation(const std::string& letters = "");

}  // namespace fluxtile::test
