// SPDX-License-Identifier: Apache-2.0
// A library for LD_PRELOAD that stands between a program and libc and makes calls fail, write half,
// stop or kill at a chosen occurrence. Nothing in the program knows of it.
//
// FLUXTILE_FAULT holds rules separated by blanks; a rule is fields separated by `;`:
//   call=write,fsync     which calls (names below), or `any`
//   path=*/run.json*     shell pattern of the file (of either name of a rename); default `*`
//   file=/out/.x.*.part  the same, but `*` stays within a folder
//   nth=3                the first matching call that it happens to, from 1; default 1
//   count=1              how many matching calls from then on; 0: all
//   do=errno:28          the call fails with this errno
//      short             a write takes half of the bytes
//      torn:28           half of the bytes are written, then the errno
//      kill | kill-after | torn-kill   SIGKILL before, behind, or in the middle of the call
//      stop | stop-after SIGSTOP: whoever watches may do something and send SIGCONT
//      signal:15         raises a signal before the call
//      none              only counts, for the list
//   least=65536          for `alloc`: the smallest request that counts
//   jump=31536000        for `clock`: seconds added to the clocks of the day from the nth call on
// FLUXTILE_FAULT_LOG names a file that gets a line `call path` for each call on a file that matches
// the path of the first rule, whatever its `call`: the list to choose occurrences from.
//
// Calls: open read write fsync close rename link unlink mkdir seek stat alloc clock. Descriptors without
// a name that begins with `/` (pipes, sockets) never match.
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

enum class Do {
  none,
  fail,
  shorten,
  torn,
  kill,
  kill_after,
  torn_kill,
  stop,
  stop_after,
  signal,
};

struct Rule {
  char calls[160] = "";
  char path[PATH_MAX] = "*";
  int match = 0;  // flags of fnmatch
  long nth = 1, count = 1;
  Do action = Do::none;
  int number = 0;  // errno or signal
  size_t least = 0;
  long jump = 0;
  std::atomic<long> seen{0};
};

constexpr int most_rules = 8;
Rule rules[most_rules];
int rule_count = 0;
int log_file = -1;
std::atomic<bool> ready{false};
thread_local bool inside = false;  // a call of the shim itself

/// What happens to one call.
struct Verdict {
  Do action = Do::none;
  int number = 0;
};

bool lists(const char* calls, const char* call) {
  if (std::strcmp(calls, "any") == 0) return std::strcmp(call, "alloc") != 0;
  const size_t length = std::strlen(call);
  for (const char* at = calls; (at = std::strstr(at, call)) != nullptr; at += length) {
    const bool begins = at == calls || at[-1] == ',';
    if (begins && (at[length] == '\0' || at[length] == ',')) return true;
  }
  return false;
}

void parse_field(Rule& rule, const char* name, const char* value) {
  const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
  if (is("call")) std::snprintf(rule.calls, sizeof rule.calls, "%s", value);
  if (is("path") || is("file")) std::snprintf(rule.path, sizeof rule.path, "%s", value);
  if (is("file")) rule.match = FNM_PATHNAME;
  if (is("nth")) rule.nth = std::atol(value);
  if (is("count")) rule.count = std::atol(value);
  if (is("least")) rule.least = static_cast<size_t>(std::atol(value));
  if (is("jump")) rule.jump = std::atol(value);
  if (!is("do")) return;
  static const struct {
    const char* word;
    Do action;
  } words[] = {{"none", Do::none},           {"errno", Do::fail}, {"short", Do::shorten},
               {"torn", Do::torn},           {"kill", Do::kill},  {"kill-after", Do::kill_after},
               {"torn-kill", Do::torn_kill}, {"stop", Do::stop},  {"stop-after", Do::stop_after},
               {"signal", Do::signal}};
  char word[32];
  std::snprintf(word, sizeof word, "%s", value);
  if (char* colon = std::strchr(word, ':')) {
    *colon = '\0';
    rule.number = std::atoi(colon + 1);
  }
  for (const auto& known : words)
    if (std::strcmp(known.word, word) == 0) rule.action = known.action;
}

__attribute__((constructor)) void read_rules() {
  inside = true;
  static char text[16384];
  const char* given = std::getenv("FLUXTILE_FAULT");
  std::snprintf(text, sizeof text, "%s", given == nullptr ? "" : given);
  char* rest_of_rules = nullptr;
  for (char* part = strtok_r(text, " ", &rest_of_rules); part != nullptr && rule_count < most_rules;
       part = strtok_r(nullptr, " ", &rest_of_rules)) {
    Rule& rule = rules[rule_count++];
    char* rest = nullptr;
    for (char* field = strtok_r(part, ";", &rest); field != nullptr;
         field = strtok_r(nullptr, ";", &rest)) {
      char* equals = std::strchr(field, '=');
      if (equals == nullptr) continue;
      *equals = '\0';
      parse_field(rule, field, equals + 1);
    }
  }
  const char* log = std::getenv("FLUXTILE_FAULT_LOG");
  if (log != nullptr)
    log_file = static_cast<int>(
        syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  inside = false;
  ready = true;
}

[[noreturn]] void die() {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) pause();
}

void raise_here(int number) {
  syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), number);
}

void stop_here() { syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP); }

/// Counts a call and says what happens to it. Raises signals and kills before the call itself.
Verdict judge(const char* call, const char* path, const char* other = nullptr, size_t size = 0) {
  Verdict verdict;
  if (!ready || rule_count == 0 || inside) return verdict;
  inside = true;
  for (int r = 0; r < rule_count; ++r) {
    Rule& rule = rules[r];
    const bool fits = fnmatch(rule.path, path, rule.match) == 0 ||
                      (other != nullptr && fnmatch(rule.path, other, rule.match) == 0);
    if (!fits || size < rule.least) continue;
    if (r == 0 && log_file >= 0 && path[0] == '/') {
      char line[2 * PATH_MAX + 32];
      const int length = std::snprintf(line, sizeof line, "%s %s%s%s\n", call, path,
                                       other != nullptr ? " " : "", other != nullptr ? other : "");
      syscall(SYS_write, log_file, line, static_cast<size_t>(length));
    }
    if (!lists(rule.calls, call)) continue;
    const long seen = ++rule.seen;
    if (seen < rule.nth || (rule.count > 0 && seen >= rule.nth + rule.count)) continue;
    verdict = {rule.action, rule.number};
  }
  switch (verdict.action) {
    case Do::kill:
      die();
    case Do::stop:
      stop_here();
      break;
    case Do::signal:
      raise_here(verdict.number);
      break;
    default:
      break;
  }
  inside = false;
  return verdict;
}

void afterwards(const Verdict& verdict) {
  const int error = errno;
  if (verdict.action == Do::kill_after || verdict.action == Do::torn_kill) die();
  if (verdict.action == Do::stop_after) stop_here();
  errno = error;
}

/// The name of an open file; "" for what has none.
const char* name_of(int fd, char (&buffer)[PATH_MAX]) {
  buffer[0] = '\0';
  if (!ready || rule_count == 0 || inside) return buffer;
  char link[40];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const int error = errno;
  const ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, sizeof buffer - 1);
  errno = error;
  buffer[n > 0 && buffer[0] == '/' ? n : 0] = '\0';
  return buffer;
}

/// A path as the program gave it, made absolute where that is simple.
const char* name_of(const char* path, char (&buffer)[PATH_MAX]) {
  if (path == nullptr) return "";
  if (path[0] == '/') return path;
  char folder[PATH_MAX];
  if (syscall(SYS_getcwd, folder, sizeof folder) < 0) return path;
  if (std::snprintf(buffer, sizeof buffer, "%s/%s", folder, path) < 0) return path;
  return buffer;
}

template <typename Function>
Function* next(const char* symbol) {
  inside = true;
  auto* found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, symbol));
  inside = false;
  return found;
}

/// Any call but a write: fails, or is carried out.
template <typename Call>
auto carried_out(const Verdict& verdict, Call&& call) -> decltype(call()) {
  if (verdict.action == Do::fail) {
    errno = verdict.number;
    return static_cast<decltype(call())>(-1);
  }
  const auto result = call();
  afterwards(verdict);
  return result;
}

/// A write of `size` bytes: `call(n)` writes the first n of them.
template <typename Call>
ssize_t written(const Verdict& verdict, size_t size, Call&& call) {
  const bool half = verdict.action == Do::shorten || verdict.action == Do::torn ||
                    verdict.action == Do::torn_kill;
  if (!half || size < 2) {
    if (verdict.action == Do::torn) {
      errno = verdict.number;
      return -1;
    }
    return carried_out(verdict, [&] { return call(size); });
  }
  const ssize_t n = call(size / 2);
  afterwards(verdict);
  if (verdict.action == Do::torn) {
    errno = verdict.number;
    return -1;
  }
  return n;
}

int opened(const char* path, int at, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char* name = at == AT_FDCWD ? name_of(path, buffer) : path;
  const Verdict verdict = judge("open", name);
  return carried_out(verdict,
                     [&] { return static_cast<int>(syscall(SYS_openat, at, path, flags, mode)); });
}

bool takes_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

int renamed(int at, const char* from, int to_at, const char* to, unsigned flags) {
  char a[PATH_MAX], b[PATH_MAX];
  const Verdict verdict = judge("rename", name_of(from, a), name_of(to, b));
  return carried_out(verdict, [&] {
    return static_cast<int>(syscall(SYS_renameat2, at, from, to_at, to, flags));
  });
}

bool refused(size_t size) {
  const Verdict verdict = judge("alloc", "", nullptr, size);
  if (verdict.action != Do::fail) return false;
  errno = ENOMEM;
  return true;
}

long clock_shift() {
  long shift = 0;
  if (!ready) return shift;
  for (int r = 0; r < rule_count; ++r) {
    Rule& rule = rules[r];
    if (!lists(rule.calls, "clock")) continue;
    const long seen = ++rule.seen;
    if (seen < rule.nth || (rule.count > 0 && seen >= rule.nth + rule.count)) continue;
    shift += rule.jump;
  }
  return shift;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (takes_mode(flags)) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return opened(path, AT_FDCWD, flags, mode);
}
int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (takes_mode(flags)) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return opened(path, AT_FDCWD, flags, mode);
}
int openat(int at, const char* path, int flags, ...) {
  mode_t mode = 0;
  if (takes_mode(flags)) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return opened(path, at, flags, mode);
}
int openat64(int at, const char* path, int flags, ...) {
  mode_t mode = 0;
  if (takes_mode(flags)) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return opened(path, at, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return opened(path, AT_FDCWD, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  char buffer[PATH_MAX];
  return written(judge("write", name_of(fd, buffer)), size,
                 [&](size_t n) { return syscall(SYS_write, fd, bytes, n); });
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  char buffer[PATH_MAX];
  return written(judge("write", name_of(fd, buffer)), size,
                 [&](size_t n) { return syscall(SYS_pwrite64, fd, bytes, n, at); });
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  return pwrite(fd, bytes, size, at);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  char buffer[PATH_MAX];
  const Verdict verdict = judge("write", name_of(fd, buffer));
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return written(verdict, size, [&](size_t n) -> ssize_t {
    if (n == size) return syscall(SYS_writev, fd, parts, count);
    return syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len < n ? parts[0].iov_len : n);
  });
}
ssize_t read(int fd, void* bytes, size_t size) {
  char buffer[PATH_MAX];
  return carried_out(judge("read", name_of(fd, buffer)),
                     [&] { return static_cast<ssize_t>(syscall(SYS_read, fd, bytes, size)); });
}
ssize_t pread(int fd, void* bytes, size_t size, off_t at) {
  char buffer[PATH_MAX];
  return carried_out(judge("read", name_of(fd, buffer)), [&] {
    return static_cast<ssize_t>(syscall(SYS_pread64, fd, bytes, size, at));
  });
}
ssize_t pread64(int fd, void* bytes, size_t size, off64_t at) { return pread(fd, bytes, size, at); }
int stat(const char* path, struct stat* info) {
  char buffer[PATH_MAX];
  return carried_out(judge("stat", name_of(path, buffer)), [&] {
    return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, info, 0));
  });
}
off_t lseek(int fd, off_t at, int whence) {
  char buffer[PATH_MAX];
  return carried_out(judge("seek", name_of(fd, buffer)),
                     [&] { return static_cast<off_t>(syscall(SYS_lseek, fd, at, whence)); });
}
off64_t lseek64(int fd, off64_t at, int whence) { return lseek(fd, at, whence); }

int fsync(int fd) {
  char buffer[PATH_MAX];
  return carried_out(judge("fsync", name_of(fd, buffer)),
                     [&] { return static_cast<int>(syscall(SYS_fsync, fd)); });
}
int fdatasync(int fd) {
  char buffer[PATH_MAX];
  return carried_out(judge("fsync", name_of(fd, buffer)),
                     [&] { return static_cast<int>(syscall(SYS_fdatasync, fd)); });
}
int close(int fd) {
  char buffer[PATH_MAX];
  const Verdict verdict = judge("close", name_of(fd, buffer));
  const int result = static_cast<int>(syscall(SYS_close, fd));
  if (verdict.action == Do::fail) {  // as on Linux: the descriptor is gone all the same
    errno = verdict.number;
    return -1;
  }
  afterwards(verdict);
  return result;
}
int rename(const char* from, const char* to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int at, const char* from, int to_at, const char* to) {
  return renamed(at, from, to_at, to, 0);
}
int renameat2(int at, const char* from, int to_at, const char* to, unsigned flags) {
  return renamed(at, from, to_at, to, flags);
}
int link(const char* from, const char* to) {
  char a[PATH_MAX], b[PATH_MAX];
  return carried_out(judge("link", name_of(from, a), name_of(to, b)), [&] {
    return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
  });
}
int unlink(const char* path) {
  char buffer[PATH_MAX];
  return carried_out(judge("unlink", name_of(path, buffer)),
                     [&] { return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}
int mkdir(const char* path, mode_t mode) {
  char buffer[PATH_MAX];
  return carried_out(judge("mkdir", name_of(path, buffer)),
                     [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}

// GDAL and NetCDF read through stdio where they are built so, and ask ferror(): glibc's bit for it.
constexpr int stdio_error = 0x20;
FILE* fopen64(const char* path, const char* mode) {
  static auto* real = next<FILE*(const char*, const char*)>("fopen64");
  char buffer[PATH_MAX];
  const Verdict verdict = judge("open", name_of(path, buffer));
  if (verdict.action == Do::fail) {
    errno = verdict.number;
    return nullptr;
  }
  FILE* file = real(path, mode);
  afterwards(verdict);
  return file;
}
FILE* fopen(const char* path, const char* mode) { return fopen64(path, mode); }
size_t fread(void* bytes, size_t size, size_t count, FILE* file) {
  static auto* real = next<size_t(void*, size_t, size_t, FILE*)>("fread");
  char buffer[PATH_MAX];
  const Verdict verdict = judge("read", name_of(fileno(file), buffer));
  if (verdict.action == Do::fail) {
    file->_flags |= stdio_error;
    errno = verdict.number;
    return 0;
  }
  const size_t n = real(bytes, size, count, file);
  afterwards(verdict);
  return n;
}
size_t fwrite(const void* bytes, size_t size, size_t count, FILE* file) {
  static auto* real = next<size_t(const void*, size_t, size_t, FILE*)>("fwrite");
  char buffer[PATH_MAX];
  const Verdict verdict = judge("write", name_of(fileno(file), buffer));
  const auto half = [&] {
    const size_t n = real(bytes, 1, size * count / 2, file);
    fflush(file);
    return size == 0 ? 0 : n / size;
  };
  if (verdict.action == Do::fail || verdict.action == Do::torn) {
    if (verdict.action == Do::torn) half();
    file->_flags |= stdio_error;
    errno = verdict.number;
    return 0;
  }
  const bool cut = verdict.action == Do::shorten || verdict.action == Do::torn_kill;
  const size_t n = cut ? half() : real(bytes, size, count, file);
  if (verdict.action == Do::kill_after) fflush(file);
  afterwards(verdict);
  return n;
}
int fclose(FILE* file) {
  static auto* real = next<int(FILE*)>("fclose");
  char buffer[PATH_MAX];
  const Verdict verdict = judge("close", name_of(fileno(file), buffer));
  const int result = real(file);
  if (verdict.action == Do::fail) {
    errno = verdict.number;
    return EOF;
  }
  afterwards(verdict);
  return result;
}

void* malloc(size_t size) { return refused(size) ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  return refused(count * size) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
  return refused(size) ? nullptr : __libc_realloc(block, size);
}
void* memalign(size_t alignment, size_t size) {
  return refused(size) ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return refused(size) ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** block, size_t alignment, size_t size) {
  if (refused(size)) return ENOMEM;
  *block = __libc_memalign(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += clock_shift();
  return result;
}
int gettimeofday(struct timeval* now, void*) {
  struct timespec time {};
  const int result = clock_gettime(CLOCK_REALTIME, &time);
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return result;
}
time_t time(time_t* now) {
  struct timespec value {};
  clock_gettime(CLOCK_REALTIME, &value);
  if (now != nullptr) *now = value.tv_sec;
  return value.tv_sec;
}

}  // extern "C"
