// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside geo/ alone: open NetCDF files and their attributes. Callers hold NetcdfLock throughout.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fluxtile {

/// One attribute: text, or numbers as doubles; `type` is the nc_type.
struct NcAttribute {
  int type = 0;
  std::string text;             ///< text as it is; numbers joined by ", "
  std::vector<double> numbers;  ///< empty for text
  [[nodiscard]] bool is_text() const { return numbers.empty(); }
};

/// An open file of the cache. Valid until the next open_netcdf or close_netcdf_files.
struct NcFile {
  int ncid = -1;
  std::string path;
  std::map<int, size_t> chunk_cache;  ///< bytes set, by variable id
};

/// The open file behind `path`, from the cache or opened now; the least recently used one makes
/// room. A file that was replaced since (size, time or inode) is opened anew. Throws Error(data).
NcFile& open_netcdf(const std::string& path);

/// The library takes memory for whole chunks: throws Error(data) where one is larger than 1 GiB.
void require_small_chunks(const NcFile& file, int variable, const std::string& name);

/// Gives the chunk cache of a variable at least `times` times `bytes`, or where one file's share of
/// the budget of the process for all such caches does not allow that, `bytes` as far as it does.
void grow_chunk_cache(NcFile& file, int variable, size_t bytes, size_t times);

/// Throws Error(io) with file and what NetCDF says unless `status` is NC_NOERR.
void check_netcdf(int status, const std::string& path, const std::string& doing);

std::map<std::string, NcAttribute> read_attributes(const NcFile& file, int variable);

/// Text of an attribute; "" if absent.
std::string text_of(const std::map<std::string, NcAttribute>& attributes, const std::string& name);
/// First number of an attribute, also where it is written as text.
std::optional<double> number_of(const std::map<std::string, NcAttribute>& attributes,
                                const std::string& name);

}  // namespace fluxtile
