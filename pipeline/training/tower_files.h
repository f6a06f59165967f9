// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "pipeline/training/tower_config.h"
#include "pipeline/training/tower_fluxes.h"

namespace fluxtile {

/// The fluxes of every site of a description, in its order. A FLUXNET2015 file belongs to the tower
/// in its name, the rows of a plain CSV to the tower in their column of sites; files and rows of
/// towers that the description does not name are passed over. Throws Error(data): no file or rows
/// of a site, two files of one, a file of another tower, and what reading throws.
std::vector<TowerFluxes> read_site_fluxes(const TowersConfig& config);

}  // namespace fluxtile
