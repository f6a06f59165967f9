// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/training/site_years.h"

namespace fluxtile {

/// Writes a site-year table as NetCDF-4 (docs/training-data.md): dimensions site, year, day, month,
/// feature; units, sources, signs and a digest as attributes. The same table gives the same bytes.
/// Atomic. Throws Error(cannot_create | io), and Error(data) for a table whose arrays do not fit
/// together.
void write_site_years(const SiteYears& table, const std::string& path);

/// Reads it back, bit for bit. Throws Error(data) naming file, variable, found and expected for
/// what does not follow the schema or is damaged. Thread-safe.
SiteYears read_site_years(const std::string& path);

/// 32 hex digits that stand for everything in a table but `origin`, for provenance.
std::string digest_of(const SiteYears& table);

/// Puts the sites of tables with the same features one after the other, over all their years; years
/// that a table lacks have NaN inputs and labels, and so have labels that it does not know. A
/// feature's source lists those of all tables. Synthetic if any of them is. Throws Error(data) when
/// there is no table, features or their units differ, or a site occurs twice.
SiteYears join_site_years(const std::vector<SiteYears>& tables);

}  // namespace fluxtile
