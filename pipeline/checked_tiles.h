// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "pipeline/config.h"
#include "pipeline/merge.h"
#include "pipeline/plan.h"

namespace fluxtile {

/// Digest of size, times and inode of every result tile-year of a plan: equal digests mean that no
/// file was replaced or written to. Reads no file.
std::string tile_files(const Plan& plan, const Config& config);

/// Notes under `.fluxtile/checked.json` that all tile-years of the plan were found whole and valid
/// as `files`, and what they amount to, so that a run with nothing new need not read them again.
void note_checked_tiles(const Plan& plan, const Config& config, const MergeCheck& check,
                        const std::string& files);

/// What was noted, when it is of this plan and the files are still the same; nullopt otherwise.
std::optional<MergeCheck> checked_tiles(const Plan& plan, const Config& config);

}  // namespace fluxtile
