// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/process_identity.h"

namespace fluxtile {
namespace {
namespace fs = std::filesystem;

class AtomicFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / ("fluxtile-atomic-" + std::to_string(std::random_device{}()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] size_t files() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) count += entry.exists() ? 1 : 0;
    return count;
  }
  fs::path folder_;
};

TEST_F(AtomicFileTest, WritesBytesAsTheyAre) {
  const std::string bytes("a\0b\n\xff", 5);
  write_atomically(path("x"), bytes);
  EXPECT_EQ(read_file(path("x")), bytes);
  write_atomically(path("x"), "");
  EXPECT_EQ(read_file(path("x")), "");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, PiecesFollowEachOther) {
  write_atomically(path("x"), std::vector<std::string_view>{"one", "", "two"});
  EXPECT_EQ(read_file(path("x")), "onetwo");
}

/// Share of a file's pages that the system holds in memory.
double share_in_cache(const std::string& path) {
  const auto size = static_cast<size_t>(fs::file_size(path));
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* const map = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  EXPECT_NE(map, MAP_FAILED);
  std::vector<unsigned char> there((size + page - 1) / page);
  EXPECT_EQ(mincore(map, size, there.data()), 0);
  munmap(map, size);
  const auto count = std::count_if(there.begin(), there.end(),
                                   [](unsigned char flags) { return (flags & 1U) != 0; });
  return static_cast<double>(count) / static_cast<double>(there.size());
}

TEST_F(AtomicFileTest, WhatIsReadOnAnotherNightIsNotHeldInTheCache) {
  struct statfs system {};
  ASSERT_EQ(statfs(folder_.c_str(), &system), 0);
  if (system.f_type == TMPFS_MAGIC) GTEST_SKIP() << "files of this folder are in memory alone";
  const std::string bytes(8 << 20, 'x');
  write_atomically(path("soon"), bytes);
  write_atomically(path("seldom"), bytes, ReadAgain::seldom);
  EXPECT_GT(share_in_cache(path("soon")), 0.5);
  EXPECT_LT(share_in_cache(path("seldom")), 0.1);
  EXPECT_EQ(read_file(path("seldom")), bytes);
}

TEST_F(AtomicFileTest, CreatesItsFolder) {
  write_atomically(path("a/b/c"), "text");
  EXPECT_EQ(read_file(path("a/b/c")), "text");
}

TEST_F(AtomicFileTest, NothingIsVisibleBeforeCommitAndNothingIsLeftWithoutIt) {
  write_atomically(path("x"), "old");
  {
    AtomicFile file(path("x"));
    std::ofstream(file.temporary_path()) << "new, half writ";
    EXPECT_EQ(read_file(path("x")), "old");
    EXPECT_EQ(fs::path(file.temporary_path()).parent_path(), folder_);
    EXPECT_EQ(files(), 2U);
  }
  EXPECT_EQ(read_file(path("x")), "old");
  EXPECT_EQ(files(), 1U);
  AtomicFile file(path("x"));
  std::ofstream(file.temporary_path()) << "new";
  file.commit();
  EXPECT_EQ(read_file(path("x")), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, TemporaryNamesAreUnique) {
  const AtomicFile a(path("x")), b(path("x"));
  EXPECT_NE(a.temporary_path(), b.temporary_path());
}

TEST_F(AtomicFileTest, OnlyTheFirstOfManyWritersWritesOnce) {
  std::vector<std::thread> threads;
  std::vector<int> wrote(8, 0);
  for (size_t t = 0; t < wrote.size(); ++t)
    threads.emplace_back(
        [&, t] { wrote[t] = write_once(path("plan"), std::to_string(t)) ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  int winners = 0;
  for (size_t t = 0; t < wrote.size(); ++t) {
    winners += wrote[t];
    if (wrote[t] == 1) {
      EXPECT_EQ(read_file(path("plan")), std::to_string(t));
    }
  }
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, AnAbsentFileIsAnErrorOfTheData) {
  try {
    read_file(path("absent"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), path("absent"));
  }
}

TEST_F(AtomicFileTest, AFileInTheWayOfTheFolderCannotBeCreated) {
  write_atomically(path("x"), "a file");
  try {
    write_atomically(path("x/y"), "text");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::cannot_create);
  }
}

TEST_F(AtomicFileTest, ALinkThatLeadsNowhereIsTold) {
  fs::create_symlink(path("absent"), path("link"));
  try {
    write_atomically(path("link/x"), "text");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::cannot_create);
    EXPECT_EQ(error.file(), path("link"));
    EXPECT_NE(error.found().find(path("absent")), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(path("absent")));
}

TEST_F(AtomicFileTest, CreatesFoldersWithATrailingSlash) {
  create_folder(path("a/b/"));
  EXPECT_TRUE(fs::is_directory(path("a/b")));
  create_folder(path("a/b"));
}

TEST_F(AtomicFileTest, CommitWithoutAFileIsAnErrorNotACrash) {
  AtomicFile file(path("x"));
  EXPECT_THROW(file.commit(), Error);
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(AtomicFileTest, SweepsPartsOfDeadProcessesOnly) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);  // now `child` names a dead process
  const pid_t neighbour = fork();
  if (neighbour == 0) {
    pause();
    _exit(0);
  }
  const AtomicFile own(path("mine"));
  const std::string own_name = fs::path(own.temporary_path()).filename().string();
  std::string dead_name = own_name, namesake;
  {
    const AtomicFile gone(path("mine"));
    namesake = fs::path(gone.temporary_path()).filename().string();
  }
  const std::string own_pid = "-" + std::to_string(getpid()) + "-";
  dead_name.replace(dead_name.rfind(own_pid), own_pid.size(), "-" + std::to_string(child) + "-");
  // A process that runs, but began after another one of its number had left this.
  const std::string own_start = "-" + std::to_string(fluxtile::own_start()) + "-";
  std::string earlier_name = own_name, neighbours_name = own_name;
  earlier_name.replace(earlier_name.rfind(own_start), own_start.size(), "-1-");
  neighbours_name.replace(neighbours_name.rfind(own_pid + own_start.substr(1)),
                          own_pid.size() + own_start.size() - 1,
                          "-" + std::to_string(neighbour) + "-1-");
  for (const std::string& name :
       {own_name, own_name + ".ovr.tmp", dead_name, namesake, earlier_name, neighbours_name,
        std::string(".x.another-host-1-1-0.part"), std::string("keep.part")})
    std::ofstream(path(name)) << "text";
  const std::string dead_folder = "." + dead_name;
  fs::create_directory(path(dead_folder));
  std::ofstream(path(dead_folder + "/x")) << "text";
  remove_stale_parts(folder_.string());
  kill(neighbour, SIGKILL);
  waitpid(neighbour, &status, 0);
  EXPECT_TRUE(fs::exists(path(own_name)));
  EXPECT_TRUE(fs::exists(path(own_name + ".ovr.tmp")));
  EXPECT_FALSE(fs::exists(path(dead_name)));
  EXPECT_FALSE(fs::exists(path(dead_folder)));
  EXPECT_FALSE(fs::exists(path(namesake)))
      << "of an earlier process with this one's number and start";
  EXPECT_FALSE(fs::exists(path(earlier_name))) << "of an earlier process with this one's number";
  EXPECT_FALSE(fs::exists(path(neighbours_name)))
      << "of an earlier process with a running one's number";
  EXPECT_TRUE(fs::exists(path(".x.another-host-1-1-0.part")));
  EXPECT_TRUE(fs::exists(path("keep.part")));
  remove_stale_parts(path("no such folder"));
}

}  // namespace
}  // namespace fluxtile
