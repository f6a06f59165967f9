// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>

namespace fluxtile::end_to_end {

constexpr size_t no_day = std::numeric_limits<size_t>::max();

/// Writes the first `days` days of a yearly climate file to another file; stored numbers are one
/// more from the day `revised` on.
void cut_daily_file(const std::filesystem::path& from, const std::filesystem::path& to, size_t days,
                    size_t revised = no_day);

/// The inputs of a year as they are on a day: climate up to it (other values from `revised` on),
/// and the composites of `year` that begin before `composites`. `whole` is the world with every
/// day, `world` a copy of it.
void show_days(const std::filesystem::path& whole, const std::filesystem::path& world, int year,
               size_t days, size_t composites, size_t revised = no_day);

}  // namespace fluxtile::end_to_end
