// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "model/engine.h"

namespace fluxtile {

/// Pixel-years a second of this engine on this machine right now, from a trial of about a third of
/// a second on made-up inputs.
double pixel_years_per_second(const EngineOptions& options, std::shared_ptr<const Package> package,
                              int threads);

}  // namespace fluxtile
