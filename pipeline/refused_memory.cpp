// SPDX-License-Identifier: Apache-2.0
#include "pipeline/refused_memory.h"

#include <cstddef>  // tells __GLIBC__

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FLUXTILE_WATCHES_ALLOCATIONS
#endif

#ifdef FLUXTILE_WATCHES_ALLOCATIONS
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "base/error.h"

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

std::atomic<int> told{STDERR_FILENO};  // where the message goes
std::atomic<bool> in_json{false};
std::atomic<bool> leaving{false};
thread_local bool searching = false;

/// "2026-11-29T17:28:45Z" of a moment, without a library call that may lock or allocate.
void write_utc(std::time_t seconds, char (&text)[32]) {
  const int64_t day = seconds / 86400;
  const int64_t shifted = day + 719468;  // from 1 March of year 0: a leap day ends its year
  const int64_t era = shifted / 146097;
  const int64_t of_era = shifted % 146097;
  const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * of_year + 2) / 153;  // 0 = March
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                static_cast<int>(year + era * 400 + (month >= 10 ? 1 : 0)),
                static_cast<int>(month < 10 ? month + 3 : month - 9),
                static_cast<int>(of_year - (153 * month + 2) / 5 + 1),
                static_cast<int>(seconds / 3600 % 24), static_cast<int>(seconds / 60 % 60),
                static_cast<int>(seconds % 60));
}

[[noreturn]] void leave(size_t size) {
  constexpr int code = static_cast<int>(fluxtile::Code::interrupted);
  if (leaving.exchange(true)) _exit(code);  // another thread is telling, or snprintf wants memory
  const char* const hint =
      "give the process more memory, or lower run.memory or run.threads; then run the same command "
      "again";
  char text[768], time[32];
  int length = 0;
  if (in_json) {
    write_utc(std::time(nullptr), time);
    length = std::snprintf(text, sizeof text,
                           "{\"time\":\"%s\",\"level\":\"error\",\"code\":%d,\"message\":\"out of "
                           "memory\",\"found\":\"a request for %zu bytes was refused\",\"hint\":"
                           "\"%s\"}\n",
                           time, code, size, hint);
  } else {
    length = std::snprintf(text, sizeof text,
                           "%sfluxtile: error: out of memory\n"
                           "  found:    a request for %zu bytes was refused\n"
                           "  hint:     %s\n",
                           isatty(told) == 1 ? "\n" : "", size, hint);
  }
  const char* at = text;
  while (length > 0) {
    const ssize_t n = write(told, at, static_cast<size_t>(length));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    at += n;
    length -= static_cast<int>(n);
  }
  _exit(code);
}

/// The allocator behind this one: of a library loaded before libc, or libc's.
template <typename Function>
Function* behind(std::atomic<Function*>& known, const char* name, Function* libc) {
  Function* found = known.load(std::memory_order_relaxed);
  if (found != nullptr) return found;
  if (searching) return libc;  // dlsym allocates
  searching = true;
  found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
  searching = false;
  if (found == nullptr) found = libc;
  known.store(found, std::memory_order_relaxed);
  return found;
}

/// Bytes of memory and swap.
size_t whole_machine() {
  struct sysinfo facts {};
  if (sysinfo(&facts) != 0) return SIZE_MAX;
  return (facts.totalram + facts.totalswap) * facts.mem_unit;
}

void* checked(void* block, size_t size) {
  if (block == nullptr && size > 0 && size <= whole_machine()) leave(size);
  return block;
}

std::atomic<decltype(__libc_malloc)*> next_malloc{nullptr};
std::atomic<decltype(__libc_calloc)*> next_calloc{nullptr};
std::atomic<decltype(__libc_realloc)*> next_realloc{nullptr};
std::atomic<decltype(__libc_memalign)*> next_memalign{nullptr};

void* aligned(size_t alignment, size_t size) {
  return checked(behind(next_memalign, "memalign", __libc_memalign)(alignment, size), size);
}

}  // namespace

// The program's own definitions are found before those of its libraries.
extern "C" {

void* malloc(size_t size) {
  return checked(behind(next_malloc, "malloc", __libc_malloc)(size), size);
}
void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
  return checked(behind(next_calloc, "calloc", __libc_calloc)(count, size), bytes);
}
void* realloc(void* block, size_t size) {
  return checked(behind(next_realloc, "realloc", __libc_realloc)(block, size), size);
}
void* memalign(size_t alignment, size_t size) { return aligned(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { return aligned(alignment, size); }
int posix_memalign(void** block, size_t alignment, size_t size) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void* const made = aligned(alignment, size);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}

}  // extern "C"
#endif

namespace fluxtile {

void tell_refused_memory([[maybe_unused]] bool json) noexcept {
#ifdef FLUXTILE_WATCHES_ALLOCATIONS
  const int past = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (past >= 0) told = past;
  in_json = json;
#endif
}

}  // namespace fluxtile
