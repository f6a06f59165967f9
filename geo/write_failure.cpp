// SPDX-License-Identifier: Apache-2.0
#include "geo/write_failure.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>

#include "base/system_fault.h"

namespace fluxtile {
namespace {

/// Less than one disk block group free: what a full disk looks like after the failing file has
/// given back its own unwritten tail.
bool nearly_full(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  struct statvfs info {};
  if (statvfs(folder.empty() ? "." : folder.c_str(), &info) != 0) return false;
  return static_cast<unsigned long long>(info.f_bavail) * info.f_frsize < (1ULL << 20U);
}

bool tells_cause(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO || error == EROFS ||
         error == EACCES || error == ENOENT || is_passing_fault(error);
}

}  // namespace

Error write_failure(const std::string& path, const std::string& library_message, int system_error) {
  int cause = tells_cause(system_error) ? system_error : 0;
  if (cause == 0 && file_descriptors_used_up()) cause = EMFILE;
  if (cause != EDQUOT && cause != EFBIG &&
      (nearly_full(path) || library_message.find("disk space") != std::string::npos))
    cause = ENOSPC;
  std::string text = "cannot write";
  if (cause != 0) text += ": " + system_reason(cause);
  if (!library_message.empty())
    text += cause != 0 ? " (" + library_message + ")" : ": " + library_message;
  Error error(is_passing_fault(cause) ? Code::interrupted : Code::io, text);
  error.file(path).hint(system_hint(cause));
  if (cause == ENOSPC) error.found(free_space_text(path));
  return error;
}

}  // namespace fluxtile
