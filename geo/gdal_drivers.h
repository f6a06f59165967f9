// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the .cpp files of geo/ alone: which of GDAL's formats and file systems are there.
namespace fluxtile {

/// Registers the drivers of GDAL. Unless `allow_remote`, only a list of formats that are files on
/// this machine; no driver is loaded from a plugin, no request goes to a network, no file system of
/// GDAL but archives and memory can be opened, and SQL in files cannot reach other files.
void register_drivers(bool allow_remote);

/// Whether register_drivers() allowed the network.
bool remote_is_allowed() noexcept;

}  // namespace fluxtile
