// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <string>

namespace fluxtile {

/// What is checked of a file before the NetCDF library opens it, with NetcdfLock held: that it is a
/// plain file on this machine; that the counts of a classic header fit its size, since the library
/// takes memory by them; that an HDF5 file refers to no other file (external links, external
/// storage, virtual datasets) and needs no filter that would have to be loaded. Throws Error(data).
void require_safe_netcdf(const std::string& path);

/// The check of a classic header alone: `in` stands at its first byte, `size` is that of the file.
void check_classic_header(std::istream& in, uint64_t size, const std::string& path);

}  // namespace fluxtile
