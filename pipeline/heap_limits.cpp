// SPDX-License-Identifier: Apache-2.0
#include "pipeline/heap_limits.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace fluxtile {

void return_large_arrays() noexcept {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

}  // namespace fluxtile
