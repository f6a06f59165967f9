// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "pipeline/world/world.h"

namespace fluxtile::world {

/// Writes a synthetic world into `directory` (created if need be): gpp/, climate/, soil/, crop/,
/// models/, truth/, training/, regions.geojson, world.yaml and, last, run.yaml. Every file is
/// marked as synthetic. The same description gives the same bytes. `note` is told what comes next.
/// Throws Error(cannot_create | io | data); refuses a folder that holds anything already.
void write_world(const World& world, const std::string& directory,
                 const std::function<void(const std::string&)>& note);

}  // namespace fluxtile::world
