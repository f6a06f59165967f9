// SPDX-License-Identifier: Apache-2.0
#include "geo/netcdf_file.h"

#include <hdf5.h>
#include <netcdf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <mutex>

#include "base/error.h"
#include "base/system_fault.h"
#include "geo/gdal_access.h"
#include "geo/netcdf_guard.h"
#include "geo/netcdf_source.h"
#include "geo/read_failure.h"

namespace fluxtile {
namespace {

constexpr size_t kOpenFiles = 8;
constexpr size_t kChunkBudget = size_t{64} << 20;  // all files together
constexpr size_t kChunkStart = size_t{1} << 20;    // a variable's cache when its file is opened

std::recursive_mutex& netcdf_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

/// What tells that a path still names the same file.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t seconds = 0, nanoseconds = 0;
  friend bool operator==(const Identity& a, const Identity& b) {
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
  }
};

struct Entry {
  NcFile file;
  Identity identity;
  SafeNetcdf safe;
};

/// Most recently used first. Only touched under the lock. What is open at the end of the process
/// stays open: HDF5 may be no more when a static object ends.
std::list<Entry>& entries() {
  static auto* const list = new std::list<Entry>;
  return *list;
}

Identity identify(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int system_error = errno;
    throw read_failure(Code::data, "cannot open the file", path, system_error, "")
        .found(system_reason(system_error));
  }
  if (S_ISDIR(status.st_mode))
    throw Error(Code::data, "this is a directory, not a NetCDF file").file(path);
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

/// Two paths that lead to one file count as the same: NetCDF must not open it twice.
bool same_file(const Identity& a, const Identity& b) {
  return a.device == b.device && a.inode == b.inode;
}

size_t chunk_total() {
  size_t total = 0;
  for (const Entry& e : entries())
    for (const auto& [variable, bytes] : e.file.chunk_cache) total += bytes;
  return total;
}

std::string number_text(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.15g", value);
  return text.data();
}

/// Text ends at its first NUL; trailing blanks are padding.
std::string clean(std::string text) {
  text.resize(std::min(text.size(), text.find('\0')));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  return text;
}

/// errno behind a status of NetCDF, as long as nothing else has set it.
int cause_of(int status) { return status == NC_ENOMEM ? ENOMEM : status > 0 ? status : errno; }

}  // namespace

NetcdfLock::NetcdfLock() {
  netcdf_mutex().lock();
  errno = 0;  // what is there when a call fails is of this work
  // HDF5 1.10 crashes at the end of the process over a file that could not be closed.
  static const bool nothing_at_exit = H5dont_atexit() >= 0;
  static_cast<void>(nothing_at_exit);
  // HDF5 prints what it does not find to stderr unless every thread tells it not to; NetCDF tells
  // it in the first one alone. What matters comes back as a status.
  thread_local const bool quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(quiet);
}
NetcdfLock::~NetcdfLock() { netcdf_mutex().unlock(); }

void check_netcdf(int status, const std::string& path, const std::string& doing) {
  if (status == NC_NOERR) return;
  const int system_error = cause_of(status);
  throw read_failure(Code::io, "NetCDF: cannot " + doing, path, system_error, "")
      .found(nc_strerror(status));
}

NcFile& open_netcdf(const std::string& path) {
  refuse_remote(path);
  const Identity identity = identify(path);
  auto& list = entries();
  for (auto it = list.begin(); it != list.end(); ++it) {
    if (!same_file(it->identity, identity) && it->file.path != path) continue;
    if (it->identity == identity) {
      list.splice(list.begin(), list, it);
      return list.front().file;
    }
    nc_close(it->file.ncid);  // replaced since it was opened
    list.erase(it);
    break;
  }
  SafeNetcdf safe = require_safe_netcdf(path);
  while (list.size() >= kOpenFiles) {
    nc_close(list.back().file.ncid);
    list.pop_back();
  }
  nc_set_chunk_cache(kChunkStart, 1009, 0.75F);
  int ncid = -1;
  // An absolute path, which the library cannot take for a URL.
  const std::string absolute = std::filesystem::absolute(path).string();
  errno = 0;
  int status = nc_open(absolute.c_str(), NC_NOWRITE, &ncid);
  int system_error = cause_of(status);
  if (status != NC_NOERR && safe.held()) {
    const int lost = safe.closing_error();
    if (lost != 0) {
      system_error = lost;
    } else {
      // Perhaps a NetCDF that wants its files closed otherwise, and so cannot share this one.
      safe = {};
      errno = 0;
      status = nc_open(absolute.c_str(), NC_NOWRITE, &ncid);
      system_error = cause_of(status);
    }
  }
  if (status != NC_NOERR) {
    throw read_failure(Code::data, "cannot read this file as NetCDF", path, system_error,
                       "is the file whole? try `ncdump -h` on it")
        .found(nc_strerror(status));
  }
  Entry entry;
  entry.file.ncid = ncid;
  entry.file.path = path;
  entry.identity = identity;
  entry.safe = std::move(safe);
  list.push_front(std::move(entry));
  return list.front().file;
}

void require_small_chunks(const NcFile& file, int variable, const std::string& name) {
  constexpr size_t largest = size_t{1} << 30;
  int rank = 0, storage = NC_CONTIGUOUS;
  nc_type type = NC_NAT;
  size_t bytes = 0;
  if (nc_inq_varndims(file.ncid, variable, &rank) != NC_NOERR || rank <= 0 ||
      nc_inq_vartype(file.ncid, variable, &type) != NC_NOERR ||
      nc_inq_type(file.ncid, type, nullptr, &bytes) != NC_NOERR)
    return;
  std::vector<size_t> chunk(static_cast<size_t>(rank), 1);
  if (nc_inq_var_chunking(file.ncid, variable, &storage, chunk.data()) != NC_NOERR ||
      storage != NC_CHUNKED)
    return;
  for (const size_t edge : chunk) {
    if (edge > 0 && bytes > largest / edge)
      throw Error(Code::data, "the variable " + name + " is stored in chunks that are too large")
          .file(file.path)
          .expected("at most " + std::to_string(largest >> 20) + " MiB a chunk")
          .hint("store it in smaller ones: nccopy -c");
    bytes *= std::max<size_t>(edge, 1);
  }
}

void grow_chunk_cache(NcFile& file, int variable, size_t bytes, size_t times) {
  size_t& set = file.chunk_cache[variable];
  if (times <= kChunkBudget / kOpenFiles / bytes) bytes *= times;
  if (bytes <= std::max(set, kChunkStart)) return;
  const size_t others = chunk_total() - set;
  const size_t allowed = others >= kChunkBudget ? 0 : kChunkBudget - others;
  const size_t wanted = std::min(bytes, allowed);
  if (wanted <= std::max(set, kChunkStart)) return;
  // A cache that cannot be set costs time, not values.
  if (nc_set_var_chunk_cache(file.ncid, variable, wanted, 4099, 0.75F) == NC_NOERR) set = wanted;
}

std::map<std::string, NcAttribute> read_attributes(const NcFile& file, int variable) {
  int count = 0;
  if (variable == NC_GLOBAL)
    check_netcdf(nc_inq_natts(file.ncid, &count), file.path, "read the global attributes");
  else
    check_netcdf(nc_inq_varnatts(file.ncid, variable, &count), file.path, "read attributes");
  constexpr int most = NC_MAX_ATTRS;
  if (count > most)
    throw Error(Code::data, "the file has too many attributes")
        .file(file.path)
        .found(std::to_string(count))
        .expected("at most " + std::to_string(most));
  std::map<std::string, NcAttribute> out;
  for (int i = 0; i < count; ++i) {
    std::array<char, NC_MAX_NAME + 1> name{};
    check_netcdf(nc_inq_attname(file.ncid, variable, i, name.data()), file.path,
                 "read an attribute's name");
    nc_type type = NC_NAT;
    size_t length = 0;
    check_netcdf(nc_inq_att(file.ncid, variable, name.data(), &type, &length), file.path,
                 "read an attribute");
    if (length > (size_t{1} << 20)) continue;  // no metadata is that long
    NcAttribute attribute;
    attribute.type = type;
    if (type == NC_CHAR) {
      std::string text(length, '\0');
      if (length > 0)
        check_netcdf(nc_get_att_text(file.ncid, variable, name.data(), text.data()), file.path,
                     "read an attribute");
      attribute.text = clean(std::move(text));
    } else if (type == NC_STRING) {
      std::vector<char*> strings(length, nullptr);
      if (length > 0)
        check_netcdf(nc_get_att_string(file.ncid, variable, name.data(), strings.data()), file.path,
                     "read an attribute");
      for (size_t k = 0; k < length; ++k) {
        if (k > 0) attribute.text += ", ";
        if (strings[k] != nullptr) attribute.text += clean(strings[k]);
      }
      if (length > 0) nc_free_string(length, strings.data());
    } else if (type <= NC_MAX_ATOMIC_TYPE) {
      attribute.numbers.resize(length);
      if (length > 0)
        check_netcdf(nc_get_att_double(file.ncid, variable, name.data(), attribute.numbers.data()),
                     file.path, "read an attribute");
      for (size_t k = 0; k < length; ++k)
        attribute.text += (k > 0 ? ", " : "") + number_text(attribute.numbers[k]);
    } else {
      continue;  // compound and other user-defined types
    }
    out[name.data()] = std::move(attribute);
  }
  return out;
}

std::string text_of(const std::map<std::string, NcAttribute>& attributes, const std::string& name) {
  const auto it = attributes.find(name);
  return it == attributes.end() ? std::string() : it->second.text;
}

std::optional<double> number_of(const std::map<std::string, NcAttribute>& attributes,
                                const std::string& name) {
  const auto it = attributes.find(name);
  if (it == attributes.end()) return std::nullopt;
  if (!it->second.numbers.empty()) return it->second.numbers.front();
  const char* begin = it->second.text.c_str();
  char* end = nullptr;
  const double value = std::strtod(begin, &end);
  if (end == begin) return std::nullopt;
  return value;
}

void close_netcdf_files() {
  const NetcdfLock lock;
  for (const Entry& e : entries()) nc_close(e.file.ncid);
  entries().clear();
}

}  // namespace fluxtile
