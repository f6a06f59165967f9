// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/limited_file.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "host";
}

/// What the system calls an errno value; unlike strerror, from any thread.
std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

std::string unique_suffix() {
  static std::atomic<unsigned> counter{0};
  return host_name() + "-" + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".part";
}

Error io_error(const std::string& what, const std::string& path, int error) {
  Error e(Code::io, what + ": " + reason(error));
  e.file(path);
  if (error == ENOSPC || error == EDQUOT)
    e.hint("free some space and run the same command again; finished tiles are kept");
  if (error == EROFS || error == EACCES) e.hint("choose a writable outputs.directory");
  return e;
}

void sync_path(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) throw io_error("cannot open for fsync", path, errno);
  const int failed = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  // Some network file systems cannot fsync a folder; the rename is still atomic there.
  if (failed != 0 && !(failed == EINVAL && (flags & O_DIRECTORY) != 0))
    throw io_error("cannot fsync", path, failed);
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  const fs::path target(path_);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(Code::cannot_create, "cannot create the folder: " + error.message())
        .file(folder.string())
        .hint("check the path and its permissions, or choose another outputs.directory");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(Code::cannot_create, "cannot write into the folder: " + reason(errno))
        .file(folder.string())
        .hint("check its permissions, or choose another outputs.directory");
  }
  // Cut, so that the longest name of a product still has room for what is added.
  constexpr size_t kept = 100;
  temporary_ = (folder / ("." + target.filename().string().substr(0, kept) + "." + unique_suffix()))
                   .string();
}

AtomicFile::~AtomicFile() {
  if (!committed_) unlink(temporary_.c_str());
}

void AtomicFile::commit() {
  sync_path(temporary_, O_RDONLY);
  if (rename(temporary_.c_str(), path_.c_str()) != 0)
    throw io_error("cannot rename the finished file", path_, errno);
  committed_ = true;
  const fs::path folder =
      fs::path(path_).has_parent_path() ? fs::path(path_).parent_path() : fs::path(".");
  sync_path(folder.string(), O_RDONLY | O_DIRECTORY);
}

namespace {
void write_bytes(const std::string& path, const std::vector<std::string_view>& parts) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    const int error = errno;
    if (error == ENOSPC || error == EDQUOT) throw io_error("cannot create the file", path, error);
    throw Error(Code::cannot_create, "cannot create the file: " + reason(error)).file(path);
  }
  for (std::string_view bytes : parts) {
    while (!bytes.empty()) {
      const ssize_t n = write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        close(fd);
        throw io_error("cannot write", path, error);
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  if (close(fd) != 0) throw io_error("cannot close", path, errno);
}
}  // namespace

void write_atomically(const std::string& path, const std::vector<std::string_view>& parts) {
  AtomicFile file(path);
  write_bytes(file.temporary_path(), parts);
  file.commit();
}

void write_atomically(const std::string& path, std::string_view bytes) {
  write_atomically(path, std::vector<std::string_view>{bytes});
}

bool write_once(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  write_bytes(file.temporary_path(), {bytes});
  sync_path(file.temporary_path(), O_RDONLY);
  if (link(file.temporary_path().c_str(), path.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  // File systems without hard links: the last rename wins, which is right because the content is a
  // function of the name.
  if (errno == EPERM || errno == EOPNOTSUPP) {
    file.commit();
    return true;
  }
  throw io_error("cannot create the file", path, errno);
}

std::string read_file(const std::string& path) {
  return read_file_up_to(path, static_cast<size_t>(-1));
}

std::string read_file_up_to(const std::string& path, size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    throw Error(error == ENOENT || error == EACCES || error == ENOTDIR ? Code::data : Code::io,
                "cannot open the file: " + reason(error))
        .file(path);
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

void remove_stale_parts(const std::string& folder) noexcept {
  try {
    const std::string host = host_name();
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.empty() || name.front() != '.') continue;
      const auto part = name.find(".part");
      const auto at = name.rfind("." + host + "-", part);
      if (part == std::string::npos || at == std::string::npos) continue;
      const auto pid = static_cast<pid_t>(std::atol(name.c_str() + at + host.size() + 2));
      if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) fs::remove(entry.path());
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): sweeping is a courtesy, never a reason to fail
  }
}

}  // namespace fluxtile
