// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"

namespace fluxtile {

/// What went wrong while a library read `path`: `what` with the library's own words, and the
/// operating system's cause where `system_error` (errno right after the failure, 0 = unknown) tells
/// one. A fault of the machine (no memory, no file descriptors, a network file system that does not
/// answer) is Code::interrupted: it says nothing about the file. A disk that reports an error is
/// Code::io; anything else is `code`, with `hint`.
Error read_failure(Code code, const std::string& what, const std::string& path, int system_error,
                   const std::string& hint);

}  // namespace fluxtile
