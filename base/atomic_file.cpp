// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/limited_file.h"
#include "base/process_identity.h"
#include "base/system_fault.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

/// own_start(), asked of /proc once: writing goes on where no file can be opened any more.
uint64_t known_start() {
  static std::mutex mutex;
  static std::optional<std::pair<pid_t, uint64_t>> known;  // another one after a fork
  const std::lock_guard<std::mutex> lock(mutex);
  if (!known || known->first != getpid()) known.emplace(getpid(), own_start());
  return known->second;
}

std::string unique_suffix() {
  static std::atomic<unsigned> counter{0};
  return this_host() + "-" + std::to_string(getpid()) + "-" + std::to_string(known_start()) + "-" +
         std::to_string(counter++) + ".part";
}

/// Who writes a temporary file, as its name says.
struct PartOwner {
  int64_t pid = 0;
  uint64_t started = 0;  ///< a number is given to another process sooner or later
};

/// nullopt of a name that is none of unique_suffix() on this host.
std::optional<PartOwner> part_owner(const std::string& name) {
  if (name.empty() || name.front() != '.') return std::nullopt;
  const auto part = name.find(".part");
  const std::string mark = "." + this_host() + "-";
  const auto at = name.rfind(mark, part);
  if (part == std::string::npos || at == std::string::npos) return std::nullopt;
  PartOwner owner;
  const char* const end = name.data() + part;
  const auto pid = std::from_chars(name.data() + at + mark.size(), end, owner.pid);
  if (pid.ec != std::errc() || pid.ptr == end || *pid.ptr != '-' || owner.pid <= 0)
    return std::nullopt;
  const auto started = std::from_chars(pid.ptr + 1, end, owner.started);
  if (started.ec != std::errc() || started.ptr == end || *started.ptr != '-') return std::nullopt;
  return owner;
}

/// Temporary names that this process is using; others of its number and start are leftovers (where
/// /proc does not tell the start, every run in a container may have the same number).
struct LiveParts {
  std::mutex mutex;
  std::set<std::string> names;
};
LiveParts& live_parts() {
  static auto* parts = new LiveParts;  // writers may outlive static objects
  return *parts;
}

bool in_use_here(const std::string& file_name) {
  LiveParts& parts = live_parts();
  const std::lock_guard<std::mutex> lock(parts.mutex);
  // What a library writes beside a temporary file begins with its name.
  return std::any_of(parts.names.begin(), parts.names.end(), [&](const std::string& name) {
    return file_name.compare(0, name.size(), name) == 0;
  });
}

fs::path folder_of(const std::string& path) {
  const fs::path target(path);
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

Error io_error(const std::string& what, const std::string& path, int error) {
  return system_fault(Code::io, what, path, error);
}

/// The same where something cannot even be begun.
Error creation_error(const std::string& what, const std::string& path, int error) {
  const bool underway = error == ENOSPC || error == EDQUOT || error == EIO;
  Error e = system_fault(underway ? Code::io : Code::cannot_create, what, path, error);
  if (e.hint().empty())
    e.hint("check the path and its permissions, or choose another outputs.directory");
  return e;
}

/// Syncs `path`; a failure is told of `target`, the name a user knows it by.
void sync_path(const std::string& path, int flags, const std::string& target) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  // A folder that may be written but not listed cannot be opened for this.
  if (fd < 0 && errno == EACCES && (flags & O_DIRECTORY) != 0) return;
  if (fd < 0) throw io_error("cannot open for fsync", target, errno);
  const int failed = fsync(fd) == 0 ? 0 : errno;
  const int not_closed = close(fd) == 0 || errno == EINTR ? 0 : errno;
  // Some network file systems cannot fsync a folder; the rename is still atomic there.
  if (failed != 0 && !(failed == EINVAL && (flags & O_DIRECTORY) != 0))
    throw io_error("cannot fsync", target, failed);
  // Others tell of a failed write when a file is closed.
  if (not_closed != 0) throw io_error("cannot close", target, not_closed);
}

}  // namespace

void sync_folder(const std::string& folder) { sync_path(folder, O_RDONLY | O_DIRECTORY, folder); }

void sync_file(const std::string& path, const std::string& target) {
  sync_path(path, O_RDONLY, target);
}

namespace {
/// mkdir(2): 0, also when somebody else makes the folder at this moment, or errno. Waits where a
/// folder is there and is not: another machine makes or removes it, which this one sees late.
int make_folder(const fs::path& path) {
  constexpr int most_tries = 11;  // 2 s in all
  for (int tried = 0; tried < most_tries; ++tried) {
    if (mkdir(path.c_str(), 0777) == 0) return 0;
    const int failed = errno;
    std::error_code error;
    if (failed != EEXIST) return failed;
    if (fs::is_directory(path, error)) return 0;
    if (fs::exists(fs::symlink_status(path, error))) return failed;
    std::this_thread::sleep_for(std::chrono::milliseconds(1 << tried));
  }
  return ESTALE;
}
}  // namespace

void create_folder(const std::string& folder) {
  fs::path path = fs::path(folder);
  if (!path.has_filename()) path = path.parent_path();  // "out/"
  std::error_code error;
  if (path.empty() || fs::is_directory(path, error)) return;
  const fs::path parent = folder_of(path.string());
  create_folder(parent.string());
  const int failed = make_folder(path);
  if (failed == 0) {
    sync_folder(parent.string());
    return;
  }
  Error e = creation_error("cannot create the folder", path.string(), failed);
  if (failed == EEXIST && fs::is_symlink(path, error)) {
    e.found("a symbolic link to " + fs::read_symlink(path, error).string() +
            ", which does not exist");
    e.hint("create that folder (is its disk mounted?), or remove the link");
  } else if (failed == EEXIST) {
    e.found("a file of that name");
  }
  throw e;
}

PartName::PartName(const std::string& path) {
  // Cut, so that the longest name of a product still has room for what is added.
  constexpr size_t kept = 100;
  const std::string name = fs::path(path).filename().string().substr(0, kept);
  path_ = (folder_of(path) / ("." + name + "." + unique_suffix())).string();
  LiveParts& parts = live_parts();
  const std::lock_guard<std::mutex> lock(parts.mutex);
  parts.names.insert(fs::path(path_).filename().string());
}

PartName::~PartName() {
  LiveParts& parts = live_parts();
  const std::lock_guard<std::mutex> lock(parts.mutex);
  parts.names.erase(fs::path(path_).filename().string());
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(path_) {
  const fs::path folder = folder_of(path_);
  create_folder(folder.string());
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw creation_error("cannot write into the folder", folder.string(), errno);
}

AtomicFile::~AtomicFile() {
  if (!committed_) unlink(temporary_path().c_str());
}

void AtomicFile::commit() {
  sync_path(temporary_path(), O_RDONLY, path_);
  place();
}

void AtomicFile::place() {
  if (rename(temporary_path().c_str(), path_.c_str()) != 0) {
    const int error = errno;
    Error e = io_error("cannot rename the finished file", path_, error);
    if (error == ENOENT)
      e.hint("something removed the folder underway; run the same command again");
    throw e;
  }
  committed_ = true;
  sync_folder(folder_of(path_).string());
}

namespace {
/// Writes a new file and makes it durable.
void write_bytes(const std::string& path, const std::vector<std::string_view>& parts,
                 const std::string& target, ReadAgain again) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) throw creation_error("cannot create the file", target, errno);
  const auto fail = [&](const char* what, int error) {
    close(fd);
    throw io_error(what, target, error);
  };
  for (std::string_view bytes : parts) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail("cannot write", n < 0 ? errno : EIO);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  if (fsync(fd) != 0) fail("cannot fsync", errno);
  if (again == ReadAgain::seldom) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (close(fd) != 0) throw io_error("cannot close", target, errno);
}
}  // namespace

void write_atomically(const std::string& path, const std::vector<std::string_view>& parts,
                      ReadAgain again) {
  AtomicFile file(path);
  write_bytes(file.temporary_path(), parts, path, again);
  file.place();
}

void write_atomically(const std::string& path, std::string_view bytes, ReadAgain again) {
  write_atomically(path, std::vector<std::string_view>{bytes}, again);
}

bool write_once(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  write_bytes(file.temporary_path(), {bytes}, path, ReadAgain::soon);
  if (link(file.temporary_path().c_str(), path.c_str()) == 0) {
    sync_folder(folder_of(path).string());
    return true;
  }
  if (errno == EEXIST) return false;
  // File systems without hard links: the last rename wins, which is right because the content is a
  // function of the name.
  if (errno == EPERM || errno == EOPNOTSUPP) {
    file.place();
    return true;
  }
  throw creation_error("cannot create the file", path, errno);
}

std::string read_file(const std::string& path) {
  return read_file_up_to(path, static_cast<size_t>(-1));
}

std::string read_file_up_to(const std::string& path, size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    Error e =
        system_fault(error == ENOENT || error == EACCES || error == ENOTDIR ? Code::data : Code::io,
                     "cannot open the file", path, error);
    throw error == EACCES ? e.hint("") : e;
  }
  std::string bytes;
  struct stat info {};
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    bytes.reserve(std::min(static_cast<size_t>(info.st_size), most));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      close(fd);
      throw io_error("cannot read", path, error);
    }
    if (n == 0) break;
    if (static_cast<size_t>(n) > most - bytes.size()) {
      close(fd);
      throw Error(Code::data, "the file is too large to be what it is read as")
          .file(path)
          .expected("at most " + std::to_string(most) + " bytes");
    }
    bytes.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return bytes;
}

bool is_stale_part(const std::string& name) {
  const auto owner = part_owner(name);
  if (!owner) return false;
  if (owner->pid == getpid() && owner->started == known_start()) return !in_use_here(name);
  return fate_of_neighbour(owner->pid, owner->started) == Fate::gone;
}

void remove_stale_parts(const std::string& folder) noexcept {
  try {
    for (const auto& entry : fs::directory_iterator(folder))
      if (is_stale_part(entry.path().filename().string())) fs::remove_all(entry.path());
  } catch (...) {  // NOLINT(bugprone-empty-catch): sweeping is a courtesy, never a reason to fail
  }
}

}  // namespace fluxtile
