// SPDX-License-Identifier: Apache-2.0
// Inputs that cannot be read, or that change while a run is going on. A file that is damaged fails
// its tiles (exit code 1); a fault that says nothing about the file, or a file that was exchanged,
// is worth another try (75).
#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include "base/atomic_file.h"
#include "place.h"

namespace fluxtile::faults {
namespace {

using testing::HasSubstr;

class Reads : public Place {
 protected:
  [[nodiscard]] fs::path inputs() const { return folder() / "w"; }
  [[nodiscard]] fs::path out() const { return folder() / "out"; }
  /// The new run with one thread: two have handles of their own and do not read equally often
  /// twice.
  static Words run_alone(const fs::path& outputs, const Words& more = {}) {
    Words words = new_run(outputs, more);
    *(std::find(words.begin(), words.end(), "--threads") + 1) = "1";
    return words;
  }
  /// A read while tiles are read.
  long late_read(const std::string& name) { return static_cast<long>(reads_of(name)) * 3 / 4; }
  static std::string reason(int error) {
    return std::error_code(error, std::generic_category()).message();
  }
  /// Every call of some kinds on an input fails, from the nth on.
  static Fault failing(const std::string& calls, const std::string& name, int error, long nth = 1) {
    Fault fault;
    fault.call = calls;
    fault.path = "*/" + name;
    fault.nth = nth;
    fault.count = 0;
    fault.action = "errno:" + std::to_string(error);
    return fault;
  }
  /// Reads of a file (or other calls) in an undisturbed run into what lies in out(); that is left
  /// alone.
  size_t reads_of(const std::string& name, const std::set<std::string>& kinds = {"read"}) {
    size_t found = 0;
    if (fs::exists(out())) fs::copy(out(), folder() / "dry", fs::copy_options::recursive);
    for (const Call& call : calls_of(run_alone(folder() / "dry"), "*/" + name))
      found += kinds.count(call.name);
    fs::remove_all(folder() / "dry");
    return found;
  }
  /// Stops a run when its first tile-year is there, does something to the inputs, and lets it go
  /// on.
  Outcome changed_underway(const std::function<void()>& deed) {
    Fault fault;
    fault.call = "rename";
    fault.path = "*.tile-year.*.part";
    fault.action = "stop-after";
    return halted_run(new_run_of(inputs(), out()), fault, deed);
  }
};

TEST_F(Reads, ErrorsInTheMiddle) {
  for (const std::string name : {"gpp_2018185.tif", "tmmx_2018.nc", "crop_2018.tif"}) {
    take_old(out());
    const auto reads = static_cast<long>(reads_of(name));
    ASSERT_GT(reads, 2) << name;
    std::vector<long> moments = {late_read(name)};
    if (in_full()) moments = {1, 2, reads / 4, reads / 2, reads * 3 / 4, reads - 1, reads};
    size_t tried = 0;
    for (const long nth : moments) {
      if (nth < 1) continue;
      take_old(out());
      const Fault fault = failing("read", name, EIO, nth);
      const std::string what = name + ", read " + std::to_string(nth);
      const Outcome outcome = end_to_end::execute(run_alone(out()), with({fault}));
      if (outcome.code == 0) continue;  // the last reads of all may not be needed
      ++tried;
      // While headers are read the run cannot begin; later the tiles fail.
      EXPECT_THAT(outcome.code, testing::AnyOf(1, 74)) << what;
      expect_told(outcome, outcome.code, {name, reason(EIO)}, what);
      expect_old(out(), what);
      expect_rerun(out(), what);
    }
    EXPECT_GE(tried, 1U) << name;
    note("read", "EIO in the middle of " + name, tried,
         "1 (tiles recorded as failed) or 74 while planning, naming the file; old products as they "
         "were; the rerun completes");
  }
}

TEST_F(Reads, TilesThatFailAreMarkedAndMended) {
  const std::string name = "gpp_2018185.tif";
  const Fault fault = failing("read", name, EIO, late_read(name));
  const Words forgiving = {"--set", "run.max_failed_tiles=9"};
  const Outcome outcome = end_to_end::execute(run_alone(out(), forgiving), with({fault}));
  expect_told({outcome.code, outcome.signal, "", "fluxtile: error:" + outcome.err, 0}, 1,
              {name, reason(EIO)}, "forgiving");
  const Json record = end_to_end::run_record(out());
  EXPECT_GT(record.at("failures").size(), 0U);
  EXPECT_EQ(0, end_to_end::fluxtile({"verify", out().string()}).code);
  expect_rerun(out(), "mended");
}

TEST_F(Reads, PassingFaults) {
  for (const int error : {ESTALE, ENOMEM, ETIMEDOUT, ENOTCONN}) {
    const std::string name = error == ENOMEM ? "tmmx_2018.nc" : "gpp_2018185.tif";
    fs::remove_all(out());
    const Fault fault = failing("read", name, error, late_read(name));
    const Outcome outcome = end_to_end::execute(run_alone(out()), with({fault}));
    expect_told(outcome, 75, {name, reason(error), "run the same command again"}, name);
    expect_rerun(out(), name);
  }
  note("read", "passing faults while reading (ESTALE, ETIMEDOUT, ENOTCONN, ENOMEM)", 4,
       "75 with file and cause; no tile is blamed; the rerun completes");
}

TEST_F(Reads, WhatCannotBeLookedAtHasNotDisappeared) {
  const std::string name = "gpp_2018185.tif";
  const auto looks = static_cast<long>(reads_of(name, {"stat"}));
  ASSERT_GT(looks, 2);
  for (const long nth : {1L, looks / 2, looks}) {
    fs::remove_all(out());
    const Fault fault = failing("stat", name, ENOTCONN, nth);
    const std::string what = "look " + std::to_string(nth);
    const Outcome outcome = end_to_end::execute(run_alone(out()), with({fault}));
    expect_told(outcome, 75, {name, reason(ENOTCONN), "network file system"}, what);
    EXPECT_THAT(outcome.err, testing::Not(HasSubstr("disappeared"))) << what;
    expect_rerun(out(), what);
  }
  note("read", "a file server that is gone when an input is looked at (ENOTCONN)", 3,
       "75 with file and cause; the rerun completes");
}

TEST_F(Reads, AFileServerThatIsGoneFromOneCallOn) {
  for (const std::string name : {"tmmx_2018.nc", "gpp_2018185.tif", "crop_2018.tif"}) {
    fs::remove_all(out());
    const auto calls = static_cast<long>(reads_of(name, {"open", "read", "seek", "close", "stat"}));
    ASSERT_GT(calls, 10) << name;
    const long moments = in_full() ? 40 : 6;
    size_t tried = 0;
    for (long moment = 0; moment < moments; ++moment) {
      fs::remove_all(out());
      const Fault fault =
          failing("open,read,seek,close,stat", name, ENOTCONN, 1 + calls * moment / moments);
      const std::string what = name + ", call " + std::to_string(fault.nth);
      const Outcome outcome = end_to_end::execute(run_alone(out()), with({fault}));
      if (outcome.code == 0) continue;  // what comes last may not be needed
      ++tried;
      expect_told(outcome, 75, {name, reason(ENOTCONN), "network file system"}, what);
      expect_rerun(out(), what);
    }
    EXPECT_GE(tried, 3U) << name;
    note("read", "a file server that is gone from one call on (ENOTCONN): " + name, tried,
         "75 with file and cause; no tile is blamed; the rerun completes");
  }
}

TEST_F(Reads, ClosingInVain) {
  for (const std::string name : {"tmmx_2018.nc", "gpp_2018185.tif", "crop_2018.tif"}) {
    fs::remove_all(out());
    const Fault fault = failing("close", name, EIO);
    const Outcome outcome = end_to_end::execute(run_alone(out()), with({fault}));
    // HDF5 takes the file for unreadable; where nothing else is wrong, nothing is lost.
    if (name == "tmmx_2018.nc") {
      expect_told(outcome, 74, {name, reason(EIO)}, name);
    } else {
      EXPECT_EQ(outcome.code, 0) << name << "\n" << outcome.err;
    }
    expect_rerun(out(), name);
  }
  note("read", "an input that cannot be closed (EIO)", 3,
       "74 and the cause (NetCDF), or 0 and the right bytes");
}

TEST_F(Reads, InputThatIsTruncated) {
  end_to_end::copy_world(world(), inputs());
  const fs::path composite = inputs() / "gpp" / "gpp_2019185.tif", kept = folder() / "kept";
  fs::copy_file(composite, kept);
  for (const fs::path& file : {composite, inputs() / "climate" / "tmmx_2019.nc"}) {
    fs::remove_all(out());
    fs::copy_file(file, kept, fs::copy_options::overwrite_existing);
    const Outcome outcome =
        changed_underway([&] { fs::resize_file(file, fs::file_size(file) / 2); });
    expect_told(outcome, 75, {file.filename().string(), "changed while the run was going on"},
                file.string());
    const Outcome damaged = end_to_end::execute(new_run_of(inputs(), out()));
    EXPECT_THAT(damaged.code, testing::AnyOf(1, 65)) << damaged.err;
    EXPECT_THAT(damaged.err, HasSubstr(file.filename().string()));
    fs::rename(kept, file);
    const Outcome again = end_to_end::execute(new_run_of(inputs(), out()));
    EXPECT_EQ(0, again.code) << again.err;
    EXPECT_EQ("", end_to_end::differences(new_products(), visible(out())));
  }
  note("read", "a GeoTIFF, a NetCDF truncated during the run", 2,
       "75, then 1 or 65 until it is mended; then the right bytes");
}

TEST_F(Reads, InputThatIsExchanged) {
  end_to_end::copy_world(world(), inputs());
  const fs::path composite = inputs() / "gpp" / "gpp_2018185.tif", other = folder() / "other.tif";
  fs::copy_file(composite, other);
  for (int column = 8; column < 28; ++column) end_to_end::change_cell(other, column, 15, 200);
  const Outcome outcome = changed_underway([&] { fs::rename(other, composite); });
  expect_told(outcome, 75, {"gpp_2018185.tif", "changed while the run was going on"}, "exchanged");
  EXPECT_TRUE(visible(out()).empty());
  const Outcome again = end_to_end::execute(new_run_of(inputs(), out()));
  EXPECT_EQ(0, again.code) << again.err;
  const fs::path reference = folder() / "reference";
  ASSERT_EQ(0, end_to_end::execute(new_run_of(inputs(), reference)).code);
  EXPECT_EQ("", end_to_end::differences(visible(reference), visible(out())));
  EXPECT_NE("", end_to_end::differences(new_products(), visible(out())));
  note("read", "an input replaced by another during the run", 1,
       "75; the rerun gives the bytes of a run that only knew the other file");
}

TEST_F(Reads, InputThatComesAndGoes) {
  // Another file while the run goes on, then the first one again, as if it had never been away:
  // nothing that was made from the other may count.
  end_to_end::copy_world(world(), inputs());
  const fs::path composite = inputs() / "gpp" / "gpp_2018185.tif", kept = folder() / "kept.tif",
                 other = folder() / "other.tif";
  fs::copy_file(composite, other);
  for (int column = 0; column < 16; ++column)
    for (int row = 0; row < 16; ++row) end_to_end::change_cell(other, column, row, 200);
  const Outcome outcome = changed_underway([&] {
    fs::rename(composite, kept);
    fs::rename(other, composite);
  });
  EXPECT_EQ(75, outcome.code) << outcome.err;
  fs::rename(kept, composite);
  const Outcome again = end_to_end::execute(new_run_of(inputs(), out()));
  EXPECT_EQ(0, again.code) << again.err;
  EXPECT_EQ("", end_to_end::differences(new_products(), visible(out())));
  note("read", "an input replaced during the run and put back behind it", 1,
       "75; the rerun gives the bytes of an undisturbed run");
}

TEST_F(Reads, InputThatDisappears) {
  end_to_end::copy_world(world(), inputs());
  const fs::path climate = inputs() / "climate" / "srad_2019.nc", kept = folder() / "kept.nc";
  const Outcome outcome = changed_underway([&] { fs::rename(climate, kept); });
  expect_told(outcome, 75, {"srad_2019.nc", "disappeared while the run was going on"}, "gone");
  const Outcome without = end_to_end::execute(new_run_of(inputs(), out()));
  EXPECT_EQ(65, without.code) << without.err;
  EXPECT_THAT(without.err, HasSubstr("srad"));
  fs::rename(kept, climate);
  const Outcome again = end_to_end::execute(new_run_of(inputs(), out()));
  EXPECT_EQ(0, again.code) << again.err;
  EXPECT_EQ("", end_to_end::differences(new_products(), visible(out())));
  note("read", "an input deleted during the run", 1, "75, then 65 until it is back");
}

}  // namespace
}  // namespace fluxtile::faults
