// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "model/engine.h"

namespace fluxtile {

/// Pixel-years a second of this engine on this machine right now, from a trial of about a third of
/// a second on made-up inputs.
double pixel_years_per_second(const EngineOptions& options, std::shared_ptr<const Package> package,
                              int threads);

/// What a precision does to the annual sums of a package's fluxes: by variable (ra, rh, nee), the
/// largest |sum - sum of fp32| over the sum of the absolute daily values of fp32, among 64 made-up
/// cells whose inputs run through the package's ranges with the seasons, in their second year. The
/// same on every machine with the same engine.
std::map<std::string, double> annual_sum_errors(const EngineOptions& options,
                                                std::shared_ptr<const Package> package);

}  // namespace fluxtile
