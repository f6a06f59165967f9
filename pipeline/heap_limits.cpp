// SPDX-License-Identifier: Apache-2.0
#include "pipeline/heap_limits.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// A sanitizer brings a heap of its own, and glibc's is not even set up then: two threads that trim
// it at once read null pointers in it.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FLUXTILE_HEAP_OF_GLIBC
#endif

namespace fluxtile {

void return_large_arrays() noexcept {
#ifdef FLUXTILE_HEAP_OF_GLIBC
  // Decoded blocks and inflated chunks are of this size: they would pin the heap's holes.
  mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  // Each thread's own heap would keep what years before it took and gave back there: four years
  // took 9 MB more than one. Networks allocate nothing in their sweeps, so that nobody waits.
  mallopt(M_ARENA_MAX, 1);
#endif
}

void return_free_memory() noexcept {
#ifdef FLUXTILE_HEAP_OF_GLIBC
  malloc_trim(0);
#endif
}

}  // namespace fluxtile
