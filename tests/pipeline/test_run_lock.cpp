// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>
#include <thread>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "pipeline/run_presence.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr int kOverlapped = 66;  // exit code of a child that was not alone

class RunLockTest : public testing::Test {
 protected:
  RunLockTest() {
    Stop::clear();
    spdlog::set_level(spdlog::level::off);
    std::string name = (fs::path(testing::TempDir()) / "fluxtile-lock-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~RunLockTest() override {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    Stop::clear();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string lock() const { return (folder_ / "lock").string(); }
  [[nodiscard]] std::string generation(int number) const {
    return lock() + "/" + std::to_string(number);
  }

  /// Quick enough for a test, slow enough for a machine that has other things to do.
  static RunLock::Times quick() { return {milliseconds(25), milliseconds(1000), milliseconds(10)}; }

  [[nodiscard]] RunLock take(milliseconds wait, const std::string& verb = "merge") const {
    return RunLock(lock(), verb, wait, quick());
  }
  [[nodiscard]] Error refusal(milliseconds wait) const {
    try {
      const RunLock held(lock(), "merge", wait, quick());
    } catch (const Error& error) {
      return error;
    }
    return Error(Code::internal, "not refused");
  }

  /// Runs `work` in a process of its own, whose exit code it gives.
  pid_t child(const std::function<int()>& work) {
    const pid_t process = fork();
    if (process == 0) {
      int code = 70;
      try {
        code = work();
      } catch (const Error& error) {
        code = static_cast<int>(error.code());
      } catch (...) {
      }
      _exit(code);
    }
    children_.push_back(process);
    return process;
  }
  int end_of(pid_t process) {
    int status = 0;
    EXPECT_EQ(waitpid(process, &status, 0), process);
    children_.erase(std::remove(children_.begin(), children_.end(), process), children_.end());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  static void wait_for(const std::function<bool()>& there) {
    const auto begin = Clock::now();
    while (!there() && Clock::now() - begin < std::chrono::seconds(20))
      std::this_thread::sleep_for(milliseconds(2));
    EXPECT_TRUE(there());
  }
  [[nodiscard]] bool exists(const std::string& name) const { return fs::exists(folder_ / name); }
  void touch(const std::string& name) const { std::ofstream(folder_ / name) << "x"; }

  /// A generation that `owner` holds.
  void write_held(int number, const LockOwner& owner, int count = 0) const {
    auto json = owner_json(owner);
    json["format"] = 1;
    json["state"] = "held";
    json["token"] = "of a test";
    json["count"] = count;
    write_atomically(generation(number), json.dump());
  }
  /// A process of another machine.
  static LockOwner foreigner() {
    LockOwner owner = LockOwner::own("merge");
    owner.process.host = "elsewhere";
    return owner;
  }

  /// Goes through a room that only one may be in; false when somebody is there.
  [[nodiscard]] bool pass_room(milliseconds stay) const {
    const std::string room = (folder_ / "room").string();
    const int fd = open(room.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (fd < 0) return false;
    std::this_thread::sleep_for(stay);
    close(fd);
    return unlink(room.c_str()) == 0;
  }

  /// The same where others may be killed in the room: who stands in it is asked whether he lives.
  [[nodiscard]] bool alone_in_room() const {
    const std::string room = (folder_ / "room").string();
    const std::string own = owner_json(LockOwner::own("test")).dump();
    if (fs::exists(room)) {
      const LockOwner other = owner_of(nlohmann::json::parse(read_file(room)));
      if (fate_of(other.process) != Fate::gone) return false;
    }
    write_atomically(room, own);
    std::this_thread::sleep_for(milliseconds(2));
    return read_file(room) == own && unlink(room.c_str()) == 0;
  }

  fs::path folder_;
  std::vector<pid_t> children_;
};

TEST_F(RunLockTest, OneOwnerAtATimeAndTheOtherLearnsItsName) {
  {
    const RunLock held = take(milliseconds(0), "clean");
    EXPECT_FALSE(held.waited());
    held.require();
    const Error error = refusal(milliseconds(0));
    EXPECT_EQ(error.code(), Code::interrupted);
    EXPECT_EQ(error.file(), lock());
    EXPECT_THAT(error.found(), HasSubstr("`clean` of " + ProcessIdentity::own().host));
    EXPECT_THAT(error.found(), HasSubstr("process " + std::to_string(getpid())));
    const auto holder = RunLock::holder(lock());
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->verb, "clean");
    EXPECT_EQ(holder->fate, Fate::running);
  }
  EXPECT_FALSE(RunLock::holder(lock()));
  EXPECT_FALSE(take(milliseconds(0)).waited());
}

TEST_F(RunLockTest, AWaiterGetsItWhenItIsReleased) {
  const pid_t owner = child([&] {
    const RunLock held = take(milliseconds(0));
    touch("held");
    std::this_thread::sleep_for(milliseconds(300));
    touch("released");
    return 0;
  });
  wait_for([&] { return exists("held"); });
  EXPECT_EQ(refusal(milliseconds(50)).code(), Code::interrupted);
  const RunLock held = take(milliseconds(20000));
  EXPECT_TRUE(held.waited());
  EXPECT_TRUE(exists("released"));
  EXPECT_EQ(end_of(owner), 0);
}

TEST_F(RunLockTest, ItIsReleasedWhenItsOwnerFails) {
  EXPECT_THROW(
      {
        const RunLock held = take(milliseconds(0));
        throw Error(Code::io, "the disk is full");
      },
      Error);
  EXPECT_FALSE(RunLock::holder(lock()));
}

TEST_F(RunLockTest, ADeadProcessIsFollowedAtOnce) {
  const pid_t owner = child([&] {
    const RunLock held = take(milliseconds(0));
    touch("held");
    pause();
    return 0;
  });
  wait_for([&] { return exists("held"); });
  ASSERT_TRUE(RunLock::holder(lock()));
  kill(owner, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(owner), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(RunLock::holder(lock())->fate, Fate::gone);
  const RunLock held = take(milliseconds(0));  // looks once
  held.require();
  EXPECT_EQ(RunLock::holder(lock())->process.pid, getpid());
}

TEST_F(RunLockTest, SoIsOneWhoseNumberAnotherProcessHasNow) {
  LockOwner owner = LockOwner::own("merge");
  owner.process.started -= 1;
  write_held(7, owner);
  const RunLock held = take(milliseconds(0));
  held.require();
  EXPECT_TRUE(fs::exists(generation(8)));
}

TEST_F(RunLockTest, SoIsOneOfBeforeTheMachineBooted) {
  LockOwner owner = LockOwner::own("merge");
  owner.process.boot = "of yesterday";
  write_held(7, owner);
  take(milliseconds(0)).require();
}

TEST_F(RunLockTest, AForeignOwnerIsDeadWhenItsCounterStandsStill) {
  write_held(7, foreigner());
  EXPECT_EQ(refusal(milliseconds(100)).code(), Code::interrupted);
  const auto begin = Clock::now();
  const RunLock held = take(milliseconds(20000));
  EXPECT_GE(Clock::now() - begin, quick().dead_after);
  held.require();
}

TEST_F(RunLockTest, AForeignOwnerIsLeftAloneWhileItsCounterMoves) {
  write_held(7, foreigner());
  std::atomic<bool> stop{false};
  std::thread beating([&] {
    for (int count = 1; !stop; ++count) {
      write_held(7, foreigner(), count);
      std::this_thread::sleep_for(milliseconds(100));
    }
  });
  const Error error = refusal(3 * quick().dead_after);
  stop = true;
  beating.join();
  EXPECT_EQ(error.code(), Code::interrupted);
  EXPECT_THAT(error.found(), HasSubstr("elsewhere"));
}

TEST_F(RunLockTest, AnOwnerRaisesItsCounter) {
  const RunLock held = take(milliseconds(0));
  const std::string before = read_file(generation(1));
  wait_for([&] { return read_file(generation(1)) != before; });
  held.require();
  EXPECT_EQ(refusal(2 * quick().dead_after).code(), Code::interrupted)
      << "an owner that lives is never taken for dead";
}

TEST_F(RunLockTest, AFrozenOwnerIsFollowedAndFindsOut) {
  const pid_t owner = child([&] {
    const RunLock held = take(milliseconds(0));
    held.require();
    touch("held");
    wait_for([&] { return exists("go on"); });
    try {
      held.require();
    } catch (const Error& error) {
      std::ofstream(folder_ / "noticed") << error.found();
      return error.code() == Code::interrupted ? 75 : 1;
    }
    return 0;
  });
  wait_for([&] { return exists("held"); });
  kill(owner, SIGSTOP);
  const RunLock held = take(milliseconds(20000));
  touch("go on");
  kill(owner, SIGCONT);
  EXPECT_EQ(end_of(owner), 75);
  EXPECT_TRUE(exists("noticed"));
  EXPECT_THAT(read_file((folder_ / "noticed").string()), HasSubstr("taken over by `merge` of"));
  EXPECT_EQ(nlohmann::json::parse(read_file(generation(1))).at("follower").at("pid"), getpid());
  held.require();  // its end disturbed nobody
  EXPECT_EQ(RunLock::holder(lock())->process.pid, getpid());
}

TEST_F(RunLockTest, AnOwnerLearnsFromItsOwnFileWhoFollowed) {
  // As on a machine that sees the file of the next generation late.
  RunLock::Times times = quick();
  times.beat = milliseconds(60000);
  const RunLock held(lock(), "merge", milliseconds(0), times);
  auto json = nlohmann::json::parse(read_file(generation(1)));
  json["state"] = "taken";
  json["follower"] = json;
  json["follower"]["host"] = "node7";
  write_atomically(generation(1), json.dump());
  const auto required = attempt([&] {
    held.require();
    return 0;
  });
  ASSERT_FALSE(required.ok());
  EXPECT_EQ(required.error().code(), Code::interrupted);
  EXPECT_THAT(required.error().found(), HasSubstr("taken over by `merge` of node7"));
}

TEST_F(RunLockTest, AnOwnerWhoseFileCannotBeReadSaysSo) {
  const RunLock held = take(milliseconds(0));
  std::error_code beaten;  // its heart may put the file back
  do {
    fs::remove(generation(1));
    fs::create_directory(generation(1), beaten);
  } while (!fs::is_directory(generation(1)));
  const auto required = attempt([&] {
    held.require();
    return 0;
  });
  ASSERT_FALSE(required.ok());
  const Error& error = required.error();
  EXPECT_EQ(error.code(), Code::interrupted);
  EXPECT_THAT(error.what(), HasSubstr("cannot be seen whether this process still has the lock"));
  EXPECT_THAT(error.found(), HasSubstr("directory"));
  EXPECT_EQ(error.file(), generation(1));
}

TEST_F(RunLockTest, AWaiterThatWasFrozenItselfHasSeenNothing) {
  write_held(7, foreigner());
  const pid_t waiter = child([&] {
    touch("waiting");
    const RunLock held = take(milliseconds(5000));
    return 0;
  });
  wait_for([&] { return exists("waiting"); });
  std::this_thread::sleep_for(milliseconds(150));
  kill(waiter, SIGSTOP);  // as if owner and waiter were stopped together
  std::this_thread::sleep_for(2 * quick().dead_after);
  kill(waiter, SIGCONT);
  std::atomic<bool> stop{false};
  std::thread beating([&] {
    for (int count = 1; !stop; ++count) {
      std::this_thread::sleep_for(milliseconds(200));
      write_held(7, foreigner(), count);
    }
  });
  EXPECT_EQ(end_of(waiter), 75) << "it must not take over from an owner that lives";
  stop = true;
  beating.join();
}

TEST_F(RunLockTest, ANewerGenerationEndsTheRightOfAnOlderOne) {
  const RunLock held = take(milliseconds(0));
  held.require();
  write_held(2, foreigner());
  EXPECT_THROW(held.require(), Error);
}

TEST_F(RunLockTest, AFileThatIsNoLockIsFollowedLikeOneThatStandsStill) {
  fs::create_directories(lock());
  std::ofstream(generation(3)) << "\xff\xfe{\"state\": 7";
  EXPECT_EQ(refusal(milliseconds(50)).code(), Code::interrupted);
  take(milliseconds(20000)).require();
  fs::create_directory(generation(9));  // what a folder does there nobody knows
  take(milliseconds(20000)).require();
  std::ofstream(lock() + "/notes.txt") << "not a generation";
  std::ofstream(lock() + "/99999999999999999999999") << "too large";
  take(milliseconds(0)).require();
}

TEST_F(RunLockTest, ASignalEndsTheWaiting) {
  const RunLock held = take(milliseconds(0));
  std::thread signal([] {
    std::this_thread::sleep_for(milliseconds(100));
    Stop::request(SIGTERM);
  });
  const auto begin = Clock::now();
  const Error error = refusal(milliseconds(60000));
  signal.join();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(error.code(), Code::interrupted);
  EXPECT_THAT(error.message(), HasSubstr("SIGTERM"));
}

TEST_F(RunLockTest, OldGenerationsGo) {
  for (int k = 0; k < 60; ++k) take(milliseconds(0)).require();
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(lock())) files += entry.exists() ? 1 : 0;
  EXPECT_LE(files, 17U);
  EXPECT_TRUE(fs::exists(generation(60)));
}

TEST_F(RunLockTest, AFolderThatCannotBeMadeIsToldOf) {
  touch("lock");  // a file where the folder should be
  const Error error = refusal(milliseconds(0));
  EXPECT_EQ(error.code(), Code::cannot_create);
  EXPECT_EQ(error.file(), lock());
}

TEST_F(RunLockTest, OfManyWhoFindADeadOwnerOneTakesOver) {
  for (int round = 0; round < 12; ++round) {
    LockOwner dead = LockOwner::own("merge");
    dead.process.boot = "of yesterday";
    write_held(100 * round + 50, dead);
    std::vector<pid_t> all;
    fs::remove(folder_ / "go");
    for (int k = 0; k < 8; ++k) {
      all.push_back(child([&] {
        while (!exists("go")) std::this_thread::sleep_for(milliseconds(1));
        const RunLock held = take(milliseconds(60000));
        held.require();
        return pass_room(milliseconds(3)) ? 0 : kOverlapped;
      }));
    }
    touch("go");
    for (const pid_t process : all) EXPECT_EQ(end_of(process), 0) << "round " << round;
  }
}

TEST_F(RunLockTest, KilledAndFrozenAtAnyMomentNeverTwoAtOnce) {
  std::mt19937 random(20);
  size_t kills = 0, stops = 0;
  const auto start = [&] {
    child([&] {
      for (;;) {
        const RunLock held = take(milliseconds(60000));
        held.require();
        if (!alone_in_room()) return kOverlapped;
      }
    });
  };
  for (int k = 0; k < 4; ++k) start();
  const auto begin = Clock::now();
  while (Clock::now() - begin < std::chrono::seconds(4)) {
    std::this_thread::sleep_for(milliseconds(std::uniform_int_distribution<int>(1, 40)(random)));
    const pid_t victim = children_[std::uniform_int_distribution<size_t>(0, 3)(random)];
    if (random() % 4 == 0) {
      kill(victim, SIGSTOP);
      std::this_thread::sleep_for(milliseconds(20));
      kill(victim, SIGCONT);
      ++stops;
    } else {
      kill(victim, SIGKILL);
      EXPECT_EQ(end_of(victim), -SIGKILL) << "it ended by itself";
      start();
      ++kills;
    }
  }
  for (const pid_t process : std::vector<pid_t>(children_)) {
    kill(process, SIGKILL);
    EXPECT_EQ(end_of(process), -SIGKILL);
  }
  std::cout << kills << " kills, " << stops << " stops\n";
  EXPECT_GT(kills, 10U);
  EXPECT_GT(stops, 2U);
  take(milliseconds(0)).require();  // and it can be had at once
}

TEST_F(RunLockTest, RunsAreNotedWhileTheyAreAtWork) {
  const std::string folder = folder_.string();
  {
    const RunPresence run(folder, "plan-a", "run"), shard(folder, "plan-b", "run");
    const auto all = RunPresence::all(folder);
    ASSERT_EQ(all.size(), 2U);
    for (const auto& present : all) {
      EXPECT_EQ(present.owner.fate, Fate::running);
      EXPECT_EQ(present.owner.process.pid, getpid());
      EXPECT_THAT(present.plan_id, testing::AnyOf("plan-a", "plan-b"));
    }
  }
  EXPECT_TRUE(RunPresence::all(folder).empty());
  const pid_t killed = child([&] {
    const RunPresence run(folder, "plan-c", "run");
    touch("noted");
    pause();
    return 0;
  });
  wait_for([&] { return exists("noted"); });
  kill(killed, SIGKILL);
  end_of(killed);
  ASSERT_EQ(RunPresence::all(folder).size(), 1U);
  EXPECT_EQ(RunPresence::all(folder).front().owner.fate, Fate::gone);
  const RunPresence next(folder, "plan-d", "run");  // sweeps what it finds dead
  EXPECT_EQ(RunPresence::all(folder).size(), 1U);
  std::ofstream(folder + "/running/odd.json") << "[";
  EXPECT_EQ(RunPresence::all(folder).size(), 2U);
  const RunPresence nowhere("/proc/nowhere", "plan", "run");  // no reason to fail
}

}  // namespace
}  // namespace fluxtile
