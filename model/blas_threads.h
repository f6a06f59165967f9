// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// Keeps OpenBLAS, if it is what torch's BLAS resolves to, from starting threads of its own: TBB
/// owns the threads. Found with dlsym because an environment variable set inside main() comes too
/// late and because another BLAS may be linked. Thread-safe; never throws.
void set_blas_to_one_thread() noexcept;

/// The BLAS kernels in use: "openblas:SkylakeX", or "blas" where the library does not tell.
std::string blas_identity();

}  // namespace fluxtile
