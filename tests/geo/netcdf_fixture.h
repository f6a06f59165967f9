// SPDX-License-Identifier: Apache-2.0
#pragma once

// Small NetCDF files for tests, drawn in the test text.

#include <gtest/gtest.h>
#include <netcdf.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace fluxtile {

/// Writes one file: dimensions, variables with attributes, values. Every call must succeed.
class NcDraft {
 public:
  explicit NcDraft(std::string path, int mode = NC_NETCDF4) : path_(std::move(path)) {
    ok(nc_create(path_.c_str(), mode | NC_CLOBBER, &ncid_));
  }
  ~NcDraft() { close(); }
  NcDraft(const NcDraft&) = delete;
  NcDraft& operator=(const NcDraft&) = delete;

  int dimension(const std::string& name, size_t size) {
    int id = -1;
    ok(nc_def_dim(ncid_, name.c_str(), size, &id));
    return id;
  }
  int variable(const std::string& name, nc_type type, const std::vector<std::string>& dimensions) {
    std::vector<int> ids;
    for (const std::string& d : dimensions) {
      int id = -1;
      ok(nc_inq_dimid(ncid_, d.c_str(), &id));
      ids.push_back(id);
    }
    ok(nc_def_var(ncid_, name.c_str(), type, static_cast<int>(ids.size()), ids.data(), &last_));
    return last_;
  }
  /// Attributes of the variable defined last (NC_GLOBAL after `global()`).
  NcDraft& text(const std::string& name, const std::string& value) {
    ok(nc_put_att_text(ncid_, last_, name.c_str(), value.size(), value.c_str()));
    return *this;
  }
  NcDraft& number(const std::string& name, nc_type type, const std::vector<double>& values) {
    ok(nc_put_att_double(ncid_, last_, name.c_str(), type, values.size(), values.data()));
    return *this;
  }
  NcDraft& global() {
    last_ = NC_GLOBAL;
    return *this;
  }
  NcDraft& chunked(const std::vector<size_t>& chunks) {
    ok(nc_def_var_chunking(ncid_, last_, NC_CHUNKED, chunks.data()));
    ok(nc_def_var_deflate(ncid_, last_, 1, 1, 1));
    return *this;
  }
  /// An axis: dimension, variable and values at once.
  NcDraft& axis(const std::string& name, const std::vector<double>& values,
                const std::string& units, nc_type type = NC_DOUBLE) {
    dimension(name, values.size());
    variable(name, type, {name});
    if (!units.empty()) text("units", units);
    later_.emplace_back(last_, values);
    return *this;
  }
  void values(const std::string& name, const std::vector<double>& values) {
    int id = -1;
    ok(nc_inq_varid(ncid_, name.c_str(), &id));
    later_.emplace_back(id, values);
  }
  void close() {
    if (ncid_ < 0) return;
    ok(nc_enddef(ncid_));
    for (const auto& [id, values] : later_) ok(nc_put_var_double(ncid_, id, values.data()));
    ok(nc_close(ncid_));
    ncid_ = -1;
  }

 private:
  static void ok(int status) { ASSERT_EQ(status, NC_NOERR) << nc_strerror(status); }
  std::string path_;
  int ncid_ = -1, last_ = NC_GLOBAL;
  std::vector<std::pair<int, std::vector<double>>> later_;
};

/// A directory of its own for every test, removed afterwards.
class TemporaryDirectory : public testing::Test {
 protected:
  TemporaryDirectory()
      : directory_(std::filesystem::path(testing::TempDir()) /
                   ("fluxtile_" + std::to_string(::getpid()) + "_" +
                    testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(directory_);
  }
  ~TemporaryDirectory() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return (directory_ / name).string();
  }

 private:
  std::filesystem::path directory_;
};

inline std::vector<double> counted(size_t n, double first = 0, double step = 1) {
  std::vector<double> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = first + step * static_cast<double>(i);
  return out;
}

}  // namespace fluxtile
