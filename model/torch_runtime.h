// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/util/Exception.h>

#include "base/error.h"

namespace fluxtile {

/// One thread inside torch and BLAS on the calling thread: the project spreads work over cores
/// itself. Every thread that calls torch does this first; cheap when repeated. Thread-safe.
void keep_torch_to_one_thread();

/// An exception of torch as an Error; one about memory as a passing fault.
Error error_of(const c10::Error& error);

}  // namespace fluxtile
