// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/world/world_config.h"

namespace fluxtile::world {

/// The run configuration that maps a synthetic world; paths relative to the world's folder.
std::string run_yaml(const WorldConfig& config);

}  // namespace fluxtile::world
