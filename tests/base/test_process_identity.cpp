// SPDX-License-Identifier: Apache-2.0
#include "base/process_identity.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace fluxtile {
namespace {

TEST(ProcessIdentity, KnowsItself) {
  const ProcessIdentity own = ProcessIdentity::own();
  EXPECT_FALSE(own.host.empty());
  EXPECT_FALSE(own.boot.empty());
  EXPECT_FALSE(own.pid_space.empty());
  EXPECT_EQ(own.pid, getpid());
  EXPECT_GT(own.started, 0U);
  EXPECT_EQ(fate_of(own), Fate::running);
}

TEST(ProcessIdentity, AnotherProcessIsSeenUntilItEnds) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const ProcessIdentity own = ProcessIdentity::own();
    static_cast<void>(write(ready[1], &own.started, sizeof own.started));
    pause();
    _exit(0);
  }
  ProcessIdentity identity = ProcessIdentity::own();
  identity.pid = child;
  ASSERT_EQ(read(ready[0], &identity.started, sizeof identity.started),
            static_cast<ssize_t>(sizeof identity.started));
  EXPECT_EQ(fate_of(identity), Fate::running);
  kill(child, SIGSTOP);
  EXPECT_EQ(fate_of(identity), Fate::running) << "a stopped process is not gone";
  kill(child, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(fate_of(identity), Fate::gone) << "its parent has not asked for it yet";
  waitpid(child, nullptr, 0);
  EXPECT_EQ(fate_of(identity), Fate::gone);
  close(ready[0]);
  close(ready[1]);
}

TEST(ProcessIdentity, ALaterProcessOfTheSameNumberIsAnother) {
  ProcessIdentity other = ProcessIdentity::own();
  other.started += 1;
  EXPECT_EQ(fate_of(other), Fate::gone);
}

TEST(ProcessIdentity, AnotherBootHasEndedAll) {
  ProcessIdentity other = ProcessIdentity::own();
  other.boot = "another";
  EXPECT_EQ(fate_of(other), Fate::gone);
}

TEST(ProcessIdentity, WhatCannotBeSeenIsNotJudged) {
  const ProcessIdentity own = ProcessIdentity::own();
  ProcessIdentity other = own;
  other.host = "another";
  EXPECT_EQ(fate_of(other), Fate::unknown);
  other = own;
  other.machine = "another of the same name";
  other.boot = "another";
  EXPECT_EQ(fate_of(other), Fate::unknown);
  other = own;
  other.pid_space = "pid:[1]";  // a container on this machine
  other.pid = 1 << 30;
  EXPECT_EQ(fate_of(other), Fate::unknown);
  EXPECT_EQ(fate_of(ProcessIdentity()), Fate::unknown);
}

}  // namespace
}  // namespace fluxtile
