// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fluxtile::world {

/// The files of gridMET that the recipe `gridmet` reads, in the order of write_gridmet()'s index.
constexpr std::array<const char*, 7> kGridmetFiles = {"tmmx", "tmmn", "srad", "rmax",
                                                      "rmin", "vs",   "pr"};

/// A piece of gridMET's lattice: cell centres, longitude ascending, latitude descending.
struct GridmetLattice {
  std::vector<double> longitude, latitude;
  double cell = 1.0 / 24;  ///< spacing, degrees
};
/// The part of the national 1/24 degree lattice that covers a box (degrees) with `margin` more
/// cells on each side; of every `stride` columns and rows only those whose number is a multiple of
/// it.
GridmetLattice gridmet_lattice(double west, double south, double east, double north, int margin,
                               int stride = 1);

/// Writes one variable and year as gridMET does: dimensions day, lat, lon; packed ushort with scale
/// and offset, fill value 32767; the time axis `day` in days since 1900-01-01; the inner name
/// (`air_temperature` for both tmmx and tmmn); and a `crs` variable whose GeoTransform names the
/// CENTRE of the first cell, as in the real files. Global attribute fluxtile_synthetic = "yes".
/// `index`: position in kGridmetFiles. `first_day`: days since 1970-01-01. `values`:
/// [day][row][column] in the file's unit. Atomic. Throws Error(cannot_create | io).
void write_gridmet(const std::string& path, size_t index, const GridmetLattice& lattice,
                   int64_t first_day, size_t days, const std::vector<double>& values);

}  // namespace fluxtile::world
