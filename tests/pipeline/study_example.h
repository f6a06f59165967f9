// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/training/study_report.h"

namespace fluxtile::test {

/// A made-up study of seven worlds of each kind: regional models gain where regions differ in what
/// no input tells, and `gain_in_null` in the null worlds. `letters`: put into names.
StudyReport example_study(double gain_in_null = 0, const std::string& letters = "");

}  // namespace fluxtile::test
