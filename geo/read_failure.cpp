// SPDX-License-Identifier: Apache-2.0
#include "geo/read_failure.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/system_fault.h"

namespace fluxtile {
namespace {

/// What the system says when the file is opened and its first byte read; 0 = nothing. Libraries
/// that find no header they know do not pass on why.
int first_byte_error(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  char byte = 0;
  const int error = pread(fd, &byte, 1, 0) < 0 ? errno : 0;
  close(fd);
  return error;
}

}  // namespace

Error read_failure(Code code, const std::string& what, const std::string& path, int system_error,
                   const std::string& hint) {
  int cause = system_error;
  if (!is_passing_fault(cause) && file_descriptors_used_up()) cause = EMFILE;
  if (!is_passing_fault(cause) && cause != EIO) cause = first_byte_error(path);
  if (!is_passing_fault(cause) && cause != EIO) return Error(code, what).file(path).hint(hint);
  return system_fault(Code::io, what, path, cause);
}

}  // namespace fluxtile
