// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <string>

namespace fluxtile {

/// A file that was found safe. Where it is one of HDF5, that library keeps it open as long as this
/// lives; NetCDF shares it then, and is never the one to close it for good. NetCDF 4.9 crashes
/// where that fails: a disk that reports an error, a file server that is gone. To be destroyed with
/// NetcdfLock held, after NetCDF has closed the file.
class SafeNetcdf {
 public:
  SafeNetcdf() = default;
  ~SafeNetcdf();
  SafeNetcdf(SafeNetcdf&& other) noexcept;
  SafeNetcdf& operator=(SafeNetcdf&& other) noexcept;
  SafeNetcdf(const SafeNetcdf&) = delete;
  SafeNetcdf& operator=(const SafeNetcdf&) = delete;

  /// Whether HDF5 keeps it open.
  [[nodiscard]] bool held() const noexcept { return hdf5_ >= 0; }
  /// errno of closing it for good, as far as closing a copy of its descriptor tells; 0: it can be.
  [[nodiscard]] int closing_error() const noexcept;

 private:
  friend SafeNetcdf require_safe_netcdf(const std::string& path);
  explicit SafeNetcdf(int64_t hdf5) : hdf5_(hdf5) {}
  int64_t hdf5_ = -1;  ///< HDF5's identifier
};

/// What is checked of a file before the NetCDF library opens it, with NetcdfLock held: that it is a
/// plain file on this machine; that the counts of a classic header fit its size, since the library
/// takes memory by them; that an HDF5 file refers to no other file (external links, external
/// storage, virtual datasets) and needs no filter that would have to be loaded. Throws
/// Error(data | io | interrupted).
[[nodiscard]] SafeNetcdf require_safe_netcdf(const std::string& path);

/// The check of a classic header alone: `in` stands at its first byte, `size` is that of the file.
void check_classic_header(std::istream& in, uint64_t size, const std::string& path);

}  // namespace fluxtile
