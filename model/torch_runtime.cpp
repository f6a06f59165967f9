// SPDX-License-Identifier: Apache-2.0
#include "model/torch_runtime.h"

#include <ATen/Parallel.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <iterator>
#include <mutex>

#include "model/blas_threads.h"

namespace fluxtile {

void keep_torch_to_one_thread() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      at::set_num_interop_threads(1);  // can be set once a process only
    } catch (const c10::Error&) {      // the pool is running already; nothing here uses it
    }
    set_blas_to_one_thread();
  });
  thread_local const bool done = (at::set_num_threads(1), true);
  (void)done;
}

void keep_freed_memory() {
#ifdef __GLIBC__
  static std::once_flag once;
  std::call_once(once, [] {
    constexpr int largest_threshold = 32 << 20;  // glibc takes no more
    constexpr int two_gigabytes = 0x7fffffff, top_pad = 64 << 20;
    mallopt(M_MMAP_THRESHOLD, largest_threshold);
    mallopt(M_TRIM_THRESHOLD, two_gigabytes);
    mallopt(M_TOP_PAD, top_pad);
  });
#endif
}

bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string text = error.what_without_backtrace();
  const char* const signs[] = {"allocate memory", "out of memory", "ALLOC_FAILED"};
  return std::any_of(std::begin(signs), std::end(signs),
                     [&](const char* sign) { return text.find(sign) != std::string::npos; });
}

Error error_of(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  if (!is_out_of_memory(error)) return Error(Code::internal, "torch: " + text);
  return Error(Code::interrupted, "out of memory: " + text)
      .hint("lower run.threads, or use a device with more free memory");
}

}  // namespace fluxtile
