// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "pipeline/world/world_config.h"

namespace fluxtile::world {

/// Loads every package that a world names, so that a missing or broken one is told before anything
/// is written. Throws Error(data) with the key, the package's folder and what to do.
void check_models(const ModelBlock& models);

/// Copies them into `folder`, each as a folder of its own, byte by byte. Nothing where
/// models.directory is empty. Atomic file by file.
void copy_models(const ModelBlock& models, const std::string& folder);

}  // namespace fluxtile::world
