// SPDX-License-Identifier: Apache-2.0
#include "base/network_folder.h"

#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>

namespace fluxtile {
namespace {

/// Numbers by which Linux knows them (statfs(2) and their sources).
constexpr std::array<uint32_t, 17> kNetworkFileSystems = {
    0x00006969,  // NFS
    0x0000517b,  // SMB
    0xfe534d42,  // SMB 2 and 3
    0xff534d42,  // CIFS
    0x65735546,  // FUSE: GlusterFS, sshfs, s3fs, and virtiofs
    0x0bd00bd0,  // Lustre
    0x00c36400,  // Ceph
    0x47504653,  // GPFS
    0x19830326,  // BeeGFS
    0xaad7aaea,  // PanFS
    0x20030528,  // OrangeFS
    0x5346414f,  // AFS
    0x6b414653,  // kAFS
    0x73757245,  // Coda
    0x01021997,  // 9P
    0x01161970,  // GFS2
    0x7461636f,  // OCFS2
};

}  // namespace

bool is_network_folder(const std::string& folder) {
  std::filesystem::path at = folder;
  struct statfs info {};
  while (statfs(at.empty() ? "." : at.c_str(), &info) != 0) {
    if (!at.has_parent_path() || at == at.parent_path()) return false;
    at = at.parent_path();
  }
  return std::find(kNetworkFileSystems.begin(), kNetworkFileSystems.end(),
                   static_cast<uint32_t>(info.f_type)) != kNetworkFileSystems.end();
}

}  // namespace fluxtile
