// SPDX-License-Identifier: Apache-2.0
// What is refused of a NetCDF file before the library takes memory by it or follows it elsewhere.
#include "geo/netcdf_guard.h"

#include <gmock/gmock.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "geo/netcdf_source.h"
#include "tests/geo/netcdf_fixture.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

/// Numbers of a classic header, big-endian.
std::string be(uint64_t value, int bytes = 4) {
  std::string out;
  for (int i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::string header(char version, const std::string& rest) {
  return "CDF" + std::string(1, version) + rest;
}

std::string found_in_header(const std::string& bytes) {
  std::istringstream in(bytes);
  try {
    check_classic_header(in, bytes.size(), "x.nc");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    return error.found();
  }
}

TEST(ClassicHeader, SizesAreCheckedAgainstTheFile) {
  const std::string empty = be(0) + be(0);
  const std::string records = be(0);
  EXPECT_EQ(found_in_header(header(1, records + empty + empty + empty)), "");
  EXPECT_EQ(found_in_header(
                header(5, be(0, 8) + (be(0) + be(0, 8)) + (be(0) + be(0, 8)) + (be(0) + be(0, 8)))),
            "");
  EXPECT_THAT(found_in_header(header(1, records + be(10) + be(0x7fffffff))),
              HasSubstr("2147483647 dimensions"));
  EXPECT_THAT(found_in_header(header(1, records + be(10) + be(1) + be(0x10000000))),
              HasSubstr("a name of"));
  EXPECT_THAT(found_in_header(header(1, records + empty + be(12) + be(65000))),
              HasSubstr("65000 attributes"));
  EXPECT_THAT(found_in_header(header(1, records + empty + be(12) + be(1) + be(1) +
                                            std::string("a\0\0\0", 4) + be(6) + be(0x20000000))),
              HasSubstr("an attribute of"));
  EXPECT_THAT(found_in_header(header(2, records + empty + empty + be(11) + be(1) + be(1) +
                                            std::string("v\0\0\0", 4) + be(5))),
              HasSubstr("5 dimensions"));
  EXPECT_THAT(found_in_header(header(1, records + be(10))), HasSubstr("cut off"));
}

class NetcdfGuard : public TemporaryDirectory {
 protected:
  ~NetcdfGuard() override { close_netcdf_files(); }
  static Error refusal(const std::string& path) {
    try {
      read_netcdf_info(path);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "not refused: " << path;
    return Error(Code::internal, "not refused");
  }
};

TEST_F(NetcdfGuard, OnlyPlainFilesOfThisMachineAreOpened) {
  EXPECT_THAT(refusal("https://example.org/a.nc").message(), HasSubstr("network"));
  EXPECT_THAT(refusal("[mode=dap4]http:/example.org/a.nc").message(), HasSubstr("network"));
  ASSERT_EQ(mkfifo(file("pipe.nc").c_str(), 0600), 0);
  EXPECT_THAT(refusal(file("pipe.nc")).message(), HasSubstr("no plain file"));
  EXPECT_THAT(refusal("/dev/zero").message(), HasSubstr("no plain file"));
  // A folder that is called like a URL is no way around.
  std::filesystem::create_directories(file("https:/example.org"));
  EXPECT_EQ(refusal(file("https:/example.org/a.nc")).code(), Code::data);
}

TEST_F(NetcdfGuard, ManyAttributesAreRefusedAtOnce) {
  const std::string path = file("many.nc");
  std::string bytes = header(1, be(0) + be(0) + be(0) + be(12) + be(9000));
  for (int i = 0; i < 9000; ++i)
    bytes += be(4) + std::to_string(1000 + i).substr(0, 4) + be(1) + be(0);
  bytes += be(0) + be(0);
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_THAT(refusal(path).found(), HasSubstr("9000 attributes"));
}

TEST_F(NetcdfGuard, AnAxisThatClaimsToBeLongTakesNoMemory) {
  {
    NcDraft draft(file("long.nc"));
    draft.dimension("lat", size_t{1} << 40);
    draft.dimension("lon", 2);
    draft.variable("lat", NC_DOUBLE, {"lat"});
    draft.text("units", "degrees_north").chunked({1024});
    draft.variable("lon", NC_DOUBLE, {"lon"});
    draft.text("units", "degrees_east");
    draft.variable("v", NC_FLOAT, {"lat", "lon"});
    draft.chunked({1024, 2});
  }
  EXPECT_THAT(refusal(file("long.nc")).message(), HasSubstr("too long"));
}

TEST_F(NetcdfGuard, ChunksThatAreTooLargeAreRefused) {
  {
    NcDraft draft(file("chunk.nc"));
    draft.axis("lat", counted(3), "degrees_north");
    draft.axis("lon", counted(3), "degrees_east");
    draft.dimension("day", size_t{1} << 28);
    draft.variable("v", NC_DOUBLE, {"day", "lat", "lon"});
    draft.chunked({size_t{1} << 25, 3, 3});
  }
  const NetcdfInfo info = read_netcdf_info(file("chunk.nc"));
  ASSERT_FALSE(info.other_variables.empty() && info.variables.empty());
  {
    NcDraft draft(file("axis.nc"));
    draft.dimension("lat", size_t{1} << 28);
    draft.axis("lon", counted(3), "degrees_east");
    draft.variable("lat", NC_DOUBLE, {"lat"});
    draft.text("units", "degrees_north").chunked({size_t{1} << 28});
    draft.variable("v", NC_DOUBLE, {"lat", "lon"});
    draft.chunked({16, 3});
  }
  EXPECT_THAT(refusal(file("axis.nc")).message(), HasSubstr("chunks"));
}

/// An HDF5 file with one dataset, made by `creation`.
void write_dataset(const std::string& path, hid_t creation) {
  const hid_t out = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t size = 4;
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  const hid_t data =
      H5Dcreate2(out, "v", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  EXPECT_GE(data, 0);
  H5Dclose(data);
  H5Sclose(space);
  H5Fclose(out);
}

TEST_F(NetcdfGuard, ValuesInOtherFilesAreRefused) {
  std::ofstream(file("secret")) << std::string(64, 'x');
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(creation, file("secret").c_str(), 0, 32);
  write_dataset(file("external.nc"), creation);
  H5Pclose(creation);
  EXPECT_THAT(refusal(file("external.nc")).found(), HasSubstr("v: its values lie in other files"));

  const hid_t virtual_one = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t size = 4;
  const hid_t space = H5Screate_simple(1, &size, nullptr);
  H5Pset_virtual(virtual_one, space, file("other.h5").c_str(), "v", space);
  H5Sclose(space);
  write_dataset(file("virtual.nc"), virtual_one);
  H5Pclose(virtual_one);
  EXPECT_THAT(refusal(file("virtual.nc")).found(), HasSubstr("put together from other files"));

  const hid_t out = H5Fcreate(file("link.nc").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(out, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external(file("other.h5").c_str(), "/v", group, "away", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  H5Fclose(out);
  EXPECT_THAT(refusal(file("link.nc")).found(), HasSubstr("g/away: it is a link to another file"));
}

/// A filter that hands the bytes on.
size_t pass(unsigned, size_t, const unsigned*, size_t bytes, size_t*, void**) { return bytes; }

/// A filter number that a file asks for would make HDF5 load whatever shared object lies in the
/// plugin folder. The one built for this test leaves a file behind when it is loaded.
TEST_F(NetcdfGuard, NoSharedObjectIsLoadedBecauseAFileAsksForAFilter) {
  constexpr H5Z_filter_t number = 300;
  const std::string mark = file("loaded");
  ASSERT_EQ(setenv("FLUXTILE_TEST_MARK", mark.c_str(), 1), 0);
  H5Z_class2_t filter{};
  filter.version = H5Z_CLASS_T_VERS;
  filter.id = number;
  filter.encoder_present = filter.decoder_present = 1;
  filter.name = "pass";
  filter.filter = pass;
  ASSERT_GE(H5Zregister(&filter), 0);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk = 4;
  H5Pset_chunk(creation, 1, &chunk);
  H5Pset_filter(creation, number, H5Z_FLAG_MANDATORY, 0, nullptr);
  write_dataset(file("filter.nc"), creation);
  H5Pclose(creation);
  ASSERT_GE(H5Zunregister(number), 0);

  unsigned before = 0;
  H5PLget_loading_state(&before);
  H5PLreplace(FLUXTILE_TEST_PLUGINS, 0);
  EXPECT_THAT(refusal(file("filter.nc")).found(), HasSubstr("number 300"));
  EXPECT_FALSE(std::filesystem::exists(mark)) << "a plugin was loaded";
  // The plugin is one that would have been loaded.
  H5PLset_loading_state(H5PL_FILTER_PLUGIN);
  EXPECT_GT(H5Zfilter_avail(number), 0);
  EXPECT_TRUE(std::filesystem::exists(mark));
  H5PLset_loading_state(before);
}

}  // namespace
}  // namespace fluxtile
