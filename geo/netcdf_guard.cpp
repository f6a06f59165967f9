// SPDX-License-Identifier: Apache-2.0
#include "geo/netcdf_guard.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/safe_text.h"
#include "base/system_fault.h"
#include "geo/gdal_access.h"
#include "geo/gdal_drivers.h"
#include "geo/library_descriptors.h"
#include "geo/read_failure.h"

namespace fluxtile {
namespace {

/// NetCDF's own limits, which the library states but does not keep.
constexpr uint64_t most_dimensions = 1024, most_attributes = 8192, most_variables = 8192;
constexpr uint64_t longest_name = 256;
constexpr size_t most_links = 100000;

/// Reads a classic header ("CDF" 1, 2 or 5), whose layout is that of the NetCDF file format
/// specification, without keeping anything of it.
class ClassicHeader {
 public:
  ClassicHeader(std::istream& in, uint64_t size, const std::string& path)
      : in_(in), size_(size), path_(path) {}

  void check() {
    char magic[4];
    take(magic, sizeof magic);
    wide_ = magic[3] == 5;
    wide_begin_ = magic[3] != 1;
    static_cast<void>(number());  // records
    const uint64_t dimensions = list(0x0A, most_dimensions, "dimensions");
    for (uint64_t i = 0; i < dimensions; ++i) {
      name();
      static_cast<void>(number());
    }
    attributes();
    const uint64_t variables = list(0x0B, most_variables, "variables");
    for (uint64_t i = 0; i < variables; ++i) {
      name();
      const uint64_t rank = number();
      if (rank > dimensions) refuse("a variable of " + std::to_string(rank) + " dimensions");
      skip(rank, wide_ ? 8 : 4);
      attributes();
      static_cast<void>(word());     // type
      static_cast<void>(number());   // size
      skip(1, wide_begin_ ? 8 : 4);  // where it begins
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& found) const {
    throw Error(Code::data, "the header of this NetCDF file does not fit the file")
        .file(path_)
        .found(found)
        .hint("is the file whole? try `ncdump -h` on it");
  }
  void take(char* into, uint64_t bytes) {
    if (bytes > size_ - at_) refuse("a header that is cut off");
    in_.read(into, static_cast<std::streamsize>(bytes));
    if (!in_) refuse("a header that is cut off");
    at_ += bytes;
  }
  void skip(uint64_t count, uint64_t bytes) {
    const uint64_t rest = size_ - at_;
    if (count > rest / bytes) refuse(std::to_string(count) + " values in the header");
    at_ += count * bytes;
    in_.seekg(static_cast<std::streamoff>(count * bytes), std::ios::cur);
    if (!in_) refuse("a header that is cut off");
  }
  uint64_t big_endian(uint64_t bytes) {
    std::array<unsigned char, 8> raw{};
    take(reinterpret_cast<char*>(raw.data()), bytes);
    uint64_t value = 0;
    for (uint64_t i = 0; i < bytes; ++i) value = value << 8 | raw[i];
    return value;
  }
  uint64_t word() { return big_endian(4); }
  uint64_t number() { return big_endian(wide_ ? 8 : 4); }
  void name() {
    const uint64_t length = number();
    if (length > longest_name) refuse("a name of " + std::to_string(length) + " bytes");
    skip((length + 3) / 4, 4);
  }
  /// Number of entries of a list, which is absent (two zeros) or has its tag.
  uint64_t list(uint64_t tag, uint64_t most, const char* what) {
    const uint64_t found = word(), count = number();
    if (found != tag && (found != 0 || count != 0)) refuse("a list of another kind");
    if (count > most) refuse(std::to_string(count) + " " + what);
    return count;
  }
  void attributes() {
    const uint64_t count = list(0x0C, most_attributes, "attributes");
    for (uint64_t i = 0; i < count; ++i) {
      name();
      const uint64_t type = word(), values = number();
      constexpr std::array<uint64_t, 12> sizes = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
      if (type == 0 || type >= sizes.size()) refuse("an attribute of unknown type");
      if (values > size_) refuse("an attribute of " + std::to_string(values) + " values");
      skip((values * sizes[type] + 3) / 4, 4);
    }
  }

  std::istream& in_;
  uint64_t size_, at_ = 0;
  const std::string& path_;
  bool wide_ = false, wide_begin_ = false;
};

/// An HDF5 identifier that is closed.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  [[nodiscard]] hid_t id() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

struct Walk {
  size_t links = 0;
  std::string name, problem;  ///< of the first link that is refused
  int system_error = 0;       ///< errno where it cannot be read
};

/// What is wrong with how a dataset is stored; empty if nothing is.
std::string storage_problem(hid_t dataset) {
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (creation.id() < 0) return "its storage cannot be read";
  if (H5Pget_layout(creation.id()) == H5D_VIRTUAL) return "it is put together from other files";
  if (H5Pget_layout(creation.id()) == H5D_CONTIGUOUS && H5Pget_external_count(creation.id()) > 0)
    return "its values lie in other files";
  const int filters = remote_is_allowed() ? 0 : H5Pget_nfilters(creation.id());
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(creation.id(), static_cast<unsigned>(i), &flags,
                                               &values, nullptr, 0, nullptr, &config);
    if (filter >= 0 && H5Zfilter_avail(filter) <= 0)
      return "it is compressed by a filter that HDF5 does not bring (number " +
             std::to_string(filter) + ")";
  }
  return {};
}

herr_t visit(hid_t group, const char* name, const H5L_info_t* info, void* data) {
  auto& walk = *static_cast<Walk*>(data);
  const auto stop = [&](const std::string& problem) {
    walk.name = name;
    walk.problem = problem;
    return 1;
  };
  if (++walk.links > most_links) return stop("the file has too many objects");
  if (info->type == H5L_TYPE_SOFT) return 0;
  if (info->type != H5L_TYPE_HARD) return stop("it is a link to another file");
  errno = 0;
  const Handle object(H5Oopen(group, name, H5P_DEFAULT), H5Oclose);
  if (object.id() < 0) {
    walk.system_error = errno;
    return stop("it cannot be opened");
  }
  if (H5Iget_type(object.id()) != H5I_DATASET) return 0;
  const std::string problem = storage_problem(object.id());
  return problem.empty() ? 0 : stop(problem);
}

void check_hdf5(hid_t file, const std::string& path) {
  Walk walk;
  H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &walk);
  if (walk.problem.empty()) return;
  if (walk.system_error == EIO || is_passing_fault(walk.system_error))
    throw read_failure(Code::io, "cannot read this file", path, walk.system_error, "");
  throw Error(Code::data, "a NetCDF file must hold its own values, in a form HDF5 reads by itself")
      .file(path)
      .found(visible_text(walk.name) + ": " + walk.problem)
      .hint("copy it into one plain file: nccopy -d 1 " + path + " copy.nc");
}

/// HDF5's descriptor of an open file; -1 for none.
int descriptor_of(hid_t file) {
  void* descriptor = nullptr;
  const bool told = file >= 0 && H5Fget_vfd_handle(file, H5P_DEFAULT, &descriptor) >= 0;
  return told && descriptor != nullptr ? *static_cast<const int*>(descriptor) : -1;
}

/// The first bytes; fewer where the file is shorter. They are read here since the library would try
/// for ever where the disk reports an error (NC_readfileF of netCDF-C 4.9.0).
std::string first_bytes(const std::string& path) {
  const auto fail = [&](const char* what) {
    const int system_error = errno;
    return read_failure(Code::data, what, path, system_error, "")
        .found(system_reason(system_error));
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw fail("cannot open the file");
  std::string head(8, '\0');
  size_t have = 0;
  while (have < head.size()) {
    const ssize_t n = read(fd, head.data() + have, head.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const Error error = fail("cannot read this file");
      close(fd);
      throw error;
    }
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  if (close(fd) != 0 && errno != EINTR) throw fail("cannot close this file");
  head.resize(have);
  return head;
}

}  // namespace

int SafeNetcdf::closing_error() const noexcept {
  const int descriptor = descriptor_of(hdf5_);
  return descriptor < 0 ? 0 : fluxtile::closing_error(descriptor);
}

SafeNetcdf::~SafeNetcdf() {
  if (hdf5_ < 0) return;
  const int descriptor = descriptor_of(hdf5_);
  if (descriptor >= 0 && fluxtile::closing_error(descriptor) != 0) divert_to_nothing(descriptor);
  H5Fclose(hdf5_);
}

SafeNetcdf::SafeNetcdf(SafeNetcdf&& other) noexcept : hdf5_(std::exchange(other.hdf5_, -1)) {}

SafeNetcdf& SafeNetcdf::operator=(SafeNetcdf&& other) noexcept {
  std::swap(hdf5_, other.hdf5_);
  return *this;
}

void check_classic_header(std::istream& in, uint64_t size, const std::string& path) {
  ClassicHeader(in, size, path).check();
}

SafeNetcdf require_safe_netcdf(const std::string& path) {
  refuse_remote(path);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int system_error = errno;
    throw read_failure(Code::data, "cannot open the file", path, system_error, "")
        .found(system_reason(system_error));
  }
  if (S_ISDIR(status.st_mode))
    throw Error(Code::data, "this is a directory, not a NetCDF file").file(path);
  if (!S_ISREG(status.st_mode)) throw Error(Code::data, "this is no plain file").file(path);
  const std::string head = first_bytes(path);
  const bool classic = head.size() > 3 && head.compare(0, 3, "CDF") == 0 &&
                       (head[3] == 1 || head[3] == 2 || head[3] == 5);
  if (classic) {
    std::ifstream in(path, std::ios::binary);
    check_classic_header(in, static_cast<uint64_t>(status.st_size), path);
    return {};
  }
  errno = 0;
  const htri_t hdf5 = H5Fis_hdf5(path.c_str());
  if (hdf5 < 0) throw read_failure(Code::data, "cannot read this file", path, errno, "");
  if (hdf5 == 0) return {};
  if (!remote_is_allowed()) H5PLset_loading_state(0);
  SafeNetcdf file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (file.hdf5_ >= 0) check_hdf5(file.hdf5_, path);  // else NetCDF says why
  return file;
}

}  // namespace fluxtile
