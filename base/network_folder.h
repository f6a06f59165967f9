// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// Whether the folder, or the nearest one above it that exists, lies on a file system of another
/// machine (NFS, SMB, Lustre, Ceph, GPFS, BeeGFS, FUSE and the like). Each machine keeps for some
/// time what it once saw of such folders: files that others have written may not be there yet.
bool is_network_folder(const std::string& folder);

}  // namespace fluxtile
