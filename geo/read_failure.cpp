// SPDX-License-Identifier: Apache-2.0
#include "geo/read_failure.h"

#include <cerrno>

#include "base/system_fault.h"

namespace fluxtile {

Error read_failure(Code code, const std::string& what, const std::string& path, int system_error,
                   const std::string& hint) {
  int cause = system_error;
  if (!is_passing_fault(cause) && file_descriptors_used_up()) cause = EMFILE;
  if (!is_passing_fault(cause) && cause != EIO) return Error(code, what).file(path).hint(hint);
  return system_fault(Code::io, what, path, cause);
}

}  // namespace fluxtile
