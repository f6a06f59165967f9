// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/util/Exception.h>

#include "base/error.h"

namespace fluxtile {

/// One thread inside torch and BLAS on the calling thread: the project spreads work over cores
/// itself. Every thread that calls torch does this first; cheap when repeated. Thread-safe.
void keep_torch_to_one_thread();

/// Lets the C library keep large arrays that are freed, instead of handing them back to the system
/// and taking zeroed pages again in the next step of training: that costs as much as a tenth of the
/// time. Acts on the whole process; does nothing where the library is not glibc. Thread-safe.
void keep_freed_memory();

/// Whether torch, cuDNN or cuBLAS had too little memory.
bool is_out_of_memory(const c10::Error& error);

/// An exception of torch as an Error; one about memory as a passing fault.
Error error_of(const c10::Error& error);

}  // namespace fluxtile
