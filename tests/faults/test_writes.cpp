// SPDX-License-Identifier: Apache-2.0
// Disks that are full, broken, read-only, out of inodes, or gone: the exit code, a message that
// names the cause, the old products as they were, and a next run that completes.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/atomic_file.h"
#include "place.h"

namespace fluxtile::faults {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class Writes : public Place {
 protected:
  /// A file system of this test alone; skips the test where that is not allowed.
  bool mounted(const fs::path& at, const std::string& options) {
    if (!own_namespace()) return false;
    fs::create_directories(at);
    return mount("tmpfs", at.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  static bool remounted(const fs::path& at, unsigned long flags, const std::string& options) {
    return mount("tmpfs", at.c_str(), "tmpfs", MS_REMOUNT | flags, options.c_str()) == 0;
  }
  static bool own_namespace() {
    static const bool own =
        unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return own;
  }
  static std::string reason(int error) {
    return std::error_code(error, std::generic_category()).message();
  }
};

/// A write that fails: on which file, in which call, how.
struct FailedWrite {
  const char* file;  ///< pattern
  const char* name;  ///< what the message must name
  const char* call;
  int error;
  bool torn = false;
};

/// Faults of one file that a new run makes before it touches an old product.
const std::vector<FailedWrite>& failed_writes() {
  static const std::vector<FailedWrite> all = [] {
    std::vector<FailedWrite> list = {
        {"*/plans/*.part", "plans", "open", ENOSPC},
        {"*.tile-year.*.part", ".tile-year", "write", ENOSPC, true},
        {"*.tile-year.*.part", ".tile-year", "fsync", EIO},
        {"*.state.*.part", ".state", "rename", EIO},
        {"*.open-state.*.part", ".open-state", "close", EDQUOT},
        {"*.inputs.*.part", ".inputs", "write", EIO},
        {"*.strips.tif", "_annual.tif", "write", ENOSPC},
        {"*_annual.tif.*.part", "_annual.tif", "write", EIO},
        {"*_annual.tif.*.part", "_annual.tif", "open", ENOSPC},
        {"*_annual.tif.*.part", "_annual.tif", "close", EIO},
        {"*_annual.tif.*.part", "_annual.tif", "fsync", EIO},
        {"*_monthly.nc.*.part", "_monthly.nc", "write", ENOSPC},
        {"*_annual.nc.*.part", "_annual.nc", "open", EDQUOT},
        {"*_annual.nc.*.part", "_annual.nc", "close", EIO},
        {"*.qml.*.part", ".qml", "write", EDQUOT},
        {"*.png.*.part", ".png", "write", EIO, true},
        {"*_summary.csv.*.part", "_summary.csv", "fsync", EDQUOT},
        {"*.stac.json.*.part", ".stac.json", "rename", ENOSPC},
        {"*report.html.*.part", "report.html", "write", ENOSPC},
        {"*run.json.*.part", "run.json", "fsync", EIO},
        {"*replacement.json.*.part", "replacement.json", "write", ENOSPC},
    };
    if (!in_full()) return list;
    list.clear();
    const std::pair<const char*, const char*> files[] = {
        {"*/plans/*.part", "plans"},
        {"*.tile-year.*.part", ".tile-year"},
        {"*.state.*.part", ".state"},
        {"*.open-state.*.part", ".open-state"},
        {"*.inputs.*.part", ".inputs"},
        {"*.strips.tif", ".tif"},
        {"*_annual.tif.*.part", "_annual.tif"},
        {"*_monthly_*.tif.*.part", "_monthly_"},
        {"*_monthly.nc.*.part", "_monthly.nc"},
        {"*_annual.nc.*.part", "_annual.nc"},
        {"*.qml.*.part", ".qml"},
        {"*.png.*.part", ".png"},
        {"*_summary.csv.*.part", "_summary.csv"},
        {"*.stac.json.*.part", ".stac.json"},
        {"*report.html.*.part", "report.html"},
        {"*run.json.*.part", "run.json"},
        {"*replacement.json.*.part", "replacement.json"}};
    for (const auto& [file, name] : files) {
      for (const char* call : {"open", "write", "fsync", "close", "rename"}) {
        const bool moved = std::string(file) != "*.strips.tif";
        if (!moved && (std::string(call) == "fsync" || std::string(call) == "rename")) continue;
        for (const int error : {ENOSPC, EIO, EDQUOT}) list.push_back({file, name, call, error});
        if (std::string(call) == "write") list.push_back({file, name, call, ENOSPC, true});
      }
    }
    return list;
  }();
  return all;
}

TEST_F(Writes, FailAndTellWhy) {
  const fs::path out = folder() / "out";
  std::map<std::string, size_t> times;
  size_t since_rerun = 0;
  bool fresh = false;
  for (const FailedWrite& wrong : failed_writes()) {
    const std::string file = wrong.file;
    const bool of_tiles =
        file.find("state") != std::string::npos || file.find("tile-year") != std::string::npos ||
        file.find("inputs") != std::string::npos || file.find("plans") != std::string::npos;
    // Product after product may fail in the same folder: no run gets further than before.
    if (of_tiles) {
      take_old(out);
    } else if (!fresh) {
      take_ready(out);
      fresh = true;
    }
    const std::string what = file + ": " + wrong.call + " fails with " + reason(wrong.error);
    Fault fault;
    fault.call = wrong.call;
    fault.path = wrong.file;
    fault.count = 0;  // a full disk stays full
    fault.action = (wrong.torn ? "torn:" : "errno:") + std::to_string(wrong.error);
    const Outcome outcome = end_to_end::execute(new_run(out), with({fault}));
    ++times[std::string(wrong.call) + " fails: " + reason(wrong.error)];
    if (outcome.code == 0) {  // a library that closes in vain has written all the same
      EXPECT_STREQ("close", wrong.call) << what;
      EXPECT_EQ("", end_to_end::differences(new_products(), visible(out))) << what;
      fresh = false;
      continue;
    }
    EXPECT_THAT(outcome.code, AnyOf(73, 74)) << what;
    expect_told(outcome, outcome.code, {reason(wrong.error), wrong.name, "hint:"}, what);
    expect_old(out, what);
    EXPECT_EQ(0U, end_to_end::count_files(out, ".part")) << what;
    EXPECT_EQ(0, end_to_end::fluxtile({"verify", out.string()}).code) << what;
    if (of_tiles || ++since_rerun % 5 == 0) {
      expect_rerun(out, what);
      fresh = false;
    }
  }
  if (fresh) expect_rerun(out, "at last");
  for (const auto& [fault, count] : times)
    note("write", fault, count,
         "73 or 74 with the cause and the file; old products as they were; the rerun completes");
}

TEST_F(Writes, MoveIntoPlaceFails) {
  const fs::path out = folder() / "out";
  take_ready(out);
  Fault fault;
  fault.call = "rename";
  fault.file = out.string() + "/faults_South_nee_annual.tif";
  fault.action = "errno:" + std::to_string(EIO);
  const Outcome outcome = end_to_end::execute(new_run(out), with({fault}));
  expect_told(outcome, 74, {"faults_South_nee_annual.tif", reason(EIO)}, "move");
  expect_whole(out, "move");
  EXPECT_EQ(65, end_to_end::fluxtile({"verify", out.string()}).code) << "some are new, some old";
  expect_rerun(out, "move");
  note("write", "a finished product cannot be moved to its place", 1,
       "74; `verify` tells of the mixture until the rerun ends it");
}

TEST_F(Writes, ADiskThatFillsUp) {
  const fs::path disk = folder() / "disk", out = disk / "out";
  // Kilobytes beyond what the old run left.
  std::vector<int> rooms = {8, 120, 400};
  if (in_full()) rooms = {4, 8, 16, 32, 64, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000};
  size_t full = 0;
  for (const int room : rooms) {
    if (!mounted(disk, "size=64m"))
      GTEST_SKIP() << "a file system cannot be mounted here: " << std::strerror(errno);
    take_old(out);
    const auto space = fs::space(disk);
    const auto used = (space.capacity - space.free) / 1024;
    ASSERT_TRUE(remounted(disk, 0, "size=" + std::to_string(used + room) + "k"));
    const std::string what = std::to_string(room) + " kB free";
    const Outcome outcome = end_to_end::execute(new_run(out));
    if (outcome.code != 0) {
      ++full;
      EXPECT_THAT(outcome.code, AnyOf(73, 74)) << what;
      expect_told(outcome, outcome.code, {reason(ENOSPC), "free some space", "are free"}, what);
      expect_old(out, what);
      EXPECT_EQ(0U, end_to_end::count_files(out, ".part")) << what;
      EXPECT_EQ(0, end_to_end::fluxtile({"verify", out.string()}).code) << what;
    }
    ASSERT_TRUE(remounted(disk, 0, "size=64m"));
    expect_rerun(out, what);
    ASSERT_EQ(0, umount(disk.c_str()));
  }
  EXPECT_GE(full, rooms.size() / 2);
  note("write", "a small tmpfs that fills up at another point each time", full,
       "73 or 74 with the cause; old products as they were; the rerun completes");
}

TEST_F(Writes, NoInodes) {
  const fs::path disk = folder() / "disk", out = disk / "out";
  std::vector<int> rooms = {1, 30};
  if (in_full()) rooms = {0, 1, 2, 3, 5, 8, 12, 16, 20, 24, 28, 32, 40};
  size_t full = 0;
  for (const int room : rooms) {
    if (!mounted(disk, "size=64m"))
      GTEST_SKIP() << "a file system cannot be mounted here: " << std::strerror(errno);
    take_old(out);
    size_t inodes = 1;
    for (const auto& entry : fs::recursive_directory_iterator(disk)) inodes += entry.exists();
    ASSERT_TRUE(remounted(disk, 0, "nr_inodes=" + std::to_string(inodes + room)));
    const std::string what = std::to_string(room) + " inodes free";
    const Outcome outcome = end_to_end::execute(new_run(out));
    if (outcome.code != 0) {
      ++full;
      EXPECT_THAT(outcome.code, AnyOf(73, 74)) << what;
      expect_told(outcome, outcome.code, {reason(ENOSPC)}, what);
      if (room < 2) {
        EXPECT_THAT(outcome.err, HasSubstr("inodes are free")) << what;
      }
      expect_old(out, what);
      EXPECT_EQ(0U, end_to_end::count_files(out, ".part")) << what;
    }
    ASSERT_TRUE(remounted(disk, 0, "nr_inodes=10000"));
    expect_rerun(out, what);
    ASSERT_EQ(0, umount(disk.c_str()));
  }
  EXPECT_GE(full, 1U);
  note("write", "a tmpfs without a free inode", full,
       "73 or 74, told that inodes are used up; old products as they were; the rerun completes");
}

TEST_F(Writes, ReadOnly) {
  const fs::path disk = folder() / "disk", out = disk / "out";
  if (!mounted(disk, "size=64m"))
    GTEST_SKIP() << "a file system cannot be mounted here: " << std::strerror(errno);
  take_old(out);
  ASSERT_TRUE(remounted(disk, MS_RDONLY, ""));
  const Outcome refused = end_to_end::execute(new_run(out));
  expect_told(refused, 73, {reason(EROFS), "outputs.directory"}, "read-only from the start");
  expect_old(out, "read-only from the start");
  ASSERT_TRUE(remounted(disk, 0, ""));

  Fault fault;
  fault.call = "rename";
  fault.path = "*.tile-year.*.part";
  fault.action = "stop-after";
  int refusal = 0;
  const Outcome underway = halted_run(new_run(out), fault, [&] {
    if (!remounted(disk, MS_RDONLY, "")) refusal = errno;
  });
  if (refusal == 0) {
    EXPECT_THAT(underway.code, AnyOf(73, 74));
    expect_told(underway, underway.code, {reason(EROFS)}, "read-only underway");
    expect_old(out, "read-only underway");
    ASSERT_TRUE(remounted(disk, 0, ""));
  } else {
    EXPECT_EQ(EBUSY, refusal);  // another thread had a file open for writing just then
    EXPECT_EQ(0, underway.code) << underway.err;
  }
  expect_rerun(out, "writable again");
  ASSERT_EQ(0, umount(disk.c_str()));
  note("write", "output that is, or becomes, read-only", 2,
       "73 with the cause; old products as they were; the rerun completes");
}

TEST_F(Writes, LinksThatLeadNowhere) {
  const fs::path gone = folder() / "gone", out = folder() / "out";
  fs::create_symlink(gone, out);
  expect_told(end_to_end::execute(new_run(out)), 73, {"out", "symbolic link", gone.string()},
              "the output folder");
  EXPECT_FALSE(fs::exists(gone));
  fs::remove(out);
  take_old(out);
  fs::remove_all(out / ".fluxtile");
  fs::create_symlink(gone, out / ".fluxtile");
  expect_told(end_to_end::execute(new_run(out)), 73, {".fluxtile", "symbolic link", gone.string()},
              "the private folder");
  expect_old(out, "the private folder");
  fs::remove(out / ".fluxtile");
  // A link in the place of a product is replaced, not followed.
  fs::remove(out / "faults_South_nee_annual.tif");
  fs::create_symlink(gone, out / "faults_South_nee_annual.tif");
  expect_rerun(out, "a product");
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_FALSE(fs::is_symlink(out / "faults_South_nee_annual.tif"));
  note("write", "a dangling symlink as output folder, private folder, product", 3,
       "73, told where the link leads; a link in the place of a product is replaced");
}

TEST_F(Writes, FolderThatAnotherMachineMakesAndThisOneSeesLate) {
  const fs::path out = folder() / "late";
  Fault fault;
  fault.call = "mkdir";
  fault.path = out.string();
  fault.count = 3;
  fault.action = "errno:" + std::to_string(EEXIST);
  const Outcome waited = end_to_end::execute(new_run(out), with({fault}));
  EXPECT_EQ(waited.code, 0) << waited.err;
  expect_rerun(out, "seen late");
  fs::remove_all(out);
  fault.count = 0;
  expect_told(end_to_end::execute(new_run(out), with({fault})), 75,
              {out.string(), "network file system"}, "never seen");
  expect_rerun(out, "never seen");
  note("write", "a folder that is there and is not: another machine makes it", 2,
       "waited for 2 s, then 75; the rerun completes");
}

TEST_F(Writes, OutputFolderDisappears) {
  const fs::path out = folder() / "out";
  for (const char* at : {"*.tile-year.*.part", "*_summary.csv.*.part"}) {
    fs::remove_all(out);
    Fault fault;
    fault.call = "rename";
    fault.path = at;
    fault.action = "stop-after";
    const Outcome outcome = halted_run(new_run(out), fault, [&] { fs::remove_all(out); });
    // A run that still can makes what is gone once more and succeeds.
    if (outcome.code != 0) {
      EXPECT_THAT(outcome.code, AnyOf(73, 74, 75)) << at << outcome.err;
      expect_told(outcome, outcome.code, {"hint:"}, at);
    }
    EXPECT_THAT(outcome.err, testing::Not(HasSubstr("bug in fluxtile"))) << at;
    expect_rerun(out, at);
  }
  note("write", "output folder removed during the run", 2,
       "73, 74 or 75 with the cause, or the run makes it once more; the rerun completes");
}

}  // namespace
}  // namespace fluxtile::faults
