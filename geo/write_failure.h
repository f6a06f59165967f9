// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"

namespace fluxtile {

/// What went wrong while a library wrote `path`: its own message plus the operating system's cause,
/// which GDAL and HDF5 do not pass on. `system_error` is errno as it stood right after the failure
/// (0 = unknown); a file system without free space is recognised even then. Code::io, or
/// Code::interrupted for a passing fault (base/system_fault.h).
Error write_failure(const std::string& path, const std::string& library_message, int system_error);

}  // namespace fluxtile
