// SPDX-License-Identifier: Apache-2.0
#include "daily_file.h"

#include <netcdf.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace fluxtile::end_to_end {
namespace fs = std::filesystem;
namespace {

void check(int status) {
  if (status != NC_NOERR) throw std::runtime_error(nc_strerror(status));
}

}  // namespace

void cut_daily_file(const fs::path& from, const fs::path& to, size_t days, size_t revised) {
  int source = 0, target = 0, dimensions = 0, variables = 0, attributes = 0, unlimited = 0;
  check(nc_open(from.c_str(), NC_NOWRITE, &source));
  fs::remove(to);
  check(nc_create(to.c_str(), NC_NETCDF4 | NC_CLOBBER, &target));
  check(nc_inq(source, &dimensions, &variables, &attributes, &unlimited));
  std::vector<size_t> lengths;
  int time = -1;
  for (int d = 0; d < dimensions; ++d) {
    char name[NC_MAX_NAME + 1];
    size_t length = 0;
    check(nc_inq_dim(source, d, name, &length));
    if (std::string(name) == "day" || std::string(name) == "time") {
      time = d;
      length = std::min(length, days);
    }
    lengths.push_back(length);
    int made = 0;
    check(nc_def_dim(target, name, length, &made));
  }
  const auto copy_attributes = [&](int a, int b, int count) {
    for (int k = 0; k < count; ++k) {
      char name[NC_MAX_NAME + 1];
      check(nc_inq_attname(source, a, k, name));
      check(nc_copy_att(source, a, name, target, b));
    }
  };
  copy_attributes(NC_GLOBAL, NC_GLOBAL, attributes);
  for (int v = 0; v < variables; ++v) {
    char name[NC_MAX_NAME + 1];
    nc_type type = 0;
    int rank = 0, dims[NC_MAX_VAR_DIMS], count = 0, made = 0;
    check(nc_inq_var(source, v, name, &type, &rank, dims, &count));
    check(nc_def_var(target, name, type, rank, dims, &made));
    copy_attributes(v, made, count);
  }
  check(nc_enddef(target));
  for (int v = 0; v < variables; ++v) {
    nc_type type = 0;
    int rank = 0, dims[NC_MAX_VAR_DIMS];
    check(nc_inq_var(source, v, nullptr, &type, &rank, dims, nullptr));
    size_t size = 0, cells = 1;
    check(nc_inq_type(source, type, nullptr, &size));
    std::vector<size_t> start(static_cast<size_t>(rank), 0), counts;
    for (int d = 0; d < rank; ++d) {
      counts.push_back(lengths[static_cast<size_t>(dims[d])]);
      cells *= counts.back();
    }
    std::vector<char> bytes(cells * size);
    check(nc_get_vara(source, v, start.data(), counts.data(), bytes.data()));
    if (rank == 3 && dims[0] == time && type == NC_USHORT && revised < counts[0]) {
      auto* values = reinterpret_cast<unsigned short*>(bytes.data());
      for (size_t k = revised * counts[1] * counts[2]; k < cells; ++k)
        if (values[k] < 30000) values[k] = static_cast<unsigned short>(values[k] + 1);
    }
    check(nc_put_vara(target, v, start.data(), counts.data(), bytes.data()));
  }
  check(nc_close(target));
  check(nc_close(source));
}

void show_days(const fs::path& whole, const fs::path& world, int year, size_t days,
               size_t composites, size_t revised) {
  for (const auto& entry : fs::directory_iterator(whole / "climate")) {
    const std::string name = entry.path().filename();
    if (name.find("_" + std::to_string(year)) != std::string::npos)
      cut_daily_file(entry.path(), world / "climate" / name, days, revised);
  }
  for (const auto& entry : fs::directory_iterator(whole / "gpp")) {
    const std::string name = entry.path().filename();  // gpp_2018225.tif
    if (std::stoi(name.substr(4, 4)) != year) continue;
    const bool there = static_cast<size_t>(std::stoi(name.substr(8, 3))) <= composites;
    if (!there) fs::remove(world / "gpp" / name);
    if (there && !fs::exists(world / "gpp" / name)) fs::copy(entry.path(), world / "gpp" / name);
  }
}

}  // namespace fluxtile::end_to_end
