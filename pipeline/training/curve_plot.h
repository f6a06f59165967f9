// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/training/evaluation_report.h"

namespace fluxtile {

/// Colour of a name by its place in a list; more names than colours share them.
size_t colour_of(const std::vector<std::string>& names, const std::string& name);

/// RMSE of the points against their x, a line for each of `arms` through the means over seeds, with
/// the seeds as pale dots (seeds, or worlds). Points that all have the same x: a row of dots for
/// each arm instead.
std::string curve_plot(const std::string& label, const std::string& x_title,
                       const std::string& y_title, const std::vector<CurvePoint>& points,
                       const std::vector<std::string>& arms);

}  // namespace fluxtile
