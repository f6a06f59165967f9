// SPDX-License-Identifier: Apache-2.0
#include "base/system_fault.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace fluxtile {

std::string system_reason(int system_error) {
  return std::error_code(system_error, std::generic_category()).message();
}

namespace {
/// What a file system of another machine says when that machine or the way to it is gone.
bool is_network_fault(int system_error) noexcept {
  switch (system_error) {
    case ESTALE:
    case ETIMEDOUT:
    case ENOTCONN:
    case ESHUTDOWN:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case EREMOTEIO:
    case EBADFD:
      return true;
    default:
      return false;
  }
}
}  // namespace

bool is_passing_fault(int system_error) noexcept {
  switch (system_error) {
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case EINTR:
      return true;
    default:
      return is_network_fault(system_error);
  }
}

bool is_of_the_machine(const Error& error) noexcept {
  return error.code() == Code::io || error.code() == Code::interrupted;
}

bool file_descriptors_used_up() noexcept {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    close(fd);
    return false;
  }
  return errno == EMFILE || errno == ENFILE;
}

std::string system_hint(int system_error) {
  switch (system_error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space and run the same command again; finished tiles are kept";
    case EROFS:
    case EACCES:
    case EPERM:
      return "choose a writable outputs.directory";
    case EFBIG:
      return "the limit on file sizes (ulimit -f) or the file system is too small for this file";
    case EIO:
      return "the disk or its network reports an error: look at the system log (dmesg), then run "
             "the same command again";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n), or lower run.threads; then run the same "
             "command again";
    case ENOMEM:
      return "lower run.threads or run.memory, or give the job more memory; then run the same "
             "command again";
    default:
      return is_network_fault(system_error)
                 ? "the network file system did not answer: run the same command again"
                 : "";
  }
}

std::string free_space_text(const std::string& path) {
  std::filesystem::path at = path;
  struct statvfs info {};
  while (statvfs(at.empty() ? "." : at.c_str(), &info) != 0) {
    if (!at.has_parent_path() || at == at.parent_path()) return "";
    at = at.parent_path();
  }
  if (info.f_files > 0 && info.f_favail == 0)
    return "0 of " + std::to_string(info.f_files) + " inodes are free";
  const auto bytes = static_cast<unsigned long long>(info.f_bavail) * info.f_frsize;
  if (bytes >= 10ULL << 20U) return std::to_string(bytes >> 20U) + " MiB are free";
  return std::to_string(bytes / 1000) + " kB are free";
}

Error system_fault(Code code, const std::string& what, const std::string& path, int system_error) {
  Error error(is_passing_fault(system_error) ? Code::interrupted : code,
              what + ": " + system_reason(system_error));
  error.file(path);
  if (system_error == ENOSPC) error.found(free_space_text(path));
  error.hint(system_hint(system_error));
  return error;
}

}  // namespace fluxtile
