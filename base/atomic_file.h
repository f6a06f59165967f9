// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxtile {

/// Creates a folder and what is missing above it, each made durable. Throws Error(cannot_create |
/// io), which tells a link that leads nowhere.
void create_folder(const std::string& folder);

/// Makes renames and removals in a folder durable. Throws Error(io).
void sync_folder(const std::string& folder);

/// Makes the bytes of a file durable. Throws Error(io), told of `target`, the name a user knows.
void sync_file(const std::string& path, const std::string& target);

/// A unique temporary name beside `path`: `.<name>.<host>-<pid>-<start of the process>-<n>.part`.
/// For as long as it lives, remove_stale_parts() of this process leaves it alone.
class PartName {
 public:
  explicit PartName(const std::string& path);
  ~PartName();
  PartName(const PartName&) = delete;
  PartName& operator=(const PartName&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// A file that appears under its final name only when whole: written under a unique temporary name
/// in the target folder, then fsync, rename, fsync of the folder. Destroyed without commit(), it
/// leaves nothing behind.
///
/// Use `temporary_path()` with a library that writes by itself (GDAL, NetCDF), or
/// write_atomically() for bytes. remove_stale_parts() sweeps the temporary files of dead processes.
class AtomicFile {
 public:
  /// Creates the folder of `path` if need be. Throws Error(cannot_create).
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  [[nodiscard]] const std::string& temporary_path() const noexcept { return temporary_.path(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Makes the file durable and visible. Throws Error(io) naming the cause (disk full, read-only,
  /// ...).
  void commit();
  /// commit() of a file whose bytes are durable already.
  void place();

 private:
  std::string path_;
  PartName temporary_;
  bool committed_ = false;
};

/// When a file that is written now is read again. One that is read on another night is not held in
/// the system's file cache: gigabytes of such files would push out what others have there, and
/// memory that was just used is faster to write into than new memory.
enum class ReadAgain { soon, seldom };

/// Writes `bytes` to `path` atomically. Throws Error(cannot_create | io).
void write_atomically(const std::string& path, std::string_view bytes,
                      ReadAgain again = ReadAgain::soon);
/// The same of bytes that lie in pieces.
void write_atomically(const std::string& path, const std::vector<std::string_view>& parts,
                      ReadAgain again = ReadAgain::soon);

/// Like write_atomically, but leaves an existing file as it is (O_EXCL by link). Returns whether
/// this call wrote it.
bool write_once(const std::string& path, std::string_view bytes);

/// Whole file as bytes. Throws Error(data) if it is absent, Error(io) if it cannot be read.
std::string read_file(const std::string& path);

/// Whether a file's name (without its folder) is that of a temporary file whose process, of this
/// host, has died.
bool is_stale_part(const std::string& name);

/// Removes temporary files and folders in `folder` that processes of this host left behind when
/// they died. Never throws.
void remove_stale_parts(const std::string& folder) noexcept;

}  // namespace fluxtile
