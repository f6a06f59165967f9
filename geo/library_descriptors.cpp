// SPDX-License-Identifier: Apache-2.0
#include "geo/library_descriptors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

namespace fluxtile {
namespace fs = std::filesystem;

std::vector<int> descriptors_of(const std::string& path) noexcept {
  std::vector<int> found;
  try {
    const fs::path whole = fs::canonical(path);
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (fs::read_symlink(entry.path(), gone) != whole) continue;
      const std::string name = entry.path().filename().string();
      int descriptor = -1;
      std::from_chars(name.data(), name.data() + name.size(), descriptor);
      if (descriptor >= 0) found.push_back(descriptor);
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): then it is closed as it is
  }
  return found;
}

void divert_to_memory(const std::vector<int>& descriptors) noexcept {
  if (descriptors.empty()) return;
  const int memory = memfd_create("fluxtile-discarded", MFD_CLOEXEC);
  if (memory < 0) return;
  for (const int descriptor : descriptors) dup3(memory, descriptor, O_CLOEXEC);
  close(memory);
}

int closing_error(int descriptor) noexcept {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return copy < 0 || close(copy) == 0 || errno == EINTR ? 0 : errno;
}

void divert_to_nothing(int descriptor) noexcept {
  const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nothing < 0) return;
  dup3(nothing, descriptor, O_CLOEXEC);
  close(nothing);
}

}  // namespace fluxtile
