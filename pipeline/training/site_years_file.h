// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "model/training/site_years.h"

namespace fluxtile {

/// Writes a site-year table as NetCDF-4 (docs/training-data.md): dimensions site, year, day, month,
/// feature; units, sources and signs as attributes. Atomic. Throws Error(cannot_create | io).
void write_site_years(const SiteYears& table, const std::string& path);

/// Reads it back. Throws Error(data) naming file, variable, found and expected for what does not
/// follow the schema.
SiteYears read_site_years(const std::string& path);

/// Puts tables with the same features one after the other; years without data become NaN labels.
/// Throws Error(data) when features or their units differ.
SiteYears join_site_years(const std::vector<SiteYears>& tables);

}  // namespace fluxtile
